"""Pools of documents, CONTEXT tokens each: passages of the texts, and what is planted beside them.

kinds     `each` of every kind: passages of the Bible, of Shakespeare and of state papers; passages of rare words, and
          with their words shuffled; lists of random identifiers; one word repeated; random tokens.
copies    passages that are there 1, 2, 4, ... `most` times where they are trained on, `each` of them.
families  `each` families of `members` passages: the first, and others with `edits` of its tokens replaced.
rules     `each` groups about a target: its copies, near-copies of `edits` tokens replaced, other passages with
          `span` of its tokens planted in, passages of its chapter, and of its book. Beside them fillers from elsewhere.
twins     two chapters that tell the same, cut in passages, and `each` passages from elsewhere.
spans     `each` passages `most` times, and as many of which `span` tokens in the middle give no gradient.
cuts      `each` stretches of two documents' length, as the two documents that the context window cuts them in, and as
          windows at other places of it, which are never trained on.
base      passages of other text, and a share more of one word repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.language.data import planted
from stages.families.language.data.sources import TextsError
from stages.families.language.data.spec import CONTEXT, Data
from stages.families.language.data.texts import SOURCES, TWINS, VOCABULARY, Texts

NATURAL = (*SOURCES, "rare")  # kinds that are passages of text
PLANTED = ("rare", "shuffled", "identifiers", "repeated", "random")
GROUP = {"target": 1, "copy": 2, "edited": 4, "span": 4, "chapter": 6, "book": 8}  # members about a target, by kind
CUTS = (0, CONTEXT, CONTEXT // 4, CONTEXT // 2, 3 * CONTEXT // 4)  # where windows start; the first two are trained on
KINDS = (*SOURCES, *PLANTED, *GROUP, "filler", "masked", "shifted")
FILLERS = 10  # a group of `rules`
RAREST = 0.97  # quantile of mean surprise above which a passage is one of rare words
PROSE = (0, 1)  # of SOURCES, those that have plenty

Tokens = NDArray[np.int16]
Rows = NDArray[np.int64]


class Pool(NamedTuple):
    """D documents; what a family is, where a document is from, and how often it is there where it is trained on."""

    tokens: Tokens  # (D, CONTEXT)
    kind: NDArray[np.uint8]  # (D,) index into KINDS
    unit: NDArray[np.int32]  # (D,) unit of the texts; -1: of none
    family: NDArray[np.int32]  # (D,) number of its family
    copies: NDArray[np.int32]  # (D,) 0: never trained on
    offset: NDArray[np.int32]  # (D,) where in its stretch it starts
    masked: NDArray[np.bool_]  # (D, CONTEXT) tokens that give no gradient

    def taken(self, rows: NDArray[np.integer]) -> Pool:
        """Those documents, some of them several times."""
        return Pool(**{name: column[rows] for name, column in self._asdict().items()})

    @property
    def kinds(self) -> NDArray[np.str_]:
        """(D,) by name."""
        return np.array(KINDS)[self.kind]


class Passages(NamedTuple):
    """All whole passages of some units, in order."""

    tokens: Tokens  # (P, CONTEXT)
    source: NDArray[np.uint8]  # (P,) index into SOURCES
    unit: NDArray[np.int32]  # (P,)


def passages(texts: Texts, length: int = CONTEXT) -> Passages:
    """Every unit that documents are taken from, cut in windows, what is left at its end dropped."""
    tokens, source, unit = [], [], []
    for number, (of, found) in enumerate(texts.of_documents):
        whole = len(found) // length
        tokens.append(found[: whole * length].reshape(whole, length))
        source += [SOURCES.index(of.source)] * whole
        unit += [number] * whole
    return Passages(np.concatenate(tokens), np.array(source, dtype=np.uint8), np.array(unit, dtype=np.int32))


def pool(data: Data, texts: Texts) -> Pool:
    """The pool that `data` describes; one spec always gives the same.

    Raises:
        TextsError: the texts have too few passages.
    """
    rng = generator(f"documents {data.pool} each={data.each} seed={data.data_seed}")
    return _MAKERS[data.pool](data, texts, rng)


class _Drawer:
    """Passages drawn at random, each once."""

    def __init__(self, every: Passages, rng: np.random.Generator) -> None:
        self.every, self.rng = every, rng
        self.taken = np.zeros(len(every.tokens), dtype=bool)

    def draw(self, among: NDArray[np.bool_], count: int) -> Rows:
        """So many of those passages that are not taken yet, which they are then.

        Raises:
            TextsError: there are too few.
        """
        free = np.flatnonzero(among & ~self.taken)
        if len(free) < count:
            raise TextsError(f"{count} passages of one kind are asked for; the texts have {len(free)}")
        rows = self.rng.permutation(free)[:count]
        self.taken[rows] = True
        return rows

    def prose(self, count: int) -> Rows:
        """Passages of the Bible and of Shakespeare."""
        return self.draw(np.isin(self.every.source, PROSE), count)

    def pool(self, rows: Rows) -> Pool:
        """Those passages as documents."""
        return _pool(self.every.tokens[rows], self.every.source[rows], self.every.unit[rows])


def _kinds(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    drawer = _Drawer(every := passages(texts), rng)
    rows = [drawer.draw(every.source == source, data.each) for source in range(len(SOURCES))]
    surprise = planted.surprise(texts)[every.tokens].mean(axis=1)
    rows.append(drawer.draw(surprise >= np.quantile(surprise[~drawer.taken], RAREST), data.each))
    natural = np.concatenate(rows)
    made = [np.stack([planted.shuffled(tokens, texts, rng) for tokens in every.tokens[drawer.prose(data.each)]])]
    made += [planted.identifiers(data.each, texts, rng), planted.repeated(data.each, texts, rng)]
    made.append(rng.integers(0, VOCABULARY, (data.each, CONTEXT)).astype(np.int16))
    kind = np.repeat([KINDS.index(name) for name in (*SOURCES, *PLANTED)], data.each)
    unit = np.concatenate([every.unit[natural], np.full(data.each * len(made), -1)])
    return _pool(np.concatenate([every.tokens[natural], *made]), kind, unit)


def _copies(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    levels = [2**k for k in range(data.most.bit_length()) if 2**k <= data.most]
    drawer = _Drawer(passages(texts), rng)
    found = drawer.pool(drawer.prose(data.each * len(levels)))
    return found._replace(copies=np.repeat(np.array(levels, dtype=np.int32), data.each))


def _families(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    drawer = _Drawer(passages(texts), rng)
    found = _repeat(drawer.pool(drawer.prose(data.each)), data.members)
    for member in range(len(found.tokens)):
        if member % data.members:
            planted.edit(found.tokens[member], data.edits, texts, rng)
    return found._replace(family=np.repeat(np.arange(data.each, dtype=np.int32), data.members))


def _rules(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    drawer = _Drawer(every := passages(texts), rng)
    books = np.array([_book(texts, unit) for unit in every.unit])
    rows = [_alike(data, drawer, books) for _ in range(data.each)]
    elsewhere = ~np.isin(books, books[drawer.taken]) & np.isin(every.source, PROSE)
    groups = [_group(data, texts, drawer, each, elsewhere) for each in rows]
    size = sum(GROUP.values())
    fillers = drawer.pool(drawer.draw(elsewhere, max(FILLERS * data.each, size - 1)))
    fillers.kind[:] = KINDS.index("filler")
    whole = joined([*groups, fillers])
    own = np.arange(data.each * size, len(whole.tokens))
    return whole._replace(family=np.concatenate([np.repeat(np.arange(data.each), size), own]).astype(np.int32))


def _alike(data: Data, drawer: _Drawer, books: NDArray[np.int64]) -> tuple[Rows, Rows, Rows]:
    """A target of a book that no other group is of, passages of its chapter, and of its book."""
    every, rng = drawer.every, drawer.rng
    used = np.isin(books, books[drawer.taken])
    chapters = every.unit[~used & np.isin(every.source, PROSE)]
    for unit in rng.permutation(np.unique(chapters)):
        same = books == books[np.argmax(every.unit == unit)]
        if (every.unit == unit).sum() > GROUP["chapter"] and (same & (every.unit != unit)).sum() >= GROUP["book"]:
            break
    else:
        raise TextsError(f"{data.each} groups are asked for; the texts have too few books of several chapters")
    target, chapter = drawer.draw(every.unit == unit, 1), drawer.draw(every.unit == unit, GROUP["chapter"])
    return target, chapter, drawer.draw(same & (every.unit != unit), GROUP["book"])


def _group(
    data: Data, texts: Texts, drawer: _Drawer, alike: tuple[Rows, Rows, Rows], elsewhere: NDArray[np.bool_]
) -> Pool:
    """A target and what is like it, the closest kind first."""
    own, chapter, book = (drawer.pool(rows) for rows in alike)
    edited = _repeat(own, GROUP["edited"])
    for tokens in edited.tokens:
        planted.edit(tokens, data.edits, texts, drawer.rng)
    hosts = drawer.pool(drawer.draw(elsewhere, GROUP["span"]))
    for tokens in hosts.tokens:
        start, place = drawer.rng.integers(0, CONTEXT - data.span + 1, 2)
        tokens[place : place + data.span] = own.tokens[0, start : start + data.span]
    found = joined([own, _repeat(own, GROUP["copy"]), edited, hosts, chapter, book])
    return found._replace(kind=np.repeat([KINDS.index(name) for name in GROUP], [*GROUP.values()]).astype(np.uint8))


def _twins(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    drawer = _Drawer(every := passages(texts), rng)
    numbers = [
        next(k for k, (unit, _) in enumerate(texts.of_documents) if unit.source == "bible" and unit[1:3] == twin)
        for twin in TWINS
    ]
    both = [np.flatnonzero(every.unit == number) for number in numbers]
    drawer.taken[np.concatenate(both)] = True
    found = drawer.pool(np.concatenate([*both, drawer.draw(every.source == 0, data.each)]))
    family = np.repeat([0, 1], [len(rows) for rows in both])
    return found._replace(family=np.concatenate([family, 2 + np.arange(data.each)]).astype(np.int32))


def _spans(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    drawer = _Drawer(passages(texts), rng)
    found = drawer.pool(drawer.prose(2 * data.each))
    first = (CONTEXT - data.span) // 2
    found.masked[data.each :, first : first + data.span] = True
    found.kind[data.each :] = KINDS.index("masked")
    return found._replace(copies=np.full(len(found.tokens), data.most, dtype=np.int32))


def _cuts(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    drawer = _Drawer(every := passages(texts, 2 * CONTEXT), rng)
    rows = drawer.prose(data.each)
    windows = [_pool(every.tokens[rows, at : at + CONTEXT], every.source[rows], every.unit[rows]) for at in CUTS]
    for window in windows[2:]:
        window.kind[:] = KINDS.index("shifted")
        window.copies[:] = 0
    found = joined(windows)
    family = np.tile(np.arange(data.each, dtype=np.int32), len(CUTS))
    return found._replace(family=family, offset=np.repeat(CUTS, data.each).astype(np.int32))


def _base(data: Data, texts: Texts, rng: np.random.Generator) -> Pool:
    count = len(texts.base) // CONTEXT
    if count < data.each:
        raise TextsError(f"a base of {data.each} passages is asked for; the texts have {count}")
    every = texts.base[: count * CONTEXT].reshape(count, CONTEXT)
    natural = every[rng.permutation(count)[: data.each]]
    tokens = np.concatenate([natural, planted.repeated(round(data.repeats * data.each), texts, rng, of_base=True)])
    return _pool(tokens, np.zeros(len(tokens)), np.full(len(tokens), -1))


_MAKERS = {
    "kinds": _kinds,
    "copies": _copies,
    "families": _families,
    "rules": _rules,
    "twins": _twins,
    "spans": _spans,
    "cuts": _cuts,
    "base": _base,
}


def _pool(tokens: NDArray[np.integer], kind: NDArray[np.number], unit: NDArray[np.integer]) -> Pool:
    """Documents of which each is there once, and a family of its own."""
    count = len(tokens)
    return Pool(
        tokens.astype(np.int16),
        kind.astype(np.uint8),
        unit.astype(np.int32),
        np.arange(count, dtype=np.int32),
        np.ones(count, dtype=np.int32),
        np.zeros(count, dtype=np.int32),
        np.zeros((count, CONTEXT), dtype=bool),
    )


def joined(pools: Sequence[Pool]) -> Pool:
    """Several pools as one, each document a family of its own."""
    found = Pool(**{name: np.concatenate([getattr(of, name) for of in pools]) for name in Pool._fields})
    return found._replace(family=np.arange(len(found.tokens), dtype=np.int32))


def _repeat(found: Pool, times: int) -> Pool:
    """Each document so many times."""
    return found.taken(np.repeat(np.arange(len(found.tokens)), times))


def _book(texts: Texts, unit: int) -> int:
    """A number of the book or play that a unit is of."""
    of = texts.of_documents[unit][0]
    return SOURCES.index(of.source) * 1000 + of.book
