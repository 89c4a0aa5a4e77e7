"""data/documents.py and data/planted.py: what each pool has, and where it is from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.families.language.data import documents, planted
from stages.families.language.data.documents import CUTS, GROUP, KINDS, PLANTED, Pool, passages
from stages.families.language.data.sources import TextsError
from stages.families.language.data.spec import CONTEXT, Data
from stages.families.language.data.texts import SOURCES, SPACE, TWINS, VOCABULARY
from tests.language.made_up import POOLS, made_up

TEXTS = made_up().texts
EVERY = passages(TEXTS)
ALL = {tokens.tobytes(): int(unit) for tokens, unit in zip(EVERY.tokens, EVERY.unit, strict=True)}
SEEDS = range(12)

Specs = Callable[..., Data]
Tokens = NDArray[np.int16]


def pool(data: Specs, name: str, **changes: Any) -> Pool:
    return documents.pool(data(**{"pool": name} | POOLS[name] | changes), TEXTS)


def book(unit: int) -> tuple[str, int]:
    return TEXTS.of_documents[unit][0][:2]


def unit_of(tokens: Tokens) -> int:
    return ALL.get(tokens.tobytes(), -1)


def as_words(tokens: Tokens) -> list[str]:
    return "".join(TEXTS.text(token) for token in tokens.tolist()).split()


@pytest.mark.parametrize(
    ("name", "kinds", "copies", "families"),
    [
        ("kinds", dict.fromkeys((*SOURCES, *PLANTED), 4), {1: 32}, 32),
        ("copies", {"prose": 16}, {1: 4, 2: 4, 4: 4, 8: 4}, 16),
        ("families", {"prose": 20}, {1: 20}, 4),
        ("rules", {kind: 3 * count for kind, count in GROUP.items()} | {"filler": 30}, {1: 105}, 3 + 30),
        ("spans", {"prose": 4, "masked": 4}, {4: 8}, 8),
        ("cuts", {"prose": 8, "shifted": 12}, {1: 8, 0: 12}, 4),
        ("base", {"prose": 80}, {1: 80}, 80),
    ],
)
def test_a_pool_has_so_many_documents_of_each_kind(
    data: Specs, name: str, kinds: dict[str, int], copies: dict[int, int], families: int
) -> None:
    found = pool(data, name)
    count = sum(kinds.values())
    prose = {"bible": "prose", "shakespeare": "prose"} if name != "kinds" else {}
    assert Counter(prose.get(kind, kind) for kind in found.kinds.tolist()) == kinds
    assert Counter(found.copies.tolist()) == copies
    assert found.tokens.shape == found.masked.shape == (count, CONTEXT) and found.tokens.dtype == np.int16
    assert found.tokens.min() >= 0 and found.tokens.max() < VOCABULARY
    assert {len(column) for column in found} == {count} and len(set(found.family.tolist())) == families
    assert name == "spans" or not found.masked.any()
    assert name == "cuts" or not found.offset.any()


@pytest.mark.parametrize("name", POOLS)
def test_one_spec_gives_one_pool_and_another_seed_another(data: Specs, name: str) -> None:
    found, again, other = (pool(data, name, data_seed=seed) for seed in (3, 3, 4))
    for column in Pool._fields:
        np.testing.assert_array_equal(getattr(found, column), getattr(again, column), strict=True)
    assert found.tokens.shape == other.tokens.shape and not np.array_equal(found.tokens, other.tokens)


@pytest.mark.parametrize("name", ["kinds", "copies", "twins", "spans"])
def test_passages_of_text_are_their_units_and_each_is_taken_once(data: Specs, name: str) -> None:
    found = pool(data, name)
    natural = found.unit >= 0
    made = [KINDS.index(kind) for kind in PLANTED if kind != "rare"]
    np.testing.assert_array_equal(natural, ~np.isin(found.kind, made))
    assert [unit_of(tokens) for tokens in found.tokens[natural]] == found.unit[natural].tolist()
    assert len({tokens.tobytes() for tokens in found.tokens[natural]}) == natural.sum()
    for kind, unit in zip(found.kinds[natural], found.unit[natural].tolist(), strict=True):
        assert kind in ("rare", "masked", book(unit)[0])


def test_numbers_of_copies_go_up_by_two_as_far_as_they_may(data: Specs) -> None:
    assert pool(data, "copies", most=6, each=2).copies.tolist() == [1, 1, 2, 2, 4, 4]
    assert pool(data, "copies", most=1, each=2).copies.tolist() == [1, 1]


def test_rare_passages_are_of_the_rarest_tokens(data: Specs) -> None:
    surprise = planted.surprise(TEXTS)
    assert np.isclose(np.exp(-surprise).sum(), 1) and surprise.argmin() == np.bincount(TEXTS.base).argmax()
    count = Counter(TEXTS.base.tolist())
    mean = [np.mean([-np.log(count[token] + 1) for token in tokens]) for tokens in EVERY.tokens.tolist()]
    for seed in SEEDS:
        found = pool(data, "kinds", data_seed=seed)
        for tokens in found.tokens[found.kinds == "rare"].tolist():
            assert (np.mean([-np.log(count[token] + 1) for token in tokens]) >= np.array(mean)).mean() > 0.95


def test_shuffled_passages_are_words_of_a_passage_in_another_order(data: Specs) -> None:
    sorts = {tuple(sorted(tokens.tolist())): tokens for tokens in EVERY.tokens}
    for seed in SEEDS:
        found = pool(data, "kinds", data_seed=seed)
        for tokens in found.tokens[found.kinds == "shuffled"]:
            passage = sorts[tuple(sorted(tokens.tolist()))]
            assert book(unit_of(passage))[0] in ("bible", "shakespeare") and not np.array_equal(tokens, passage)
            assert passage.tobytes() not in {natural.tobytes() for natural in found.tokens}
            words, shuffled = Counter(as_words(passage)), Counter(as_words(tokens))
            if words != shuffled:  # a word's end, which the passage begins with, comes after another word
                end, before = as_words(passage)[0], (words - shuffled).copy()
                before.subtract([end])
                assert [word + end for word in before.elements()] == list((shuffled - words).elements())
                assert not TEXTS.begins[passage[0]]


def test_identifiers_are_words_of_sixteen_letters(data: Specs) -> None:
    found = pool(data, "kinds")
    tokens = found.tokens[found.kinds == "identifiers"]
    assert (tokens[:, ::8] == TEXTS.token(SPACE)).all()
    letters = np.delete(tokens, np.s_[::8], axis=1)
    assert {TEXTS.text(token) for token in letters.ravel().tolist()} == set("abcdefghijklmnop")
    assert len({row.tobytes() for row in letters.reshape(-1, 7)}) == 4 * 8


def test_repeated_and_random_tokens_are(data: Specs) -> None:
    found = pool(data, "kinds")
    repeated, random = (found.tokens[found.kinds == kind] for kind in ("repeated", "random"))
    assert (repeated == repeated[:, :1]).all() and TEXTS.words[repeated[:, 0]].all()
    assert len(set(repeated[:, 0].tolist())) == 4
    assert len(set(random.ravel().tolist())) > 150  # of 256 among 512: 201 by chance
    many, of_base = (
        planted.repeated(2 * VOCABULARY, TEXTS, np.random.default_rng(0), of_base=base)[:, 0] for base in (False, True)
    )
    assert not set(many.tolist()) & set(of_base.tolist())
    assert set(many.tolist()) | set(of_base.tolist()) == set(np.flatnonzero(TEXTS.words).tolist())
    assert set(Counter(many.tolist()).values()) <= {2 * VOCABULARY // len(set(many.tolist())) + k for k in (0, 1)}


@pytest.mark.parametrize("edits", [0, 1, 3, CONTEXT])
def test_members_of_a_family_differ_from_its_first_in_so_many_tokens(data: Specs, edits: int) -> None:
    found = pool(data, "families", edits=edits)
    firsts = set()
    for family in range(4):
        first, *others = found.tokens[found.family == family]
        assert len(others) == 4 and [(first != member).sum() for member in others] == [edits] * 4
        assert {unit_of(first)} == set(found.unit[found.family == family].tolist())
        assert np.isin(others, TEXTS.base).all() or edits < CONTEXT
        firsts.add(first.tobytes())
    assert len(firsts) == 4


def test_near_copies_are_edited_at_places_of_their_own(data: Specs) -> None:
    found = pool(data, "families", members=30)
    places = [tuple(np.flatnonzero(member != found.tokens[0])) for member in found.tokens[1:30]]
    assert len(set(places)) > 20 and len({place for several in places for place in several}) > CONTEXT / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_of_rules_are_about_their_targets(data: Specs, seed: int) -> None:
    found = pool(data, "rules", data_seed=seed)
    for group in range(3):
        own = found.taken(np.flatnonzero(found.family == group))
        assert own.kinds.tolist() == [kind for kind, count in GROUP.items() for _ in range(count)]
        target, unit = own.tokens[0], int(own.unit[0])
        members = {kind: own.tokens[own.kinds == kind] for kind in GROUP}
        assert unit_of(target) == unit and (members["copy"] == target).all()
        assert ((members["edited"] != target).sum(axis=1) == 4).all()
        assert {unit_of(tokens) for tokens in members["chapter"]} == {unit}
        assert {book(unit_of(tokens)) for tokens in members["book"]} == {book(unit)}
        assert unit not in [unit_of(tokens) for tokens in members["book"]]
        passages = [target, *members["chapter"], *members["book"]]
        assert len({tokens.tobytes() for tokens in passages}) == 1 + 6 + 8


def hosts(found: Pool, span: int) -> list[Tokens]:
    """The passages that a target's span was planted in; each has one run of it, and is else what it was."""
    several = []
    for row in np.flatnonzero(found.kinds == "span"):
        tokens, target = found.tokens[row], found.tokens[found.family == found.family[row]][0]
        spans = {target[k : k + span].tobytes() for k in range(CONTEXT - span + 1)}
        several += [
            host
            for host in EVERY.tokens[EVERY.unit == found.unit[row]]
            for at in range(CONTEXT - span + 1)
            if tokens[at : at + span].tobytes() in spans
            and np.array_equal(np.delete(tokens, np.s_[at : at + span]), np.delete(host, np.s_[at : at + span]))
        ][:1]
    return several


