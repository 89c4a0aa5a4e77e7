"""Train one cell: from data and a training spec to weights, the same bytes every time.

VERSION is part of every cell's key. Raise it when a change to this package alters trained bytes: every cell is
then trained again, and no store can hand out weights of the older code. `tests/toy/test_golden.py` fails until you do.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.toy.data import Points
from stages.toy.engines import Engine, fused
from stages.toy.model import initial_weights, loss_scale, point_losses
from stages.toy.schedule import bias_corrections, learning_rates, recorded_steps
from stages.toy.spec import Training

VERSION = 1


class Trained(NamedTuple):
    """A trained model and the way there.

    `steps` below the number asked for means that the loss stopped being finite (diverged): W and b are then as they
    stood at that step. `history_loss` is the unscaled train loss at `history_step`.
    """

    W: NDArray[np.float32]  # (m, n)
    b: NDArray[np.float32]  # (n,)
    history_step: NDArray[np.int64]
    history_loss: NDArray[np.float64]
    steps: int


def engine_name(training: Training) -> str:
    """The engine a spec is trained with, by name and instruction set; part of the cell's key.

    `auto` is `fused` up to the m it is made for and `torch` beyond.
    """
    if training.engine == "fused" or (training.engine == "auto" and training.m <= fused.LARGEST_M):
        return fused.NAME
    return f"torch-{version('torch')}"


def train(points: Points, spec: Training) -> Trained:
    """Train on all points at every step, as `spec` says."""
    model = _engine(points, spec)
    rates = learning_rates(spec.steps, spec.lr, spec.warmup)
    first, second = (bias_corrections(spec.steps, beta) for beta in (spec.beta1, spec.beta2))
    kept = recorded_steps(spec.steps)
    record = np.isin(np.arange(spec.steps), kept)
    losses = model.advance(rates, (first, second), record)
    W, b = model.W, model.b
    if len(losses) < spec.steps or not np.isfinite(W).all():
        steps = kept[kept < len(losses)]
        return Trained(W, b, steps, losses[steps], len(losses))
    final = point_losses(W, b, points).mean()
    return Trained(W, b, kept, np.append(losses[kept[:-1]], final), spec.steps)


def work(points: Points, spec: Training) -> float:
    """Relative cost of a cell, in visits of a (point, feature) pair: what the progress bar and the order go by."""
    return spec.steps * (points.T * points.n + 20.0 * len(points.feature) + 5.0 * points.n) * max(1.0, spec.m / 2)


def _engine(points: Points, spec: Training) -> Engine:
    W = initial_weights(spec.m, points.n, spec.init, spec.init_seed)
    b = np.zeros(points.n, dtype=np.float32)
    options: dict[str, Any] = {
        "scale": loss_scale(spec.reduction, points.n),
        "beta1": spec.beta1,
        "beta2": spec.beta2,
        "eps": spec.eps,
        "weight_decay": spec.weight_decay,
    }
    if engine_name(spec) == fused.NAME:
        return fused.Fused(points, W, b, **options)
    from stages.toy.engines.torch import Torch  # seconds to import, and most cells never need it

    return Torch(points, W, b, **options)
