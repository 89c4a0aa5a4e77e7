"""Where in the order of D* the misclassified training images are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TENTHS = 10


class Spread(NamedTuple):
    """How many images are misclassified, and where in the ranks of D* they are."""

    images: int
    tenths: list[int]  # of them, by tenth of the ranks, lowest D* first
    distance: float | None  # from an even spread; None where there are none


def spread(D: NDArray[np.float64], missed: NDArray[np.bool_]) -> Spread:
    """Of (T,) D* and which images are misclassified.

    The distance is Kolmogorov's and Smirnov's: how far the share of them found falls from, or runs ahead of, the share
    of ranks passed, at most. It is 0 where they are spread evenly.
    """
    images, T = int(missed.sum()), len(D)
    position = np.sort(np.argsort(np.argsort(D, kind="stable"))[missed])
    tenths = np.bincount(position * TENTHS // T, minlength=TENTHS).tolist()
    if not images:
        return Spread(0, tenths, None)
    k = np.arange(images)
    ahead = (k + 1) / images - (position + 1) / T
    behind = k / images - position / T
    return Spread(images, tenths, float(max(np.abs(ahead).max(), np.abs(behind).max())))
