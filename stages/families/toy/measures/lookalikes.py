"""Inputs made to be told apart: planted points under noise, and look-alikes of these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.toy.data.points import Points
from stages.families.toy.model.model import Model

NOISY = 500  # inputs under noise
NOISE = 0.3  # of an ordinary input, beside a planted point
ATOMS = 10  # features of a look-alike, at most


def noisy(planted: Points, ordinary: Points) -> Points:
    """NOISY inputs: a planted point each, in turn, with NOISE of an ordinary one added, at unit length."""
    which = np.arange(NOISY) * planted.T // NOISY
    dense = np.zeros((NOISY, planted.n))
    for points, factor, rows in ((planted, 1.0, which), (ordinary, NOISE, np.arange(NOISY))):
        every = points.take(rows)
        dense[every.row, every.feature] += factor * every.value
    return sparse(dense / np.linalg.norm(dense, axis=1, keepdims=True))


def lookalikes(model: Model, imitated: Points, planted: Points, seed: str) -> Points:
    """Inputs of features that no planted point holds, whose hidden vector is near that of one imitated each.

    By non-negative matching pursuit; each may use a random half of the features that no planted point holds.
    """
    rng, others = generator(f"look-alikes {seed}"), np.setdiff1d(np.arange(model.n), planted.feature)
    h, W = model.hidden(imitated), model.W.T.astype(np.float64)
    dense = np.zeros((len(h), model.n))
    for k, target in enumerate(h):
        allowed = rng.choice(others, len(others) // 2, replace=False)
        length = np.linalg.norm(W[allowed], axis=1)
        allowed, length = allowed[length > 0], length[length > 0]
        rest = target.copy()
        for _ in range(ATOMS):
            gain = W[allowed] @ rest / length
            best = int(np.argmax(gain))
            if gain[best] <= 1e-3 * np.linalg.norm(target):
                break
            dense[k, allowed[best]] += gain[best] / length[best]
            rest -= gain[best] / length[best] * W[allowed[best]]
    dense[~dense.any(axis=1), others[0]] = 1e-3  # nothing points there: an input of its own all the same
    return sparse(dense)


def sparse(dense: NDArray[np.float64]) -> Points:
    """(k, n) non-negative rows, none of them empty, as points."""
    row, feature = np.nonzero(dense)
    start = np.searchsorted(row, np.arange(len(dense) + 1)).astype(np.int64)
    return Points(dense.shape[1], start, feature.astype(np.int32), dense[row, feature].astype(np.float32))
