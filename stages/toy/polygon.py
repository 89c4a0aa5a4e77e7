"""The regular T-gon: how T points are stored exactly in two hidden dimensions, and whether a run found it.

T orthonormal non-negative points x_k are stored without error, at least norm, by putting h_k on a circle of
radius r at angles phi k, phi = 2 pi / T, with r^2 = 1 / (1 - cos phi), W = H X^T and a bias that
brings the two neighbours' pre-activation to 0: b = -r^2 cos(phi) sum_k x_k. (Derived; checked to 1e-12.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.toy.data import Points


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


def polygon_model(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(W of shape (2, n), b of shape (n,)) that store orthonormal points as a T-gon, in order of the points."""
    angle = 2 * np.pi * np.arange(points.T) / points.T
    r = polygon(points.T).radius
    h = r * np.stack([np.cos(angle), np.sin(angle)])  # (2, T)
    W, b = np.zeros((2, points.n)), np.zeros(points.n)
    W[:, points.feature] = h[:, points.row] * points.value
    b[points.feature] = -(r**2) * np.cos(2 * np.pi / points.T) * points.value
    return W, b


def is_regular(h: NDArray[np.floating], tolerance: float) -> bool:
    """Whether hidden vectors h, (T, 2), form a regular T-gon about the origin.

    Every radius must lie within `tolerance` (a share) of the mean radius, and every gap between neighbouring
    angles within `tolerance` of 2 pi / T.
    """
    radius = np.hypot(h[:, 0], h[:, 1])
    angle = np.sort(np.arctan2(h[:, 1], h[:, 0]))
    gap = np.diff(angle, append=angle[0] + 2 * np.pi) * len(h) / (2 * np.pi)
    return bool(np.all(abs(radius - radius.mean()) <= tolerance * radius.mean()) and np.all(abs(gap - 1) <= tolerance))


def norms_in_span(W: NDArray[np.floating], b: NDArray[np.floating], points: Points) -> tuple[float, float]:
    """(||W P||_F, ||b P||), P the projection on the span of a few points: the part of a model that the law speaks of.

    Outside that span W keeps what AdamW left of its initialisation, and no training point can see it.
    """
    X = np.zeros((points.n, points.T))  # a few points only: this one array is dense
    X[points.feature, points.row] = points.value
    basis = np.linalg.qr(X)[0]  # (n, T), orthonormal columns
    return float(np.linalg.norm(W @ basis)), float(np.linalg.norm(b @ basis))
