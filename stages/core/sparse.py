"""The rows of a sparse random matrix, and how large their values are once each row has length 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator

CHUNK = 10_000  # rows of one seed


def rows(
    rng: np.random.Generator, n: int, S: float, T: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """(start (T + 1,), column, value) of T rows of n numbers, each 0 with probability S, else uniform on (0, 1].

    By the gaps between successes: O(nonzeros), not O(T n). The grid of rows is read as one long sequence of coins.
    Empty rows are dropped and the sequence goes on until T rows hold something, which is the same as drawing each
    empty row again.
    """
    kept: list[NDArray[np.int64]] = []
    filled, first = 0, 0  # rows that hold something so far; the first row of the block being drawn
    while filled < T:
        count = int((T - filled) / min(1.0, n * (1 - S))) + 8
        position = np.cumsum(rng.geometric(1 - S, size=int(count * n * (1 - S)) + 64)) - 1
        while position[-1] < count * n:
            more = rng.geometric(1 - S, size=len(position) // 8 + 64)
            position = np.append(position, position[-1] + np.cumsum(more))
        position = position[position < count * n]
        filled += len(np.unique(position // n))
        kept.append(position + first * n)
        first += count
    position = np.concatenate(kept)
    row = np.unique(position // n, return_inverse=True)[1]
    position, row = position[row < T], row[row < T]
    start = np.searchsorted(row, np.arange(T + 1)).astype(np.int64)
    return start, position % n, 1 - rng.random(len(position))


def fresh_rows(
    n: int, S: float, T: int, seed: int, chunk: int = CHUNK
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """The T rows of a test set, `chunk` at a time (each chunk its own seed), so that T costs no memory."""
    for first in range(0, T, chunk):
        yield rows(generator(f"test n={n} S={S!r} first={first} seed={seed}"), n, S, min(chunk, T - first))


def values(n: int, S: float, T: int, seed: int) -> NDArray[np.float32]:
    """(nonzeros,) values of a test set's rows, each scaled to length 1."""
    found = []
    for start, _, value in fresh_rows(n, S, T, seed):
        length = np.sqrt(np.add.reduceat(value**2, start[:-1]))
        found.append((value / np.repeat(length, np.diff(start))).astype(np.float32))
    return np.concatenate(found)
