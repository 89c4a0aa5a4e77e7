"""The texts as words, in units of a chapter, a scene or a paper, and the tokens that they are cut into.

One half of the units is what documents are taken from. The other half is what the tokeniser is trained on, and models
that start from a common base.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from stages.core.random import generator
from stages.families.language.data.sources import in_letters

VOCABULARY = 512
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # the tokenizer's, before a word
SOURCES = ("bible", "shakespeare", "papers")
BOOKS = """Genesis, Exodus, Leviticus, Numbers, Deuteronomy, Joshua, Judges, Ruth, 1 Samuel, 2 Samuel, 1 Kings, 2 Kings,
1 Chronicles, 2 Chronicles, Ezra, Nehemiah, Esther, Job, Psalms, Proverbs, Ecclesiastes, Song of Solomon, Isaiah,
Jeremiah, Lamentations, Ezekiel, Daniel, Hosea, Joel, Amos, Obadiah, Jonah, Micah, Nahum, Habakkuk, Zephaniah, Haggai,
Zechariah, Malachi, Matthew, Mark, Luke, John, Acts, Romans, 1 Corinthians, 2 Corinthians, Galatians, Ephesians,
Philippians, Colossians, 1 Thessalonians, 2 Thessalonians, 1 Timothy, 2 Timothy, Titus, Philemon, Hebrews, James,
1 Peter, 2 Peter, 1 John, 2 John, 3 John, Jude, Revelation""".replace("\n", " ").split(", ")
WITHIN = ("EPILOGUE", "INTERMISSION")  # headings of a play's rank that begin none
UNTITLED = "Measure for Measure"  # the one play without a heading: its first act follows another's last
TWINS = ((12, 19), (23, 37))  # 2 Kings 19 and Isaiah 37 tell the same: chapters of which documents are taken


class Unit(NamedTuple):
    """A chapter, a scene, or a section of a state paper: what is close in its source."""

    source: str
    book: int  # or play, or paper
    chapter: int  # or scene, or section
    title: str  # of the book
    words: str


def units(files: Mapping[str, bytes]) -> Iterator[Unit]:
    """All of the texts, in their order."""
    verses: dict[tuple[int, int], list[str]] = {}
    for line in files["bible.txt"].decode().splitlines():
        first, second, _, words = line.split(" ", 3)
        verses.setdefault((int(first), int(second)), []).append(words)
    for (book, chapter), several in verses.items():
        yield Unit("bible", book, chapter, BOOKS[book - 1], " ".join(several))
    yield from _scenes(files["shakespeare.txt"].decode())
    for book, name in enumerate(("constitution", "declaration")):
        for chapter, section in enumerate(re.split(r"\n\n\n+", files[f"{name}.txt"].decode()), start=1):
            if words := in_letters(section):
                yield Unit("papers", book, chapter, name.capitalize(), words)


def _scenes(text: str) -> Iterator[Unit]:
    """The scenes of every play: what stands under a heading `### `, up to the next heading of whatever rank."""
    book, title, acts, scene = -1, "", set[str](), 0
    for part in re.split(r"^(?=#)", text, flags=re.MULTILINE)[1:]:
        heading, _, spoken = part.partition("\n")
        rank, _, name = heading.strip().partition(" ")
        begins = rank == "#" and name not in WITHIN
        if begins or (rank == "##" and name in acts):
            book, title, acts, scene = book + 1, name if begins else UNTITLED, set(), 0
        if rank == "##":
            acts.add(name)
        if rank == "###":
            scene += 1
            yield Unit("shakespeare", book, scene, title, in_letters(_spoken(spoken)))


def _spoken(scene: str) -> str:
    """A scene without who speaks, and without stage directions, which end with their paragraph if not before."""
    return re.sub(r"_([^_\n]|\n(?!\n))*_", " ", re.sub(r"^\*\*.*\*\*\s*$", " ", scene, flags=re.MULTILINE))


class Texts:
    """Units, which of them documents are taken from, and the tokeniser that the others train."""

    def __init__(self, every: list[Unit]) -> None:
        self.units = every
        taken = generator("units of documents").random(len(every)) < 0.5
        twins = [unit.source == "bible" and (unit.book, unit.chapter) in TWINS for unit in every]
        self.taken: NDArray[np.bool_] = taken | np.array(twins)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Byte-pair encoding of words and the space before each, of VOCABULARY tokens."""
        found = Tokenizer(models.BPE())
        found.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, show_progress=False)
        found.train_from_iterator((unit.words for unit, taken in self._pairs() if not taken), trainer)
        return found

    @cached_property
    def digest(self) -> str:
        """Sha256 of the tokeniser."""
        return hashlib.sha256(self.tokenizer.to_str().encode()).hexdigest()

    @cached_property
    def of_documents(self) -> list[tuple[Unit, NDArray[np.int16]]]:
        """The units that documents are taken from, as tokens."""
        return [(unit, self.tokens(unit.words)) for unit, taken in self._pairs() if taken]

    @cached_property
    def base(self) -> NDArray[np.int16]:
        """The tokens of all other units, one after the other."""
        return np.concatenate([self.tokens(unit.words) for unit, taken in self._pairs() if not taken])

    @cached_property
    def begins(self) -> NDArray[np.bool_]:
        """(VOCABULARY,) which tokens begin a word."""
        return np.array([self.text(token).startswith(" ") for token in range(VOCABULARY)])

    @cached_property
    def words(self) -> NDArray[np.bool_]:
        """(VOCABULARY,) which tokens are a word, two letters at least: those that more often than not end one."""
        ends = np.append(self.begins[self.base[1:]], True)
        count, ending = (np.bincount(self.base[of], minlength=VOCABULARY) for of in (slice(None), ends))
        long = np.array([len(self.text(token)) > 2 for token in range(VOCABULARY)])
        words: NDArray[np.bool_] = self.begins & long & (2 * ending > count)
        return words

    def token(self, text: str) -> int:
        """The token of that text.

        Raises:
            KeyError: none is.
        """
        found = self.tokenizer.token_to_id(text)
        if found is None:
            raise KeyError(text)
        return int(found)

    def text(self, token: int) -> str:
        """What a token stands for."""
        return str(self.tokenizer.id_to_token(token)).replace(SPACE, " ")

    def tokens(self, words: str) -> NDArray[np.int16]:
        """A text as tokens."""
        return np.array(self.tokenizer.encode(words).ids, dtype=np.int16)

    def _pairs(self) -> Iterator[tuple[Unit, bool]]:
        return zip(self.units, self.taken.tolist(), strict=True)