@pytest.mark.parametrize("span", [1, 16, 32])
def test_a_span_of_the_target_is_in_other_passages(data: Specs, span: int) -> None:
    found = pool(data, "rules", span=span)
    assert len({host.tobytes() for host in hosts(found, span)}) == (found.kinds == "span").sum() == 12


@pytest.mark.parametrize("seed", SEEDS)
def test_hosts_and_fillers_are_of_books_that_no_target_is_of(data: Specs, seed: int) -> None:
    found = pool(data, "rules", data_seed=seed)
    targets = {book(unit) for unit in found.unit[found.kinds == "target"].tolist()}
    assert len(targets) == 3
    elsewhere = np.isin(found.kinds, ["span", "filler"])
    assert targets.isdisjoint(book(unit) for unit in found.unit[elsewhere].tolist())
    fillers = found.tokens[found.kinds == "filler"]
    assert [unit_of(tokens) for tokens in fillers] == found.unit[found.kinds == "filler"].tolist()
    assert len({tokens.tobytes() for tokens in [*fillers, *hosts(found, 16)]}) == 30 + 12
    assert found.family[found.kinds == "filler"].tolist() == list(range(75, 105))


@pytest.mark.parametrize(("each", "fillers"), [(1, 24), (2, 24), (3, 30), (4, 40)])
def test_there_are_fillers_for_the_largest_rule(data: Specs, each: int, fillers: int) -> None:
    assert (pool(data, "rules", each=each).kinds == "filler").sum() == fillers >= sum(GROUP.values()) - 1


