"""How many of the m hidden dimensions a feature or a data point has to itself (the paper's "Dimensionality")."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def finite(vectors: ArrayLike) -> NDArray[np.float64]:
    """(k, m) vectors in float64.

    Raises:
        ValueError: some number is not finite, or there are not two axes.
    """
    v = np.asarray(vectors, dtype=np.float64)
    if v.ndim != 2:
        raise ValueError(f"vectors have shape {v.shape}; allowed: (k, m), a row a vector")
    if wrong := int((~np.isfinite(v).all(axis=1)).sum()):
        raise ValueError(f"{wrong} of {len(v)} vectors hold a number that is not finite; allowed: finite numbers")
    return v


def dimensionality(vectors: ArrayLike, weight: ArrayLike | None = None) -> NDArray[np.float64]:
    """(k,) D_i = |v_i|^2 / sum_j (v_i . v_j)^2 / |v_i|^2 of k vectors in R^m, given as (k, m).

    With a (k,) weight, vector j is there w_j times: D_i is then that of each copy.

    With the columns of W it is the paper's D_f, with the hidden vectors h_t its D_x. It lies in [0, 1], and sums
    to at most m. A vector of length 0 has D = 0. Computed as |v|^4 / (v^T M v) with the m x m moment matrix
    M = sum_j v_j v_j^T: O(k m^2) time, and never a k x k array.

    Raises:
        ValueError: some number is not finite, or `vectors` has not two axes.
    """
    v = finite(vectors)
    square = np.einsum("im,im->i", v, v)  # |v_i|^2
    weighted = v if weight is None else v * np.asarray(weight, dtype=np.float64)[:, None]
    by_blas = v.shape[1] > 64  # pays from there on
    shared = np.einsum("im,mn,in->i", v, v.T @ weighted, v, optimize=by_blas)  # sum_j w_j (v_i . v_j)^2
    D: NDArray[np.float64] = np.divide(square**2, shared, out=np.zeros_like(square), where=shared > 0)
    return D
