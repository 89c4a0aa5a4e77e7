"""data/texts.py: the formats' units, the tokens that words are cut into, and which half documents are taken from."""

from __future__ import annotations

import numpy as np
import pytest

from stages.families.language.data import Raw
from stages.families.language.data.documents import passages
from stages.families.language.data.sources import in_letters
from stages.families.language.data.spec import CONTEXT
from stages.families.language.data.texts import SPACE, TWINS, UNTITLED, VOCABULARY, Texts, Unit, units
from tests.language.made_up import files, made_up, vocabulary

TEXTS = made_up().texts
SMALL = {
    "bible.txt": b"1 1 1 in the beginning\n1 1 2 and so on\n1 2 1 another chapter\n2 1 1 another book\n",
    "shakespeare.txt": b"""# A Play

## ACT I

### SCENE I. A wood.

_Enter ANN, and
attendants_

**ANN**  \nO, let's go  \nto bed! _Aside_ Well-a-day.

_Exit_

### SCENE II. Elsewhere.

**FIRST LORD**\nTo bed!

## ACT II

### SCENE I. Elsewhere.

**BOB**  \nAy.

# EPILOGUE

Not of a scene.

# Another, Part 2

### PROLOGUE

Two houses. _Enter
one

Three.

## ACT I

### SCENE I

One.

## ACT I

### SCENE I

Another's first act.
""",
    "constitution.txt": b"The Title\n\n\n\nSection 1\n\nAll\npowers.\n\n\n1787\n\n\nSection 2\n",
    "declaration.txt": b"When\n",
}


def as_text(tokens: np.ndarray) -> str:
    return "".join(TEXTS.text(token) for token in tokens.tolist())


def test_units_are_chapters_scenes_and_sections() -> None:
    assert list(units(SMALL)) == [
        Unit("bible", 1, 1, "Genesis", "in the beginning and so on"),
        Unit("bible", 1, 2, "Genesis", "another chapter"),
        Unit("bible", 2, 1, "Exodus", "another book"),
        Unit("shakespeare", 0, 1, "A Play", "o lets go to bed well a day"),
        Unit("shakespeare", 0, 2, "A Play", "to bed"),
        Unit("shakespeare", 0, 3, "A Play", "ay"),
        Unit("shakespeare", 1, 1, "Another, Part 2", "two houses enter one three"),
        Unit("shakespeare", 1, 2, "Another, Part 2", "one"),
        Unit("shakespeare", 2, 1, UNTITLED, "anothers first act"),
        Unit("papers", 0, 1, "Constitution", "the title"),
        Unit("papers", 0, 2, "Constitution", "section all powers"),
        Unit("papers", 0, 4, "Constitution", "section"),
        Unit("papers", 1, 1, "Declaration", "when"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't", "dont"),
        ("God\N{RIGHT SINGLE QUOTATION MARK}s", "gods"),
        ("C\N{LATIN CAPITAL LETTER AE}sar", "caesar"),
        ("step-dame, or\n\na 2nd", "step dame or a nd"),
        (" 1787! ", ""),
    ],
)
def test_words_are_of_letters(text: str, words: str) -> None:
    assert in_letters(text) == words


def test_made_up_texts_have_their_words_and_no_others() -> None:
    found = {word for unit in TEXTS.units for word in unit.words.split()}
    assert found == set(vocabulary()) and {letter for word in found for letter in word} == {*map(chr, range(97, 123))}
    assert {unit.source for unit in TEXTS.units} == {"bible", "shakespeare", "papers"}


def test_tokens_are_their_words_again() -> None:
    assert TEXTS.tokenizer.get_vocab_size() == VOCABULARY
    for unit in TEXTS.units:
        tokens = TEXTS.tokens(unit.words)
        assert tokens.dtype == np.int16 and as_text(tokens) == f" {unit.words}"
        assert TEXTS.begins[tokens].sum() == len(unit.words.split())


def test_texts_of_tokens_are_their_names() -> None:
    names = [TEXTS.text(token) for token in range(VOCABULARY)]
    assert len(set(names)) == VOCABULARY and " " in names and {*map(chr, range(97, 123))} < set(names)
    assert [TEXTS.token(name.replace(" ", SPACE)) for name in names] == list(range(VOCABULARY))
    assert [name.startswith(" ") for name in names] == TEXTS.begins.tolist()
    with pytest.raises(KeyError, match="no such token"):
        TEXTS.token("no such token")


def test_documents_and_the_base_are_of_two_halves() -> None:
    other = [unit for unit, taken in zip(TEXTS.units, TEXTS.taken.tolist(), strict=True) if not taken]
    of = [unit for unit, _ in TEXTS.of_documents]
    assert [unit for unit in TEXTS.units if unit in of] == of and set(of).isdisjoint(other)
    assert len(of) + len(other) == len(TEXTS.units) and 0.3 < len(of) / len(TEXTS.units) < 0.7
    assert as_text(TEXTS.base) == "".join(f" {unit.words}" for unit in other)
    for unit, tokens in TEXTS.of_documents:
        np.testing.assert_array_equal(tokens, TEXTS.tokens(unit.words))


def test_documents_are_taken_from_both_twins_wherever_they_are() -> None:
    for more in range(12):
        texts = Texts([*TEXTS.units[:more], *TEXTS.units])
        taken = {unit[:3] for unit, here in zip(texts.units[more:], texts.taken[more:].tolist(), strict=True) if here}
        assert taken > {("bible", *twin) for twin in TWINS} and texts.taken.mean() < 0.7


def test_no_passage_of_a_document_is_in_the_base() -> None:
    base = np.lib.stride_tricks.sliding_window_view(TEXTS.base, CONTEXT)
    windows = {window.tobytes() for window in base}
    every = passages(TEXTS)
    assert not any(tokens.tobytes() in windows for tokens in every.tokens)
    assert TEXTS.base[5 : 5 + CONTEXT].tobytes() in windows


def test_passages_are_their_units_in_order() -> None:
    for length in (CONTEXT, 2 * CONTEXT):
        every = passages(TEXTS, length)
        assert every.tokens.shape == (len(every.unit), length)
        for number, (unit, tokens) in enumerate(TEXTS.of_documents):
            own = every.tokens[every.unit == number]
            assert len(own) == len(tokens) // length
            np.testing.assert_array_equal(own.ravel(), tokens[: own.size])
            assert {("bible", "shakespeare", "papers")[k] for k in every.source[every.unit == number]} <= {unit.source}


def test_one_set_of_files_gives_one_tokeniser() -> None:
    again = [Raw(files()) for _ in range(3)]
    assert {raw.digest for raw in again} == {made_up().digest}
    assert {raw.texts.digest for raw in again} == {TEXTS.digest}
    assert len(TEXTS.digest) == 64
    other = files()["bible.txt"].replace(b" 1 1 ", b" 1 1 more ", 1)
    assert Raw(files() | {"bible.txt": other}).digest != made_up().digest


def test_the_tokeniser_is_of_what_documents_are_not_taken_from() -> None:
    """Or a word that is one token would say that documents have it."""

    def changed(where: np.ndarray) -> Texts:
        units = zip(TEXTS.units, where.tolist(), strict=True)
        return Texts([unit._replace(words="of other words " * 50) if here else unit for unit, here in units])

    assert changed(TEXTS.taken).digest == TEXTS.digest != changed(~TEXTS.taken).digest
