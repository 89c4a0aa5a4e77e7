"""Clusters of hidden vectors, and how alike the points are that lie in one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.cluster import HDBSCAN

SHORT = 0.1  # of the longest: a vector at the origin, which belongs to no cluster
FEWEST = 3  # vectors of a cluster, at least


def clusters(H: ArrayLike) -> NDArray[np.int64]:
    """(k,) number of the cluster of each of (k, m) vectors, -1 for those in none: HDBSCAN of those not at the origin.

    Campello, Moulavi, Sander 2013, with its usual settings and clusters of FEWEST vectors and more.
    """
    h = np.asarray(H, dtype=np.float64)
    length = np.linalg.norm(h, axis=1)
    far = (length > 0) & (length >= SHORT * length.max(initial=0.0))
    labels = np.full(len(h), -1)
    if far.sum() >= FEWEST:
        labels[far] = HDBSCAN(min_cluster_size=FEWEST, copy=True).fit_predict(h[far])
    return labels


def cosine_within(labels: NDArray[np.int64], X: sparse.csr_array) -> float | None:
    """Mean over pairs of different rows of (k, n) X, all of one length 1, that are in one cluster; None without pairs.

    From the sums of each cluster, |sum x|^2 - sum |x|^2: no (k, k) array is ever made.
    """
    inside = np.flatnonzero(labels >= 0)
    if not len(inside):
        return None
    own = labels[inside]
    member = sparse.csr_array((np.ones(len(inside)), (own, inside)), shape=(own.max() + 1, len(labels)))
    sums, size = member @ X, np.bincount(own)
    pairs = float((size * (size - 1)).sum())
    return float((sums.power(2).sum() - X[inside].power(2).sum()) / pairs)
