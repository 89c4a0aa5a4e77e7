"""In which order points and features go by, so that what is decided lies together; see undecided.py.

Orders need not be exact: they are found anew after some steps, and from the model's state alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.model.compiler import LANES
from stages.families.toy.model.pairs import Kind

REORDER = 500  # steps; checkpoints are at multiples of it
BOX = 60  # points; eight boxes are a block of sums


def pays(m: int, T: int) -> bool:
    """Whether sorting saves more than it takes, as measured over whole trainings (README.md of this family).

    Beyond m = 4 lengths decide too little while points are memorised; what they decide of more points is not measured.
    """
    least = 64 if m <= 2 else 500
    return m <= 4 and least <= T


def boxes_pay(kind: Kind, T: int) -> bool:
    """Whether boxes save time, as measured; only for squared errors with all features alike."""
    return kind.m <= 2 and T >= 2000 and kind.power == 2 and not kind.importance


def next_order(step: int, *, boxed: bool) -> int:
    """The step before which the orders are found anew, after they were before `step`.

    Boxes need it sooner, and most where the model still changes fast.
    """
    every = (50 if step < 5000 else 250) if boxed else REORDER
    return step - step % every + every


def point_order(H: NDArray[np.float32], *, boxed: bool) -> NDArray[np.int64]:
    """Of (T, m) hidden vectors, the longest first; with boxes in rings by length, each of points that are close."""
    longest = np.argsort(-(H * H).sum(axis=1), kind="stable")
    if not boxed:
        return longest
    boxes = -(-len(H) // BOX)
    ring = BOX * -(-boxes // max(1, round(0.7 * boxes**0.5)))
    rings = [longest[first : first + ring] for first in range(0, len(H), ring)]
    return np.concatenate([part[close(H[part], BOX)] for part in rings])


def feature_order(U: NDArray[np.float32], b: NDArray[np.float32], tile: int, *, boxed: bool) -> NDArray[np.int64]:
    """Of features with decoder U (m, n) and biases b (n,), those first that most points leave undecided.

    With boxes so by tiles, each of groups whose lines z = 0 are in about the same place.
    """
    length = np.maximum(np.sqrt((U * U).sum(axis=0)), np.float32(1e-30))
    order = np.argsort(np.abs(b) / length, kind="stable")
    if not boxed:
        return order
    rank = np.argsort(np.argsort(b / length, kind="stable"), kind="stable")
    lines = np.concatenate([U / length, 2 * rank[None] / len(b)]).T.astype(np.float32)
    parts = [order[first : first + tile] for first in range(0, len(b), tile)]
    return np.concatenate([part[close(lines[part], LANES)] for part in parts])


def close(points: NDArray[np.float32], size: int) -> NDArray[np.int64]:
    """An order of (k, d) points in which every run of `size`, from the first on, is close together.

    The points are halved along the coordinate in which they spread most, and the halves again. Ties stay in order.
    """
    parts = [np.arange(len(points))]
    while max(map(len, parts)) > size:
        parts = [half for part in parts for half in _halves(points, part, size)]
    return np.concatenate(parts)


def _halves(points: NDArray[np.float32], part: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    if len(part) <= size:
        return [part]
    own = points[part]
    part = part[np.argsort(own[:, np.argmax(np.ptp(own, axis=0))], kind="stable")]
    middle = size * (-(-len(part) // size) // 2)
    return [part[:middle], part[middle:]]
