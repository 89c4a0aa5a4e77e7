"""stages/families/toy/training: the engine a spec gets, what a cell keeps, and golden bytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stages.families.toy import training as room
from stages.families.toy.data.drawing import sample
from stages.families.toy.data.spec import Data, Training
from stages.families.toy.model.compiler import INSTRUCTION_SET
from stages.families.toy.model.model import mean_loss, point_losses
from stages.families.toy.training.loop import VERSION, Trained, engine_name, train
from tests.conftest import ROOT

# Small cells that between them use every part of what decides bytes, and the sha256 of all that is kept of each, by
# VERSION. New bytes need a new VERSION: raise it in stages/families/toy/training/loop.py and put here what this test
# finds.
CELLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "T = 3": ({"T": 3}, {}),
    "sum": ({"T": 30}, {"reduction": "sum"}),
    "several tiles": ({"n": 1504, "T": 41}, {"steps": 60}),
    "m = 5, uniform": ({"T": 30}, {"m": 5, "init": "xavier_uniform", "init_seed": 7}),
    "variant": ({"T": 30}, {"power": 1, "hidden": "relu", "tied": False, "importance": 0.99}),
    "p = 4, fresh": ({"T": 8, "fresh": True}, {"power": 4}),
    "staircase": ({"T": 100}, {"steps": 1100}),
    "staircase, m = 3": ({"T": 600}, {"steps": 300, "m": 3}),
    "staircase, several tiles": ({"n": 1504, "T": 71}, {"steps": 60}),
    "staircase, boxes": ({"T": 2100}, {"steps": 300}),
    "staircase, fresh": ({"T": 70, "fresh": True}, {}),
    "disjoint": ({"T": 8, "supports": "disjoint", "data_seed": 3}, {"weight_decay": 0.5, "warmup": 0.0}),
}
GOLDEN: dict[int, dict[str, str]] = {
    5: {
        "T = 3": "17c9091d179a18b8",
        "sum": "a5861258b548f9de",
        "several tiles": "31bcf81fb124ea06",
        "m = 5, uniform": "6aeae09f16f39ed5",
        "variant": "27c4aeebed5c1aa8",
        "p = 4, fresh": "d86ebaa38f8026f5",
        "staircase": "028e3e059ea0789a",
        "staircase, m = 3": "6e4de62dbf37737b",
        "staircase, several tiles": "55c7fadc50344b35",
        "staircase, boxes": "2ae070a319e73fa9",
        "staircase, fresh": "2c9317a96f319ea2",
        "disjoint": "cee192057ec1414c",
    }
}
GOLDEN_NUMPY = "2.4.6"  # draws the initial weights


@pytest.mark.parametrize("name", CELLS)
def test_bytes_change_only_with_the_version(
    data: Callable[..., Data], training: Callable[..., Training], name: str
) -> None:
    assert np.__version__ == GOLDEN_NUMPY
    data_changes, training_changes = CELLS[name]
    trained = run(data(**data_changes), training(**({"steps": 500} | training_changes)))
    assert GOLDEN[VERSION].get(name) == digest(trained)


def run(spec: Data, how: Training) -> Trained:
    return train(spec, sample(spec), how)


def beyond(how: Training, **changes: float) -> Training:
    """A training spec with values that params.yaml allows nobody."""
    return how.model_copy(update=changes)


def digest(trained: Trained) -> str:
    model, sha = trained.model, hashlib.sha256()
    for array in (model.W, model.b, model.U, trained.history_step, trained.history_loss):
        sha.update(b"" if array is None else array.tobytes())
    return sha.hexdigest()[:16]


@pytest.mark.skipif(INSTRUCTION_SET not in ("x86-64-v3", "x86-64-v4"), reason="compiles for another processor")
@pytest.mark.slow
def test_a_processor_with_narrower_vectors_trains_the_same_bytes(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    """The same cell in a process that compiles for AVX2, as a machine without AVX-512 would."""
    spec, how = data(T=30), training(steps=500, m=3)
    code = (
        "import sys; from tests.toy.test_training import *; from stages.families.toy.model.compiler import VECTOR;"
        "a, b = sys.stdin.read().splitlines(); assert VECTOR == 8;"
        "print(digest(run(Data.model_validate_json(a), Training.model_validate_json(b))))"
    )
    narrow = subprocess.run(
        [sys.executable, "-c", code],
        input=f"{spec.model_dump_json()}\n{how.model_dump_json()}\n",
        env=os.environ | {"NUMBA_CPU_NAME": "x86-64-v3"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert narrow.stdout.strip() == digest(run(spec, how))


def test_history_runs_from_the_first_loss_to_the_last(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    spec = data(T=5)
    trained = run(spec, training(steps=1000))
    assert trained.steps == trained.history_step[-1] == 1000 and trained.history_step[0] == 0
    assert len(trained.history_loss) == len(trained.history_step) and np.isfinite(trained.history_loss).all()
    assert trained.history_loss[-1] == point_losses(trained.model, sample(spec)).mean()
    assert trained.history_loss[-1] < 0.1 * trained.history_loss[0]


def test_a_run_that_diverges_ends_there_and_says_when(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    trained = run(data(T=30), beyond(training(steps=500), lr=1e20))
    assert trained.diverged and trained.steps < 500
    assert len(trained.history_loss) == len(trained.history_step) and trained.history_step[-1] == trained.steps


def test_fresh_points_at_every_step_teach_what_no_small_training_set_can(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    few, endless = (run(data(T=50, fresh=fresh), training(steps=1000)) for fresh in (False, True))
    unseen = sample(data(T=2000, data_seed=9))
    losses = [mean_loss(trained.model, unseen) for trained in (few, endless)]
    assert losses[1] < 0.99 * losses[0]
    assert few.history_loss[-1] < endless.history_loss[-1]


def test_a_run_goes_on_from_the_model_it_is_given(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    spec, how = data(T=30), training(steps=500, lr=1e-4)
    good = run(spec, training(steps=2000)).model
    again = train(spec, sample(spec), how, start=good)
    assert again.history_loss[0] == pytest.approx(mean_loss(good, sample(spec)), rel=1e-5)
    assert again.history_loss[0] < 0.7 * run(spec, how).history_loss[0]


def test_a_start_of_another_shape_is_refused(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    other = run(data(n=60), training(steps=1)).model
    with pytest.raises(ValueError, match=r"m, n = \(2, 60\), where the spec has \(2, 120\)"):
        train(data(), sample(data()), training(steps=1), start=other)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize(("lr", "steps"), [(1e20, 2), (1e38, 1)])
def test_a_run_that_diverges_at_its_last_step_is_not_taken_for_trained(
    data: Callable[..., Data], training: Callable[..., Training], lr: float, steps: int
) -> None:
    trained = run(data(T=30), beyond(training(steps=steps, warmup=0.0), lr=lr))
    assert trained.diverged and trained.steps == steps


def test_engine_is_a_function_of_the_spec(training: Callable[..., Training]) -> None:
    assert engine_name(training(engine="auto", m=8)) == engine_name(training(engine="fused", m=2))
    assert engine_name(training(engine="auto", m=9)) == engine_name(training(engine="tiled", m=2))
    names = {engine_name(training(engine=engine)).split()[0] for engine in ("fused", "tiled", "torch")}
    assert names == {"fused", "tiled", "torch"}


@pytest.mark.parametrize("engine", ["tiled", "torch"])
def test_other_engines_train_the_same_model(
    data: Callable[..., Data], training: Callable[..., Training], engine: str
) -> None:
    fused, other = (run(data(T=10), training(steps=100, engine=name)) for name in ("fused", engine))
    np.testing.assert_allclose(other.model.W, fused.model.W, atol=1e-4)
    np.testing.assert_allclose(other.history_loss, fused.history_loss, rtol=1e-4)


def test_work_grows_with_points_and_steps(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    few, many = data(T=10), data(T=100)
    costs = [room.work(few, sample(few), training())]
    costs += [room.work(many, sample(many), training(**changes)) for changes in ({}, {"m": 8}, {"steps": 9000})]
    assert costs == sorted(set(costs))
