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
from stages.toy.data import Points, batches
from stages.toy.engines import Engine
from stages.toy.engines.fused import Fused
from stages.toy.model import Model, initial_model, loss_scale, mean_loss
from stages.toy.schedule import Schedule, recorded_steps, schedule
from stages.toy.spec import LARGEST_FUSED_M, Data, Training

VERSION = 3

_BLOCK_VALUES = 2**21  # fresh nonzeros drawn at a time, about: 16 MiB


class Trained(NamedTuple):
    """A trained model and the way there.

    `history_loss` is the unscaled train loss at `history_step`. `diverged` means that a loss or a weight was no longer
    finite: training stopped at the next loss recorded, after `steps` steps, and the model is as it stood there.
    `engine` (see `engine_name`) and `version` (see VERSION) are what trained it, wherever that was.
    """

    model: Model
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


def train(data: Data, points: Points, spec: Training, start: Model | None = None) -> Trained:
    """Train on all points at every step, or on fresh ones where `data` says so.

    Args:
        data: what the training set was drawn from. points: the training set. spec: how it is trained.
        start: a model of the spec's shape to start from; None: Xavier weights.
    """
    engine = _engine(points, spec, initial_model(data.n, spec) if start is None else start)
    kept = recorded_steps(spec.steps)
    whole = schedule(spec.steps, spec.lr, spec.warmup, spec.beta1, spec.beta2)
    losses = _advance_fresh(engine, data, whole) if data.fresh else engine.advance(whole)
    model, steps = engine.model, len(losses)
    kept = kept[kept < steps]
    history = np.append(losses[kept], mean_loss(model, points))
    parameters = [a for a in (model.W, model.b, model.U) if a is not None]
    diverged = not all(np.isfinite(array).all() for array in (history, *parameters))
    return Trained(model, np.append(kept, steps), history, steps, diverged, engine_name(spec), VERSION)


def work(points: Points, spec: Training) -> float:
    """Relative cost of a cell, in visits of a (point, feature) pair: what the progress bar and the order go by."""
    return spec.steps * (points.T * points.n + 20.0 * len(points.feature) + 5.0 * points.n) * max(1.0, spec.m / 2)


def _advance_fresh(engine: Engine, data: Data, whole: Schedule) -> NDArray[np.float64]:
    """All steps, each on points of its own, which are drawn some steps at a time."""
    at_once = max(1, round(_BLOCK_VALUES / (data.T * max(1.0, data.n * (1 - data.S)))))
    losses = np.empty(0)
    for first in range(0, len(whole.rates), at_once):
        part = whole.part(first, first + at_once)
        losses = np.append(losses, engine.advance(part, batches(data, first, first + len(part.rates))))
        if len(losses) < first + len(part.rates):  # diverged
            break
    return losses


def _engine(points: Points, spec: Training, model: Model) -> Engine:
    optimiser = Optimiser(loss_scale(spec.reduction, points.n), spec.beta1, spec.beta2, spec.eps, spec.weight_decay)
    kind = engine_name(spec).split()[0]
    if kind == "fused":
        return Fused(points, model, optimiser)
    import torch  # seconds to import, and most cells never need it

    from stages.toy.engines.tiled import Tiled
    from stages.toy.engines.torch import Torch

    torch.set_num_threads(1)  # one thread a cell, whose sums then have one order
    return (Tiled if kind == "tiled" else Torch)(points, model, optimiser)
