"""The model h = W x, x' = ReLU(W^T h + b), where it starts from, and its loss on sparse points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.toy.compiler import LANES
from stages.toy.data import Points
from stages.toy.pairs import error_pass
from stages.toy.spec import Init, Reduction


def initial_weights(m: int, n: int, kind: Init, seed: int) -> NDArray[np.float32]:
    """(m, n) Xavier (Glorot) weights: variance 2 / (m + n), normal or uniform. The bias starts at 0."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([m, n, seed])))
    if kind == "xavier_normal":
        W = rng.standard_normal((m, n)) * np.sqrt(2 / (m + n))
    else:
        bound = np.sqrt(6 / (m + n))
        W = rng.uniform(-bound, bound, (m, n))
    weights: NDArray[np.float32] = W.astype(np.float32)
    return weights


def loss_scale(reduction: Reduction, n: int) -> float:
    """What a point's squared error is multiplied by: 1 for the printed formula's sum over features, 1 / n for `mean`.

    A constant factor leaves AdamW's path alone except through eps: `mean` at eps is `sum` at n eps.
    """
    return 1.0 if reduction == "sum" else 1.0 / n


def point_losses(W: NDArray[np.float32], b: NDArray[np.float32], points: Points) -> NDArray[np.float64]:
    """(T,) squared error sum_i (x_i - x'_i)^2 of each point (the paper's loss before its mean over points).

    Args:
        W: (m, n) weights. b: (n,) biases. points: T points of n features.
    """
    losses = np.empty(points.T)
    padding = -len(b) % LANES  # of zeros, which have no error
    W, b = (np.ascontiguousarray(a, dtype=np.float32) for a in (W, b))
    W, b = np.pad(W, ((0, 0), (0, padding))), np.pad(b, (0, padding))
    start, feature = points.start.astype(np.uint64), points.feature.astype(np.uint32)
    error_pass(len(W))(W, b, start, feature, points.value, losses)
    return losses