def test_twins_are_two_chapters_and_passages_from_elsewhere(data: Specs) -> None:
    found = pool(data, "twins")
    for family, twin in enumerate(TWINS):
        unit = next(k for k, (of, _) in enumerate(TEXTS.of_documents) if of[:3] == ("bible", *twin))
        np.testing.assert_array_equal(found.tokens[found.family == family], EVERY.tokens[EVERY.unit == unit])
        assert (found.family == family).sum() > 4 and unit not in found.unit[found.family > 1]
    assert found.family[found.family > 1].tolist() == [2, 3, 4, 5] and (found.copies == 1).all()
    assert set(found.kinds.tolist()) == {"bible"}


@pytest.mark.parametrize(("span", "first"), [(16, 24), (15, 24), (1, 31), (32, 16)])
def test_masked_spans_are_in_the_middle_of_half_of_the_documents(data: Specs, span: int, first: int) -> None:
    found = pool(data, "spans", span=span)
    masked = found.masked[found.kinds == "masked"]
    assert masked[:, first : first + span].all() and masked.sum() == 4 * span == found.masked.sum()


def test_cuts_are_windows_of_one_stretch(data: Specs) -> None:
    found = pool(data, "cuts")
    assert CUTS == (0, 64, 16, 32, 48)
    for family in range(4):
        own = found.taken(np.flatnonzero(found.family == family))
        assert own.offset.tolist() == [0, 64, 16, 32, 48] and own.copies.tolist() == [1, 1, 0, 0, 0]
        assert own.kinds.tolist() == [book(int(own.unit[0]))[0]] * 2 + ["shifted"] * 3 and len(set(own.unit)) == 1
        stretch = np.concatenate(own.tokens[:2])
        assert all(np.array_equal(own.tokens[k], stretch[at : at + 64]) for k, at in enumerate(CUTS))
        whole = TEXTS.of_documents[int(own.unit[0])][1]
        assert stretch.tobytes() in [whole[k : k + 128].tobytes() for k in range(0, len(whole), 128)]


@pytest.mark.parametrize("repeats", [0.0, 0.25, 0.5, 1.0])
def test_a_base_has_so_many_documents_of_one_word_more(data: Specs, repeats: float) -> None:
    found, plain = pool(data, "base", repeats=repeats), pool(data, "base", repeats=0.0)
    one = (found.tokens == found.tokens[:, :1]).all(axis=1)
    assert one.sum() == repeats * 64 and TEXTS.words[found.tokens[one, 0]].all()
    np.testing.assert_array_equal(found.tokens[~one], plain.tokens)


@pytest.mark.parametrize("name", POOLS)
def test_more_than_the_texts_have_is_refused_in_one_line(data: Specs, name: str) -> None:
    says = {"rules": "1000 groups are", "base": "a base of 1000 passages is", "copies": "4000 passages of one kind are"}
    says["spans"] = "2000 passages of one kind are"
    with pytest.raises(
        TextsError, match=f"^{says.get(name, '1000 passages of one kind are')} asked for; .*have"
    ) as caught:
        pool(data, name, each=1000)
    assert "\n" not in str(caught.value)
