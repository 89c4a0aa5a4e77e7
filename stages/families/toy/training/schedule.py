"""Learning rate and AdamW's step constants, the same doubles on every machine.

Only +, -, * and / are used (IEEE exact, no libm), so that two machines cannot differ in a last bit and the
trained bytes with it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_TERMS = 14  # of cosine's Taylor series: the first term left out is below 1e-23 on [0, pi/2]


class Schedule(NamedTuple):
    """Some of a training's steps, (steps,) each: learning rates, Adam's 1 - beta^s, and where the loss is kept."""

    rates: NDArray[np.float64]
    correction1: NDArray[np.float64]
    correction2: NDArray[np.float64]
    record: NDArray[np.bool_]

    def part(self, first: int, last: int) -> Schedule:
        """Steps first .. last - 1 of these."""
        part = slice(first, last)
        return Schedule(self.rates[part], self.correction1[part], self.correction2[part], self.record[part])


def schedule(steps: int, lr: float, warmup: float, beta1: float, beta2: float) -> Schedule:
    """All steps of a training; the losses before `recorded_steps` are kept."""
    record = np.isin(np.arange(steps), recorded_steps(steps))
    rates = learning_rates(steps, lr, warmup)
    return Schedule(rates, bias_corrections(steps, beta1), bias_corrections(steps, beta2), record)


def learning_rates(steps: int, peak: float, warmup: float) -> NDArray[np.float64]:
    """(steps,) learning rate of each step: linear to `peak` over the first `warmup` share, then cosine to 0.

    Step s (from 0) of a warm-up of k steps has peak (s + 1) / k; the j-th of the K steps after it has
    peak (1 + cos(pi j / K)) / 2.
    """
    k = round(warmup * steps)
    rise = peak * (np.arange(k) + 1) / k if k else np.empty(0)
    half_angle = (math.pi / 2) * np.arange(steps - k) / max(1, steps - k)
    return np.concatenate([rise, peak * _cosine(half_angle) ** 2])  # (1 + cos a) / 2 = cos^2(a / 2)


def bias_corrections(steps: int, beta: float) -> NDArray[np.float64]:
    """(steps,) Adam's 1 - beta^s for s = 1 .. steps, by repeated multiplication."""
    return 1 - np.cumprod(np.full(steps, beta))


def recorded_steps(steps: int, count: int = 128) -> NDArray[np.int64]:
    """Steps at which the train loss is kept: 0, then `count` evenly and `count` geometrically spaced ones.

    Step s is the loss after s updates; the last is `steps`. The geometric ones grow by a tenth until they reach it.
    """
    even = np.arange(count + 1) * steps // count
    geometric = np.cumprod(np.full(count, 1.1)).astype(np.int64)
    return np.unique(np.concatenate([even, geometric.clip(0, steps)]))


def _cosine(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine on [0, pi/2] by its Taylor series (Horner)."""
    square, total = x * x, np.ones_like(x)
    for k in range(_TERMS, 0, -1):
        total = 1 - total * square / ((2 * k - 1) * (2 * k))
    return total
