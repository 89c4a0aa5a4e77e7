"""Regular polygons: how T points are stored exactly in two hidden dimensions, and what F features there gain.

T orthonormal non-negative points x_k are stored without error, at least norm, by putting h_k on a circle of
radius r at angles phi k, phi = 2 pi / T, with r^2 = 1 / (1 - cos phi), W = H X^T and a bias that
brings the two neighbours' pre-activation to 0: b = -r^2 cos(phi) sum_k x_k. (Derived; checked to 1e-12.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Polygon(NamedTuple):
    """The exact T-gon's law: radius of the hidden vectors, ||W||_F, ||b|| and every point's dimensionality."""

    radius: float
    norm_W: float
    norm_b: float
    dimensionality: float


def polygon(T: int) -> Polygon:
    """The exact T-gon for T >= 3 orthonormal points."""
    cosine = np.cos(2 * np.pi / T)
    r2 = 1 / (1 - cosine)
    return Polygon(np.sqrt(r2), np.sqrt(T * r2), np.sqrt(T) * abs(cosine) * r2, 2 / T)


def corners(count: int) -> NDArray[np.float64]:
    """(2, count) corners of the regular polygon of radius 1 about the origin, the first at angle 0."""
    angle = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)])


def is_regular(h: NDArray[np.floating], tolerance: float) -> bool:
    """Whether hidden vectors h, (T, 2), form a regular T-gon about the origin.

    Every radius must lie within `tolerance` (a share) of the mean radius, and every gap between neighbouring
    angles within `tolerance` of 2 pi / T.
    """
    radius = np.hypot(h[:, 0], h[:, 1])
    angle = np.sort(np.arctan2(h[:, 1], h[:, 0]))
    gap = np.diff(angle, append=angle[0] + 2 * np.pi) * len(h) / (2 * np.pi)
    return bool(np.all(abs(radius - radius.mean()) <= tolerance * radius.mean()) and np.all(abs(gap - 1) <= tolerance))


class FeaturePolygon(NamedTuple):
    """F learned features on a circle, all others at 0: what they gain over the best constant output, and where."""

    gain: float  # mean loss of the best constant output minus theirs
    radius: float  # length of their columns of W
    bias: float  # their entry of b


def feature_polygon(F: int, n: int, values: NDArray[np.floating], *, bias: bool = True) -> FeaturePolygon:
    """The best regular F-gon of features, for points that hold at most one of them.

    With a feature of value v the output is ReLU(r^2 v cos(phi k) + b) at the k-th neighbour; without one it is 0, as
    b <= 0. A value is there with probability p = 1 / (n E[v^2]), since points have length 1; the best constant output
    is p E[v] at each feature. Derived; the best r and b are searched for (b = 0 unless `bias`). With b = 0 and up to
    seven features r^2 = 1 / (1 + 2 c^2), c = max(cos(2 pi / F), 0), and the gain is F r^2 / n less what the constant
    gets from them.

    Args:
        F: features. n: features of a point's space. values: what a feature that is there can be, all alike likely.
    """
    v = np.quantile(values.astype(np.float64), (np.arange(400) + 0.5) / 400)  # as many of the same distribution
    p = 1 / (n * np.mean(v**2))
    cosine = np.cos(2 * np.pi * np.arange(F) / F)

    def gain(r: float, b: float) -> float:
        output = np.maximum(r**2 * v[:, None] * cosine + b, 0)
        output[:, 0] -= v
        return float(F * (p * np.mean(v**2 - (output**2).sum(axis=1)) - (p * np.mean(v)) ** 2))

    r, b, step = 1.0, 0.0, 0.2
    while step > 1e-5:  # compass search: the gain has one peak
        moves = [(r + i * step, b + k * step) for i in (-1, 0, 1) for k in ((-1, 0, 1) if bias else (0,))]
        best = max(((gain(x, y), x, y) for x, y in moves if x > 0 and y <= 0), key=lambda found: found[0])
        if best[1:] == (r, b):
            step /= 2
        _, r, b = best
    return FeaturePolygon(gain(r, b), r, b)
