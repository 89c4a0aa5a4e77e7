"""Small made-up texts in the formats that `read` reads: the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.families.language.data import Raw
from stages.families.language.data.documents import Pool
from stages.families.language.data.texts import TWINS

BOOKS, CHAPTERS, VERSES = range(1, 9), 6, 24  # beside those of the twins
PLAYS, SCENES, SPEECHES = 4, 6, 24
SECTIONS, WORDS = 12, 14  # of a state paper; and words of a verse, a speech or a line of a section
POOLS: dict[str, dict[str, Any]] = {  # a pool of each sort, which these texts have enough for
    "kinds": {"each": 4},
    "copies": {"each": 4, "most": 8},
    "families": {"each": 4, "members": 5, "edits": 3},
    "rules": {"each": 3, "edits": 4, "span": 16},
    "twins": {"each": 4},
    "spans": {"each": 4, "most": 4, "span": 16},
    "cuts": {"each": 4},
    "base": {"each": 64, "repeats": 0.25},
}


def make_texts(folder: Path) -> None:
    """What `fetch` would leave in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)


@cache
def made_up() -> Raw:
    """What `read` reads in that folder."""
    return Raw(files())


@cache
def vocabulary() -> tuple[str, ...]:
    """Words that begin with every letter, the usual ones first."""
    rng = np.random.default_rng(0)
    letters = np.array(list(ascii_lowercase))
    ends = ("".join(rng.choice(letters, rng.integers(1, 8))) for _ in range(300))
    return tuple(dict.fromkeys(ascii_lowercase[k % 26] + end for k, end in enumerate(ends)))


@cache
def files() -> dict[str, bytes]:
    """The four files by name."""
    rng = np.random.default_rng(0)
    words = np.array(vocabulary())
    share = 1 / (3 + np.arange(len(words)))
    share /= share.sum()

    def lines(count: int) -> list[str]:
        return [" ".join(line) for line in rng.choice(words, (count, WORDS), p=share)]

    chapters = {(book, chapter): lines(VERSES) for book in BOOKS for chapter in range(1, 1 + CHAPTERS)}
    chapters[TWINS[0]] = lines(VERSES)
    chapters[TWINS[1]] = [f"{verse} {words[-1]}" for verse in chapters[TWINS[0]]]
    found = {
        "bible.txt": "".join(
            f"{book} {chapter} {k} {verse}\n"
            for (book, chapter), verses in sorted(chapters.items())
            for k, verse in enumerate(verses, start=1)
        ),
        "shakespeare.txt": "".join(_play(f"Play {k}", [lines(SPEECHES) for _ in range(SCENES)]) for k in range(PLAYS)),
    }
    for name in ("constitution", "declaration"):
        found[f"{name}.txt"] = "\n\n\n".join("\n".join(lines(4)).capitalize() for _ in range(SECTIONS)) + "\n"
    return {name: text.encode() for name, text in found.items()}


def _play(title: str, scenes: Sequence[Sequence[str]]) -> str:
    text = f"# {title}\n\n## ACT I\n\n"
    for number, scene in enumerate(scenes, start=1):
        text += f"### SCENE {number}. Somewhere.\n\n_Enter SOMEBODY, and\nothers_\n\n"
        text += "".join(f"**SOMEBODY**  \n{speech.capitalize()},  \n\n_Aside_\n\n" for speech in scene)
    return text


def plain_pool(tokens: NDArray[np.integer], **changes: Any) -> Pool:
    """Documents of (D, CONTEXT) tokens, each there once and of no family, but for columns that are given."""
    count = len(tokens)
    whole = {
        "tokens": tokens.astype(np.int16),
        "kind": np.zeros(count, np.uint8),
        "unit": np.full(count, -1, np.int32),
        "family": np.arange(count, dtype=np.int32),
        "copies": np.ones(count, np.int32),
        "offset": np.zeros(count, np.int32),
        "masked": np.zeros(tokens.shape, bool),
    }
    return Pool(**whole | changes)
