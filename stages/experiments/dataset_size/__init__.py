"""Figure 3 of the paper: from data points to features as the training set grows, double descent in between."""

import math
from collections.abc import Iterable

AXES = {"T", "fresh", "data_seed", "init_seed"}  # what its grid may sweep

LEAST = 1e-4  # dimensionality that is still on its axis
DRAWN = 4  # training sets whose features and points are dots
PANELS = 8  # training-set sizes whose vectors are drawn


def endless(sizes: Iterable[int]) -> float:
    """Where on the axis of T new points at every step are drawn, T = infinity: beyond all other sizes."""
    return 2.2 * max(sizes)


def panels(sizes: Iterable[float]) -> list[float]:
    """About PANELS of the sizes, evenly over the log axis."""
    known = sorted(sizes)
    step = (known[-1] / known[0]) ** (1 / (PANELS - 1))
    wanted = [known[0] * step**k for k in range(PANELS)]
    return sorted({min(known, key=lambda T: abs(math.log(T / w))) for w in wanted})
