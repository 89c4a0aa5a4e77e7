"""Maximal data dimensionality D*, in closed form (the paper's "Comment: MNIST").

D*_i = sup_v (v . h_i)^2 / sum_j (v . h_j)^2, how much of some direction in hidden space is one point's alone. With
M = sum_j h_j h_j^T the supremum is h_i^T M^+ h_i, attained at v = M^+ h_i: the statistical leverage of row i. So D*
lies in [0, 1], sums to the rank of H, does not change under invertible linear maps of h, and R copies of a point get
at most 1 / R each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.statistics.dimensionality import finite


class Whitening(NamedTuple):
    """The map under which the hidden vectors of a training set have the unit matrix as their sum of squares."""

    matrix: NDArray[np.float64]  # (m, rank): |h^T matrix|^2 = h^T M^+ h
    span: NDArray[np.float64]  # (m, rank) orthonormal: what the training set spans

    @property
    def rank(self) -> int:
        """Rank of the training set's hidden vectors, which is the sum of their D*."""
        return int(self.matrix.shape[1])


def whitening(H: ArrayLike) -> Whitening:
    """Of (T, m) hidden vectors, in float64; singular values below max(T, m) eps of the largest count as 0.

    By the QR and singular value decompositions of H itself: forming M would square its condition.
    """
    h = finite(H)
    _, s, Vt = np.linalg.svd(np.linalg.qr(h, mode="r"), full_matrices=False)
    kept = s > s[0] * max(h.shape) * np.finfo(np.float64).eps if len(s) and s[0] > 0 else np.zeros(len(s), dtype=bool)
    return Whitening(Vt[kept].T / s[kept], Vt[kept].T)


def leverage(H: ArrayLike, of: Whitening) -> NDArray[np.float64]:
    """(k,) s_i = h_i^T M^+ h_i of (k, m) hidden vectors: D* of the training set's own, unbounded for others."""
    z = np.asarray(H, dtype=np.float64) @ of.matrix
    scores: NDArray[np.float64] = np.einsum("km,km->k", z, z)
    return scores


def leverage_if_included(H: ArrayLike, of: Whitening, tolerance: float = 1e-8) -> NDArray[np.float64]:
    """(k,) D* that each of (k, m) other hidden vectors would have as one more point of the training set: s / (1 + s).

    It is 1 for a vector with more than `tolerance` of its length outside of what the training set spans.
    """
    h = finite(H)
    s = leverage(h, of)
    rest = h - (h @ of.span) @ of.span.T  # a difference of lengths would only be known to the root of eps
    outside = np.linalg.norm(rest, axis=1) > tolerance * np.linalg.norm(h, axis=1)
    return np.where(outside, 1.0, s / (1 + s))


def ascended(H: ArrayLike, rows: NDArray[np.integer], steps: int = 100, rate: float = 1e-2) -> NDArray[np.float64]:
    """(k,) what D* of some of (T, m) hidden vectors is at the v that Adam finds from v = h_i on; D_x after no step.

    So others compute it (Hobbhahn's comment). It is never more than the supremum, and here to say how far below it so
    many steps end. A vector of length 0 has none.
    """
    h = finite(H)
    M, h = h.T @ h, h[rows]
    length = np.linalg.norm(h, axis=1)
    own = h[length > 0]
    v = own / length[length > 0, None]
    mean, square = np.zeros_like(v), np.zeros_like(v)
    for step in range(1, steps + 1):
        Mv = v @ M
        gradient = 2 * (Mv / np.sum(v * Mv, axis=1, keepdims=True) - own / np.sum(v * own, axis=1, keepdims=True))
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        v -= rate * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    found = np.zeros(len(h))
    found[length > 0] = np.sum(v * own, axis=1) ** 2 / np.sum(v * (v @ M), axis=1)
    return found


def gaussian_surprise(H: ArrayLike) -> NDArray[np.float64]:
    """(T,) how unlikely (T, m) hidden vectors are under the Gaussian fitted to them: -2 log p, less a constant.

    With its mean held at 0 that would be T times D*.
    """
    h = finite(H)
    h = h - h.mean(axis=0)
    return len(h) * leverage(h, whitening(h))
