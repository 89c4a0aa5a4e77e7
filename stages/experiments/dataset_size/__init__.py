"""Figure 3 of the paper: from data points to features as the training set grows, double descent in between."""

import math
from collections.abc import Iterable

AXES = {"T", "fresh", "data_seed", "init_seed"}  # what its grid may sweep

# test loss by T, read off the paper's Figure 3; T = 3 and 10 are above its axis, which ends at 1.025
PAPER: dict[float, float] = {5: 1.0, 6: 1.0, 8: 1.0175, 15: 1.022, 30: 1.0074, 50: 1.0048, 100: 1.0033, 200: 1.0015}
PAPER |= {500: 1.0005, 1000: 1.0007, 2000: 1.015, 5000: 0.9996, 10_000: 0.999, 20_000: 0.9989, 50_000: 0.9989}
PAPER |= {100_000: 0.9989, 200_000: 0.9988, 500_000: 0.9988, math.inf: 0.9988}
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
