"""Train one cell: from data and a training spec to weights, the same bytes every time.

VERSION is part of every cell's key. Raise it when a change to this package alters trained bytes: every cell is
then trained again, and no store can hand out weights of older code. `tests/toy/test_training.py` fails until you do.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.toy.adamw import Optimiser
from stages.toy.data import Points
from stages.toy.engines import Engine
from stages.toy.engines.fused import Fused
from stages.toy.model import initial_weights, loss_scale, point_losses
from stages.toy.schedule import recorded_steps, schedule
from stages.toy.spec import LARGEST_FUSED_M, Training

VERSION = 2


class Trained(NamedTuple):
    """A trained model and the way there.

    `history_loss` is the unscaled train loss at `history_step`. `diverged` means that a loss or a weight was no longer
    finite: training stopped at the next loss recorded, after `steps` steps, and W and b are as they stood there.
    `engine` (see `engine_name`) and `version` (see VERSION) are what trained it, wherever that was.
    """

    W: NDArray[np.float32]  # (m, n)
    b: NDArray[np.float32]  # (n,)
    history_step: NDArray[np.int64]
    history_loss: NDArray[np.float64]
    steps: int
    diverged: bool
    engine: str
    version: int


def engine_name(training: Training) -> str:
    """What a spec is trained with on this machine: the engine, and versions that decide bytes. Part of the cell's key.

    `auto` is `fused` up to the m it is made for and `tiled` beyond. numpy draws the initial weights; what `fused`
    computes is the same on every machine and for every numba, what torch and its BLAS compute is not.
    """
    kind = training.engine
    if kind == "auto":
        kind = "fused" if training.m <= LARGEST_FUSED_M else "tiled"
    return f"{kind} numpy-{np.__version__}" + ("" if kind == "fused" else f" torch-{version('torch')}")


def train(points: Points, spec: Training) -> Trained:
    """Train on all points at every step, as `spec` says."""
    model = _engine(points, spec)
    kept = recorded_steps(spec.steps)
    losses = model.advance(schedule(spec.steps, spec.lr, spec.warmup, spec.beta1, spec.beta2))
    W, b, steps = model.W, model.b, len(losses)
    kept = kept[kept < steps]
    final = point_losses(W, b, points).mean()
    history = np.append(losses[kept], final)
    diverged = not (np.isfinite(history).all() and np.isfinite(W).all() and np.isfinite(b).all())
    return Trained(W, b, np.append(kept, steps), history, steps, diverged, engine_name(spec), VERSION)


def work(points: Points, spec: Training) -> float:
    """Relative cost of a cell, in visits of a (point, feature) pair: what the progress bar and the order go by."""
    return spec.steps * (points.T * points.n + 20.0 * len(points.feature) + 5.0 * points.n) * max(1.0, spec.m / 2)


def _engine(points: Points, spec: Training) -> Engine:
    W = initial_weights(spec.m, points.n, spec.init, spec.init_seed)
    b = np.zeros(points.n, dtype=np.float32)
    scale = loss_scale(spec.reduction, points.n)
    optimiser = Optimiser(scale, spec.beta1, spec.beta2, spec.eps, spec.weight_decay)
    kind = engine_name(spec).split()[0]
    if kind == "fused":
        return Fused(points, W, b, optimiser)
    import torch  # seconds to import, and most cells never need it

    from stages.toy.engines.tiled import Tiled
    from stages.toy.engines.torch import Torch

    torch.set_num_threads(1)  # one thread a cell, whose sums then have one order
    if kind == "tiled":
        return Tiled(points, W, b, optimiser)
    return Torch(points, W, b, optimiser)
