"""stages/toy/training.py: the engine a spec gets, what a cell keeps, and golden bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numba
import numpy as np
import pytest

from stages.toy.compiler import INSTRUCTION_SET, PINNED
from stages.toy.data import sample
from stages.toy.model import point_losses
from stages.toy.spec import Data, Training
from stages.toy.training import VERSION, engine_name, train, work

# sha256 of W and b of small cells, by VERSION. New bytes need a new VERSION: raise it in stages/toy/training.py and
# put the digests that this test prints here.
GOLDEN = {
    1: {
        "T=3 mean": "a761663bbc6ef493",
        "T=30 mean": "4eef8986ba946535",
        "T=3 sum": "c022d117957b5135",
        "T=30 sum": "40925cc558691096",
    }
}
GOLDEN_NUMBA = "0.68.1"


@pytest.mark.skipif(INSTRUCTION_SET != PINNED, reason=f"bytes are promised for {PINNED} only")
@pytest.mark.parametrize("T", [3, 30])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_bytes_change_only_with_the_version(
    data: Callable[..., Data], training: Callable[..., Training], T: int, reduction: str
) -> None:
    assert numba.__version__ == GOLDEN_NUMBA
    trained = train(sample(data(T=T)), training(reduction=reduction, steps=500))
    digest = hashlib.sha256(trained.W.tobytes() + trained.b.tobytes()).hexdigest()[:16]
    assert GOLDEN[VERSION].get(f"T={T} {reduction}") == digest


def test_history_runs_from_the_first_loss_to_the_last(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    points, spec = sample(data(T=5)), training(steps=1000)
    trained = train(points, spec)
    assert trained.steps == trained.history_step[-1] == 1000 and trained.history_step[0] == 0
    assert len(trained.history_loss) == len(trained.history_step) and np.isfinite(trained.history_loss).all()
    assert trained.history_loss[-1] == point_losses(trained.W, trained.b, points).mean()
    assert trained.history_loss[-1] < 0.1 * trained.history_loss[0]


def test_a_run_that_diverges_ends_there_and_says_when(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    trained = train(sample(data(T=30)), training(lr=1e20, steps=500))
    assert trained.steps < 500 and not np.isfinite(trained.history_loss[-1])


def test_engine_is_a_function_of_the_spec(training: Callable[..., Training]) -> None:
    assert engine_name(training(engine="auto", m=8)) == engine_name(training(engine="fused", m=2))
    assert engine_name(training(engine="auto", m=9)) == engine_name(training(engine="torch", m=2))
    assert engine_name(training(engine="fused")).startswith("fused ")


def test_torch_trains_the_same_model(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    points = sample(data(T=10))
    fused, torch = (train(points, training(steps=100, engine=engine)) for engine in ("fused", "torch"))
    np.testing.assert_allclose(torch.W, fused.W, atol=1e-4)
    np.testing.assert_allclose(torch.history_loss, fused.history_loss, rtol=1e-4)


def test_work_grows_with_points_and_steps(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    few, many = sample(data(T=10)), sample(data(T=100))
    assert work(few, training()) < work(many, training()) < work(many, training(steps=9000))
