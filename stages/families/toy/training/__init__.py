"""How a toy model is trained, and what decides the bytes of the result."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from stages.core.checkpoint import Checkpoint, Trained
from stages.families.toy.data.drawing import dataset_digest as digest
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Data, Training
from stages.families.toy.model.model import model
from stages.families.toy.training import loop
from stages.families.toy.training.cost import cost, timing
from stages.families.toy.training.loop import VERSION, decides, engine_name

__all__ = ["cost", "decides", "digest", "made_by", "timing", "train", "work"]


def made_by(spec: Training) -> str:
    """What trains that spec on this machine: engine and version, both part of the cell's key."""
    return f"{engine_name(spec)}, version {VERSION}"


def work(data: Data, points: Points, spec: Training) -> float:
    """Relative cost of a cell, in visits of a (point, feature) pair: what the progress bar and the order go by."""
    return spec.steps * (points.T * points.n + 20.0 * len(points.feature) + 5.0 * points.n) * max(1.0, spec.m / 2)


def train(
    data: Data,
    points: Points,
    spec: Training,
    start: dict[str, NDArray[Any]] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train one cell; the same bytes every time.

    Args:
        data: what the training set was drawn from. points: the training set. spec: how it is trained.
        start: arrays of the cell that it starts from: W (m, n), b (n,) and, of untied models, U (m, n).
        checkpoint: where to go on from, and to save what is not finished.

    Returns:
        Its record: W, b, U where untied, history_step and history_loss, and those of snapshots on the way.
    """
    first = model(start["W"], start["b"], start.get("U"), spec) if start else None
    done = loop.train(data, points, spec, first, checkpoint)
    arrays = {name: getattr(done.model, name) for name in ("W", "b", "U")}
    arrays |= {name: getattr(done, name) for name in ("history_step", "history_loss")}
    arrays |= loop.snapshot_arrays(done.snapshots)
    status = "diverged" if done.diverged else "trained"
    about = {"status": status, "steps_taken": done.steps, "engine_used": done.engine}
    kept = {name: array for name, array in arrays.items() if array is not None}
    return Trained(about, kept, f"{done.engine}, version {done.version}")
