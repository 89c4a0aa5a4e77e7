"""Models that are regular polygons: of points, which they store, or of features. See `stages/statistics/polygon.py`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.statistics.polygon import corners, polygon


def polygon_model(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(W of shape (2, n), b of shape (n,)) that store orthonormal points as a T-gon, in order of the points."""
    r = polygon(points.T).radius
    h = r * corners(points.T)  # (2, T)
    W, b = np.zeros((2, points.n)), np.zeros(points.n)
    W[:, points.feature] = h[:, points.row] * points.value
    b[points.feature] = -(r**2) * np.cos(2 * np.pi / points.T) * points.value
    return W, b


def features_on_circle(n: int, F: int, radius: float) -> NDArray[np.float64]:
    """W of shape (2, n) whose first F columns are the corners of a regular F-gon, and whose others are 0."""
    W = np.zeros((2, n))
    W[:, :F] = radius * corners(F)
    return W


def norms_in_span(W: NDArray[np.floating], b: NDArray[np.floating], points: Points) -> tuple[float, float]:
    """(||W P||_F, ||b P||), P the projection on the span of a few points: the part of a model that the law speaks of.

    Outside that span W keeps what AdamW left of its initialisation, and no training point can see it.
    """
    X = np.zeros((points.n, points.T))  # a few points only: this one array is dense
    X[points.feature, points.row] = points.value
    basis = np.linalg.qr(X)[0]  # (n, T), orthonormal columns
    return float(np.linalg.norm(W @ basis)), float(np.linalg.norm(b @ basis))
