"""What is planted beside passages of text, and passages changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.families.language.data.spec import CONTEXT
from stages.families.language.data.texts import SPACE, VOCABULARY, Texts

SYMBOLS, LENGTH = 16, 8  # letters that identifiers are made of, and how many one has, the space before it included

Tokens = NDArray[np.int16]


def edit(tokens: Tokens, edits: int, texts: Texts, rng: np.random.Generator) -> None:
    """Replace so many tokens, each by another one as often met as in other text."""
    usual = texts.base
    for place in rng.permutation(CONTEXT)[:edits]:
        other = tokens[place]
        while other == tokens[place]:
            other = usual[rng.integers(len(usual))]
        tokens[place] = other


def surprise(texts: Texts) -> NDArray[np.float64]:
    """(VOCABULARY,) nats of each token by how often it is there in other text."""
    count = np.bincount(texts.base, minlength=VOCABULARY) + 1
    found: NDArray[np.float64] = -np.log(count / count.sum())
    return found


def shuffled(tokens: Tokens, texts: Texts, rng: np.random.Generator) -> Tokens:
    """The words of a passage in another order."""
    starts = np.flatnonzero(texts.begins[tokens] | (np.arange(CONTEXT) == 0))
    words = np.split(tokens, starts[1:])
    return np.concatenate([words[k] for k in rng.permutation(len(words))])


def identifiers(count: int, texts: Texts, rng: np.random.Generator) -> Tokens:
    """Lists of words of random letters."""
    space, letters = texts.token(SPACE), [texts.token(chr(97 + k)) for k in range(SYMBOLS)]
    found = np.array(letters, dtype=np.int16)[rng.integers(0, SYMBOLS, (count, CONTEXT))]
    found[:, ::LENGTH] = space
    return found


def repeated(count: int, texts: Texts, rng: np.random.Generator, *, of_base: bool = False) -> Tokens:
    """One word again and again, another in each document while there are words of one token.

    Half of the words are for bases, the other for all else, so that no document is met in a base.
    """
    words = rng.permutation(np.flatnonzero(texts.words)[int(of_base) :: 2])
    return np.repeat(np.resize(words, count)[:, None], CONTEXT, axis=1).astype(np.int16)
