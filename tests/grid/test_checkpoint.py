"""stages/grid/checkpoint.py and the engines' states: a run that goes on ends as one that was never stopped."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.families.digits.data import spec as digits
from stages.families.digits.training.loop import train as train_classifier
from stages.families.toy.data.drawing import sample
from stages.families.toy.data.spec import Data, Training
from stages.families.toy.training import schedule
from stages.families.toy.training.loop import Trained, train
from stages.families.toy.training.orders import REORDER
from stages.families.toy.training.schedule import Schedule
from stages.grid.checkpoint import Checkpoint
from stages.grid.store import Store
from tests.grid.test_store import record


class Killed(Exception):
    pass


class Deadly(Checkpoint):
    """Saves at every chance, and kills the run at the k-th."""

    def __init__(self, path: Path, at: int) -> None:
        super().__init__(path, "key", seconds=0)
        self.at, self.saves = at, 0

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        super().save(arrays)
        self.saves += 1
        if self.saves == self.at:
            raise Killed


def bytes_of(trained: Trained) -> list[bytes]:
    models = [trained.model, *(model for _, model in trained.snapshots)]
    arrays = [array for model in models for array in (model.W, model.b, model.U)]
    return [b"" if a is None else a.tobytes() for a in (*arrays, trained.history_step, trained.history_loss)]


@pytest.mark.parametrize(
    ("data_changes", "changes"),
    [
        ({"T": 30}, {}),
        ({"T": 100}, {}),
        ({"T": 2100}, {}),
        ({"T": 70, "fresh": True}, {"snapshots": 5}),
        ({"T": 30}, {"hidden": "relu", "tied": False, "power": 1, "importance": 0.99}),
        ({"T": 8, "fresh": True}, {"snapshots": 5}),
        ({"T": 30}, {"m": 10, "snapshots": 5}),
        ({"T": 30}, {"engine": "tiled", "tied": False}),
        ({"T": 30}, {"engine": "torch", "tied": False, "hidden": "relu"}),
    ],
    ids=[
        "fused",
        "staircase",
        "staircase, boxes",
        "staircase, fresh",
        "variant",
        "fresh, snapshots",
        "tiled, snapshots",
        "tiled, untied",
        "torch",
    ],
)
@pytest.mark.parametrize("at", [1, 2])
def test_a_killed_run_goes_on_to_the_same_bytes(
    data: Callable[..., Data],
    training: Callable[..., Training],
    tmp_path: Path,
    data_changes: dict[str, Any],
    changes: dict[str, Any],
    at: int,
) -> None:
    spec, how = data(**data_changes), training(steps=3 * REORDER + 70, **changes)
    points, path = sample(spec), tmp_path / "cell.checkpoint"
    undisturbed = train(spec, points, how)
    with pytest.raises(Killed):
        train(spec, points, how, checkpoint=Deadly(path, at))
    with pytest.raises(Killed):  # and once more, from there
        train(spec, points, how, checkpoint=Deadly(path, 1))
    last = Checkpoint(path, "key")
    arrays = last.load()
    assert arrays is not None and len(arrays["losses"]) == REORDER * (at + 1)
    resumed = train(spec, points, how, checkpoint=last)
    assert bytes_of(resumed) == bytes_of(undisturbed) and resumed.steps == undisturbed.steps


@pytest.mark.parametrize("at", [1, 3])
def test_a_killed_classifier_goes_on_to_the_same_bytes(tmp_path: Path, at: int) -> None:
    rng = np.random.default_rng(0)
    x, label = rng.random((50, 784)).astype(np.float32), rng.integers(0, 10, 50).astype(np.uint8)
    spec = digits.Training(
        hidden=9, epochs=6, batch=16, lr=1e-2, weight_decay=0.1, init_seed=0, watched=2, keep="weights"
    )
    path = tmp_path / "cell.checkpoint"
    with pytest.raises(Killed):
        train_classifier(x, label, spec, checkpoint=Deadly(path, at))
    arrays = Checkpoint(path, "key").load()
    assert arrays is not None and arrays["epoch"] == at
    resumed = train_classifier(x, label, spec, checkpoint=Checkpoint(path, "key"))
    for (epoch, model), (other, undisturbed) in zip(resumed, train_classifier(x, label, spec), strict=True):
        assert epoch == other
        assert all(a.tobytes() == b.tobytes() for a, b in zip(model, undisturbed, strict=True))


def test_a_checkpoint_that_is_torn_or_another_s_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "cell.checkpoint"
    Checkpoint(path, "key").save({"losses": np.zeros(3)})
    assert Checkpoint(path, "other").load() is None and Checkpoint(path, "key").load() is not None
    path.write_bytes(path.read_bytes()[:-4])
    assert Checkpoint(path, "key").load() is None
    Checkpoint(path, "key").save({"losses": np.zeros(3)})
    assert Checkpoint(path, "key").load() is not None


def test_what_was_saved_is_what_is_gone_on_from(
    data: Callable[..., Data], training: Callable[..., Training], tmp_path: Path
) -> None:
    """Else a run that always begins anew would pass every other test here."""
    spec, how = data(T=5), training(steps=REORDER + 100)
    path = tmp_path / "cell.checkpoint"
    with pytest.raises(Killed):
        train(spec, sample(spec), how, checkpoint=Deadly(path, 1))
    arrays = Checkpoint(path, "key").load()
    assert arrays is not None
    Checkpoint(path, "key").save(arrays | {"losses": np.full(REORDER, 7.0)})
    resumed = train(spec, sample(spec), how, checkpoint=Checkpoint(path, "key"))
    assert (resumed.history_loss[resumed.history_step < REORDER] == 7).all()
    assert (resumed.history_loss[resumed.history_step >= REORDER] < 7).all()


@pytest.mark.parametrize("at", [REORDER - 1, REORDER, 2 * REORDER - 1])
def test_a_run_that_diverges_at_a_pause_ends_there_as_without_pauses(
    data: Callable[..., Data],
    training: Callable[..., Training],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    class Diverging:
        """Its loss is infinite from one step on."""

        def __init__(self, model: Any) -> None:
            self.model, self.step = model, 0

        def advance(self, part: Schedule) -> np.ndarray:
            losses = np.where(part.record, 1.0, np.nan)
            steps = self.step + np.arange(len(losses))
            losses[part.record & (steps >= at)] = np.inf
            bad = np.flatnonzero(np.isinf(losses))
            taken = losses[: bad[0] + 1] if len(bad) else losses
            self.step += len(taken)
            return taken

        def state(self) -> dict[str, np.ndarray]:
            return {}

    loop = importlib.import_module(train.__module__)
    monkeypatch.setattr(loop, "_engine", lambda points, spec, model: Diverging(model))
    for module in (loop, schedule):
        monkeypatch.setattr(module, "recorded_steps", lambda steps, count=128: np.array([0, at, steps]))
    spec, how = data(T=5), training(steps=2 * REORDER)
    plain = train(spec, sample(spec), how)
    paused = train(spec, sample(spec), how, checkpoint=Checkpoint(tmp_path / "cell.checkpoint", "key", seconds=0))
    assert plain.diverged and plain.steps == paused.steps == at + 1 and bytes_of(plain) == bytes_of(paused)


def test_saves_are_due_by_a_clock_that_does_not_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path / "cell.checkpoint", "key", seconds=60)
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.time", lambda: 0.0)  # a wall clock that has been set back
    assert not checkpoint.due()
    checkpoint.load()
    assert not checkpoint.due()
    now[0] += 61
    assert checkpoint.due()
    checkpoint.save({"losses": np.zeros(1)})
    assert not checkpoint.due()


def test_where_nothing_can_be_saved_training_goes_on(
    data: Callable[..., Data], training: Callable[..., Training], tmp_path: Path
) -> None:
    elsewhere = Checkpoint(tmp_path / "no such folder" / "cell.checkpoint", "key", seconds=0)
    assert train(data(T=5), sample(data(T=5)), training(steps=REORDER + 9), checkpoint=elsewhere).steps == REORDER + 9
    assert not list(tmp_path.iterdir())


def test_a_finished_cell_leaves_no_checkpoint(tmp_path: Path) -> None:
    store = Store(tmp_path)
    checkpoint = store.checkpoint("ab12")
    checkpoint.save({"losses": np.zeros(3)})
    assert checkpoint.path.exists()
    store.put(record("ab12"), {})
    assert not checkpoint.path.exists()
    checkpoint.save({"losses": np.zeros(3)})  # by a run that was still at it
    store.tidy()
    assert not checkpoint.path.exists() and store.get("ab12") is not None
