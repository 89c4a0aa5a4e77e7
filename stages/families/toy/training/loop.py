"""Train one cell: from data and a training spec to weights, the same bytes every time.

VERSION is part of every cell's key. Raise it when a change to this package alters trained bytes: every cell is
then trained again, and no store can hand out weights of older code. `tests/toy/test_training.py` fails until you do,
for what `fused` trains; the bytes of the other two depend on torch and the machine, so there it is for you to remember.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.checkpoint import Checkpoint
from stages.families.toy.data.drawing import batches
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import LARGEST_FUSED_M, Data, Training
from stages.families.toy.model.model import Model, initial_model, loss_scale, mean_loss
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines import Engine
from stages.families.toy.training.engines.fused import Fused
from stages.families.toy.training.engines.staircase import Staircase
from stages.families.toy.training.orders import REORDER, pays
from stages.families.toy.training.schedule import Schedule, recorded_steps, schedule

VERSION = 5

_BLOCK_VALUES = 2**21  # fresh nonzeros drawn at a time, about: 16 MiB
_LAST_POINTS = 10_000  # at least, that the last loss is of where points are fresh


class Trained(NamedTuple):
    """A trained model and the way there.

    `history_loss` is the unscaled train loss at `history_step`; where points are fresh, on that step's, and the last on
    the points of steps that would follow. `diverged` means that a loss or a weight was no longer
    finite: training stopped at the next loss recorded, after `steps` steps, and the model is as it stood there.
    `engine` (see `engine_name`) and `version` (see VERSION) are what trained it, wherever that was.
    """

    model: Model
    snapshots: list[tuple[int, Model]]  # (step, model after so many steps), where the spec asks for them
    history_step: NDArray[np.int64]
    history_loss: NDArray[np.float64]
    steps: int
    diverged: bool
    engine: str
    version: int


def engine_name(training: Training) -> str:
    """What a spec is trained with on this machine: the engine, and versions that decide bytes. Part of the cell's key.

    `auto` is `fused` up to the m it is made for and `tiled` beyond. numpy draws the initial weights; what `fused`
    computes is the same on every machine and for every numba, what torch and its BLAS compute is not. `torch` takes
    the machine's accelerator where there is one.
    """
    kind = training.engine
    if kind == "auto":
        kind = "fused" if training.m <= LARGEST_FUSED_M else "tiled"
    names = [kind, f"numpy-{np.__version__}"]
    if kind != "fused":
        names.append(f"torch-{version('torch')}")
    if kind == "torch":
        names.append(_device())
    return " ".join(names)


def decides(training: Training) -> dict[str, Any]:
    """All that decides a cell's bytes beside its training set and start: its spec, its engine, this code's version."""
    return training.model_dump() | {"engine": engine_name(training), "version": VERSION}


def train(
    data: Data, points: Points, spec: Training, start: Model | None = None, checkpoint: Checkpoint | None = None
) -> Trained:
    """Train on all points at every step, or on fresh ones where `data` says so.

    Args:
        data: what the training set was drawn from. points: the training set. spec: how it is trained.
        start: parameters to start from; None: Xavier weights.
        checkpoint: where to go on from, and to save what is not finished; the bytes are the same with it and without.

    Raises:
        ValueError: the start is not of the spec's shape.
    """
    first = initial_model(points, spec, data.data_seed)
    if start is not None:
        first = first._replace(W=start.W, b=start.b, U=start.U)
        if (start.U is None) != spec.tied or first.W.shape != (spec.m, data.n) or first.b.shape != (data.n,):
            raise ValueError(f"starts from a model of m, n = {start.W.shape}, where the spec has {(spec.m, data.n)}")
    engine = _engine(points, spec, first)
    kept = recorded_steps(spec.steps)
    whole = schedule(spec.steps, spec.lr, spec.warmup, spec.beta1, spec.beta2)
    shown = set(recorded_steps(spec.steps, spec.snapshots).tolist() if spec.snapshots else [])
    pauses = set(range(0, spec.steps, REORDER) if checkpoint else [])
    losses, snapshots = np.empty(0), list[tuple[int, Model]]()
    if checkpoint and (saved := checkpoint.load()):
        try:
            engine.restore(saved, len(saved["losses"]))
            losses, snapshots = saved["losses"], _snapshots(saved, first)
        except (KeyError, ValueError):  # of other code than this
            engine = _engine(points, spec, first)
    done = len(losses)
    for stop in sorted(stop for stop in shown | pauses | {spec.steps} if stop > done or not done):
        part = whole.part(len(losses), stop)
        new = _advance_fresh(engine, data, part, len(losses)) if data.fresh else engine.advance(part)
        losses = np.append(losses, new)
        if len(losses) < stop or (len(new) and part.record[-1] and not np.isfinite(losses[-1])):  # diverged
            break
        if stop in shown:
            snapshots.append((stop, engine.model))
        if checkpoint and stop in pauses and stop and checkpoint.due():
            checkpoint.save({"losses": losses} | engine.state() | snapshot_arrays(snapshots))
    model, steps = engine.model, len(losses)
    kept = kept[kept < steps]
    last = batches(data, spec.steps, spec.steps + -(-_LAST_POINTS // data.T)) if data.fresh else points
    history = np.append(losses[kept], mean_loss(model, last))
    parameters = [a for a in (model.W, model.b, model.U) if a is not None]
    diverged = not all(np.isfinite(array).all() for array in (history, *parameters))
    return Trained(model, snapshots, np.append(kept, steps), history, steps, diverged, engine_name(spec), VERSION)


def snapshot_arrays(snapshots: list[tuple[int, Model]]) -> dict[str, NDArray[Any]]:
    """Snapshots as arrays with one more axis; none where there are none."""
    if not snapshots:
        return {}
    steps, models = zip(*snapshots, strict=True)
    names = ("W", "b") if models[0].U is None else ("W", "b", "U")
    return {"snapshot_step": np.array(steps)} | {
        f"snapshot_{name}": np.stack([getattr(model, name) for model in models]) for name in names
    }


def _snapshots(arrays: dict[str, NDArray[Any]], like: Model) -> list[tuple[int, Model]]:
    """What `snapshot_arrays` made arrays of."""
    names = [name for name in ("W", "b", "U") if f"snapshot_{name}" in arrays]
    return [
        (step, like._replace(**{name: arrays[f"snapshot_{name}"][k] for name in names}))
        for k, step in enumerate(arrays.get("snapshot_step", np.empty(0, int)).tolist())
    ]


def _advance_fresh(engine: Engine, data: Data, whole: Schedule, step: int) -> NDArray[np.float64]:
    """Steps from `step` on, each on points of its own, which are drawn some steps at a time."""
    at_once = max(1, round(_BLOCK_VALUES / (data.T * max(1.0, data.n * (1 - data.S)))))
    losses = np.empty(0)
    for first in range(0, len(whole.rates), at_once):
        part = whole.part(first, first + at_once)
        points = batches(data, step + first, step + first + len(part.rates))
        losses = np.append(losses, engine.advance(part, points))
        if len(losses) < first + len(part.rates) or (part.record[-1] and not np.isfinite(losses[-1])):  # diverged
            break
    return losses


def _engine(points: Points, spec: Training, model: Model) -> Engine:
    optimiser = Optimiser(loss_scale(spec.reduction, points.n), spec.beta1, spec.beta2, spec.eps, spec.weight_decay)
    kind = engine_name(spec).split()[0]
    if kind == "fused":
        return (Staircase if pays(spec.m, points.T) else Fused)(points, model, optimiser)
    import torch  # seconds to import, and most cells never need it

    from stages.families.toy.training.engines.tiled import Tiled
    from stages.families.toy.training.engines.torch import Torch

    torch.set_num_threads(1)  # one thread a cell, whose sums then have one order
    if kind == "tiled":
        return Tiled(points, model, optimiser)
    return Torch(points, model, optimiser, device=_device(), compile=_device() == "cuda")


def _device() -> str:
    import torch

    accelerator = torch.accelerator.current_accelerator()
    return accelerator.type if accelerator else "cpu"
