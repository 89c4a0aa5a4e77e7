"""Scores of inputs by their hidden vectors: the larger, the more an input looks like a special case.

Two of them know what is in superposition: `code` writes h as a sparse non-negative sum, once of features alone (those
of at least half the largest D_f), once with the hidden vector of a candidate training point, and says how much better
the second is. Candidates are training points whose dimensionality, all copies together, stands out: that uses how often
the training set holds each point, and not which were planted. `nearest_point` compares with the candidates only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.leverage import leverage_if_included, whitening
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model, point_losses

SCORES = {
    "D_star": "D* among the training points",
    "D_x": "D_x among the training points",
    "mahalanobis": "Mahalanobis distance",
    "explained": "small reconstruction error",
    "nearest": "near a training point in h",
    "unexplained": "variance that the training set's leading directions leave",
    "nearest_point": "angle to a candidate point",
    "code": "sparse code, features and candidate points",
}
KNOWING = ("nearest_point", "code")  # of these, those that use what is known to be in superposition
BLIND = ("D_star", "D_x", "mahalanobis", "unexplained")  # those of h alone that do not
STANDS_OUT = 3  # times the 99th percentile of points' D, all copies together: a candidate for a special case
ALONG = 0.95  # cosine from which a vector points where a feature does
LEADING = 0.95  # share of the training set's variance that its leading directions explain


class Known(NamedTuple):
    """What is in superposition: unit directions of the main features (k, m), and of candidate points (l, m)."""

    features: NDArray[np.float64]
    candidates: NDArray[np.float64]
    items: NDArray[np.int64]  # (l,) which training points these are


def structure(model: Model, points: Points) -> Known:
    """What a look at the trained model shows: its main features, and points that are stored beside them."""
    h, D_f = model.hidden(points), dimensionality(model.W.T)
    weight = np.ones(points.T) if points.weight is None else points.weight.astype(np.float64)
    D = dimensionality(h, points.weight) * weight
    items = np.flatnonzero(np.quantile(D, 0.99) * STANDS_OUT < D)
    candidates, features = _unit(h[items]), _unit(model.W.T.astype(np.float64)[D_f > D_f.max() / 2])
    own = (features @ candidates.T > ALONG).any(axis=1)  # a stored point's own feature points where the point does
    return Known(features[~own], candidates, items)


def scores(model: Model, training: Points, inputs: Points, known: Known) -> dict[str, NDArray[np.float64]]:
    """{name: (k,)} every score of k inputs, by a model of (m, n) weights and its T training points."""
    H, h = model.hidden(training), model.hidden(inputs)
    weight = np.ones(training.T) if training.weight is None else training.weight.astype(np.float64)
    copies = np.repeat(np.arange(training.T), weight.astype(int))
    M = (H * weight[:, None]).T @ H
    square = np.einsum("km,km->k", h, h)
    mean = np.average(H, axis=0, weights=weight)
    covariance = np.cov(H.T, aweights=weight).reshape(model.m, model.m)
    values, directions = np.linalg.eigh(covariance)
    share = np.cumsum(values[::-1]) / values.sum()
    leading = directions[:, ::-1][:, : int(np.searchsorted(share, LEADING) + 1)]
    centred = h - mean
    left = np.einsum("km,km->k", centred, centred) - np.sum((centred @ leading) ** 2, axis=1)
    left *= leading.shape[1] < model.m  # else they span everything, and rounding would be left
    shared = np.einsum("km,mn,kn->k", h, M, h)
    nearest = np.array([np.min(np.sum((H - one) ** 2, axis=1)) for one in h])
    angle = (_unit(h) @ known.candidates.T).max(axis=1) if len(known.items) else np.zeros(len(h))
    return {
        "D_star": leverage_if_included(h, whitening(H[copies])),
        "D_x": np.divide(square**2, shared, out=np.zeros_like(square), where=shared > 0),
        "mahalanobis": np.einsum("km,mn,kn->k", centred, np.linalg.pinv(covariance), centred),
        "explained": -point_losses(model, inputs),
        "nearest": -nearest,
        "unexplained": left / np.maximum(np.einsum("km,km->k", centred, centred), 1e-30),
        "nearest_point": angle,
        "code": coded(h, known),
    }


def coded(h: NDArray[np.float64], known: Known) -> NDArray[np.float64]:
    """How much less of |h|^2, of (k, m) vectors, a code of two parts leaves if one of them may be a candidate point."""
    unit = _unit(h)
    plain = _left(unit, known.features, known.features)
    less = plain - np.minimum(plain, _left(unit, known.candidates, known.features))
    found: NDArray[np.float64] = less * np.einsum("km,km->k", h, h)
    return found


def _left(h: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) squared length of h that no non-negative sum of one of `first` and one of `second` reaches."""
    best = np.ones(len(h))
    for one in first:
        a = h @ one
        best = np.minimum(best, 1 - np.maximum(a, 0) ** 2)
        for other in second:
            c = one @ other
            if abs(c) > 1 - 1e-9:
                continue
            b = h @ other
            u, v = (a - c * b) / (1 - c * c), (b - c * a) / (1 - c * c)
            inside = (u > 0) & (v > 0)
            best = np.minimum(best, np.where(inside, 1 - (u * a + v * b), 1.0))
    for other in second:
        best = np.minimum(best, 1 - np.maximum(h @ other, 0) ** 2)
    left: NDArray[np.float64] = np.maximum(best, 0)
    return left


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
