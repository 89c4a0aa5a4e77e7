"""AdamW (Loshchilov and Hutter, 2019) as torch.optim.AdamW does it, on flat arrays in float32."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.model.compiler import compiled, flush_subnormals, fma, restore_subnormals
from stages.families.toy.training.schedule import Schedule


class Optimiser(NamedTuple):
    """What the loss is multiplied by, and AdamW's constants."""

    scale: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float


class Constants(NamedTuple):
    """What stays the same at every step; `scale` is what the summed gradient is multiplied by first."""

    scale: np.float32
    one_beta1: np.float32  # 1 - beta1
    beta2: np.float32
    one_beta2: np.float32  # 1 - beta2
    eps: np.float32


class Steps(NamedTuple):
    """What differs from step to step, (steps,) each."""

    size: NDArray[np.float32]  # learning rate over 1 - beta1^s
    inverse_root: NDArray[np.float32]  # 1 / sqrt(1 - beta2^s)
    decay: NDArray[np.float32]  # 1 - learning rate x weight decay


def constants(optimiser: Optimiser, power: int, total: float) -> Constants:
    """The constants as float32, rounded once; the summed gradient lacks a factor p scale / T (or total weight)."""
    _, beta1, beta2, eps, _ = optimiser
    return Constants(*map(np.float32, (power * optimiser.scale / total, 1 - beta1, beta2, 1 - beta2, eps)))


def steps(schedule: Schedule, weight_decay: float) -> Steps:
    """A schedule as what `update` takes."""
    size, inverse_root = schedule.rates / schedule.correction1, 1 / np.sqrt(schedule.correction2)
    return Steps(*(a.astype(np.float32) for a in (size, inverse_root, 1 - schedule.rates * weight_decay)))


@compiled(keep=True)
def update(P, G, M, V, size, inverse_root, decay, constants):
    """One step of parameters P with moments M and V by the summed gradient G, which is left at 0."""
    scale, one_beta1, beta2, one_beta2, eps = constants
    state = flush_subnormals()
    for i in range(len(P)):
        g = G[i] * scale
        G[i] = 0
        M[i] = fma(g - M[i], one_beta1, M[i])
        V[i] = fma(one_beta2 * g, g, V[i] * beta2)
        P[i] = P[i] * decay - size * M[i] / fma(np.sqrt(V[i]), inverse_root, eps)
    restore_subnormals(state)
