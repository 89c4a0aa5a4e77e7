"""Other scores that might tell a memorised example, from one classifier. Each is (T,), larger for odder ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.families.digits.model.classifier import Classifier
from stages.statistics.leverage import leverage, whitening


def losses(model: Classifier, x: NDArray[np.float32], label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Cross-entropy of the label."""
    loss: NDArray[np.float64] = -model.log_probabilities(x)[np.arange(len(x)), label]
    return loss


def margins(model: Classifier, x: NDArray[np.float32], label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Largest other logit minus the label's: above 0 where the prediction is another."""
    z, rows = model.logits(x), np.arange(len(x))
    label_s = z[rows, label].copy()
    z[rows, label] = -np.inf
    margin: NDArray[np.float64] = z.max(axis=1) - label_s
    return margin


def gradient_norms(model: Classifier, x: NDArray[np.float32], label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Norm of the gradient of each example's own loss by all parameters.

    A layer's gradient is an outer product, so that its norm is the product of two: none is ever formed.
    """
    h = model.after(x).astype(np.float64)
    top = np.exp(model.log_probabilities(x))
    top[np.arange(len(x)), label] -= 1  # by the logits
    below = (top @ model.V.astype(np.float64)) * (h > 0)  # by what the ReLU gets

    def square(a: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(np.einsum("ti,ti->t", a, a, dtype=np.float64))

    norms: NDArray[np.float64] = np.sqrt(square(top) * (square(h) + 1) + square(below) * (square(x) + 1))
    return norms


def input_curvatures(model: Classifier, x: NDArray[np.float32], block: int = 500) -> NDArray[np.float64]:
    """Frobenius norm of the second derivative of each example's loss by its pixels, |J^T F J| (Garg et al. 2023).

    J is that of the logits, F = diag(p) - p p^T; the ReLU has none of its own. |J^T F J|^2 = tr (F K)^2 with K = J J^T,
    so that only (10, 10) matrices are made. The label does not matter.
    """
    p, V = np.exp(model.log_probabilities(x)), model.V.astype(np.float64)
    M = model.W.astype(np.float64) @ model.W.T.astype(np.float64)
    curvature = np.empty(len(x))
    for first in range(0, len(x), block):
        rows = slice(first, first + block)
        of = V * (model.before(x[rows]) > 0)[:, None, :]
        K = (of @ M) @ of.transpose(0, 2, 1)
        FK = p[rows, :, None] * (K - np.einsum("tc,tcd->td", p[rows], K)[:, None, :])
        curvature[rows] = np.sqrt(np.maximum(np.einsum("tcd,tdc->t", FK, FK), 0))
    return curvature


def mahalanobis(h: NDArray[np.floating], label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Distance from the mean of the label's own class, in units of that class's spread, of (T, m) hidden vectors."""
    distance = np.zeros(len(h))
    for digit in np.unique(label):
        own = label == digit
        centred = h[own].astype(np.float64) - h[own].mean(axis=0, dtype=np.float64)
        distance[own] = np.sqrt(own.sum() * leverage(centred, whitening(centred)))
    return distance


def nearest_neighbours(x: NDArray[np.float32], block: int = 1000) -> NDArray[np.float64]:
    """Distance of each image's pixels to the nearest other's, some rows at a time."""
    square = np.einsum("ti,ti->t", x, x)
    nearest = np.empty(len(x))
    for first in range(0, len(x), block):
        rows = slice(first, first + block)
        distance = square[rows, None] + square[None, :] - 2 * x[rows] @ x.T
        np.fill_diagonal(distance[:, first:], np.inf)
        nearest[rows] = distance.min(axis=1)
    return np.sqrt(np.maximum(nearest, 0))


def largest_unit_shares(h: NDArray[np.floating]) -> NDArray[np.float64]:
    """max_k h_ik^2 / sum_j h_jk^2: how far one unit is one example's alone, the naive picture of a neuron a point."""
    square = h.astype(np.float64) ** 2
    total = square.sum(axis=0)
    shares: NDArray[np.float64] = (square / np.where(total > 0, total, 1)).max(axis=1)
    return shares
