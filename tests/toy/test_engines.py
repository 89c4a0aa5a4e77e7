"""Both engines against a float64 reference, the exact T-gon, torch's AdamW and each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages.toy.adamw import Optimiser
from stages.toy.data import Points, sample
from stages.toy.engines.fused import Fused
from stages.toy.engines.tiled import Tiled
from stages.toy.engines.torch import Torch
from stages.toy.model import initial_weights, point_losses
from stages.toy.polygon import polygon_model
from stages.toy.schedule import learning_rates, schedule
from stages.toy.spec import LARGEST_FUSED_M, Data
from tests.toy.test_data import dense

ADAMW = Optimiser(scale=1.0, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=1e-2)
ENGINES = [Fused, Tiled, Torch]


def reference(points: Points, W: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Loss and gradients by float64 autograd over the dense points, without any of the project's code."""
    x = torch.tensor(dense(points))
    W_, b_ = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (W, b))
    loss = ((x - torch.relu(x @ W_.T @ W_ + b_)) ** 2).sum(dim=1).mean()
    loss.backward()
    assert W_.grad is not None and b_.grad is not None
    return loss.item(), W_.grad.numpy(), b_.grad.numpy()


def advance(model: Any, steps: int, lr: float = 1e-2, start: int = 0) -> np.ndarray:
    """Steps start .. start + steps - 1 of a schedule of 200, every loss recorded."""
    part = schedule(200, lr, 0.05, 0.9, 0.999).part(start, start + steps)
    return model.advance(part._replace(record=np.ones(steps, dtype=bool)))


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


# (m, largest n): every m of `fused` in one tile, two in several, two beyond; n is free within one compiled tile length
SHAPES = [(m, 64) for m in range(1, LARGEST_FUSED_M + 1)] + [(2, 1504), (8, 416), (13, 700), (40, 64)]


@pytest.mark.parametrize(("m", "largest_n"), SHAPES)
def test_gradients_agree_with_float64_autograd(m: int, largest_n: int) -> None:
    @given(
        n=st.integers(largest_n - 15, largest_n),
        T=st.integers(1, 70) if largest_n < 500 else st.integers(250, 270),
        S=st.sampled_from([0.5, 0.9, 0.99] if largest_n < 500 else [0.9, 0.99]),
        seed=st.integers(0, 5),
    )
    @settings(deadline=None, max_examples=10, derandomize=True)
    def agrees(n: int, T: int, S: float, seed: int) -> None:
        points = sample(Data(n=n, S=S, T=T, supports="random", data_seed=seed))
        W = initial_weights(m, n, "xavier_normal", seed) * 3
        b = np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)
        # within rounding of z = 0 float32 and float64 may take different sides, and the gradient jumps there
        z = np.einsum("km,km->k", points.hidden(W)[points.row], W.T[points.feature]) + b[points.feature]
        assume(np.abs(z).min() > 2e-6)
        _, gW, gb = reference(points, W, b)
        for engine in ENGINES[m > LARGEST_FUSED_M :]:
            ours = engine(points, W, b, ADAMW).gradient()
            assert relative(ours[0], gW) < 1e-5 and relative(ours[1], gb) < 1e-5, engine

    agrees()


@pytest.mark.parametrize("engine", ENGINES)
def test_gradients_at_ties_and_repeated_points(engine: Any) -> None:
    """At z = 0 the ReLU's gradient is torch's 0, also where W h + b is 0 exactly."""
    one = sample(Data(n=40, S=0.8, T=1, supports="random", data_seed=0))
    start = np.arange(4) * len(one.feature)
    points = Points(40, start, np.tile(one.feature, 3), np.tile(one.value, 3))
    W, b = initial_weights(2, 40, "xavier_uniform", 0), np.zeros(40, dtype=np.float32)
    W[:, ::2] = 0
    _, gW, gb = reference(points, W, b)
    ours = engine(points, W, b, ADAMW).gradient()
    assert relative(ours[0], gW) < 1e-5 and relative(ours[1], gb) < 1e-5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("T", [3, 5, 6, 8, 10, 15, 30])
def test_the_exact_polygon_has_no_loss_and_no_gradient(engine: Any, T: int) -> None:
    points = sample(Data(n=400, S=0.99, T=T, supports="disjoint", data_seed=T))
    W, b = (a.astype(np.float32) for a in polygon_model(points))
    assert 0 <= point_losses(W, b, points).max() < 1e-12 * (1 + np.abs(b).max()) ** 2
    gW, gb = engine(points, W, b, ADAMW).gradient()
    assert max(np.abs(gW).max(), np.abs(gb).max()) < 1e-4 * (1 + np.abs(b).max()) / T


@pytest.mark.parametrize("engine", ENGINES)
def test_a_short_run_follows_torch_s_adamw_in_float64_step_by_step(engine: Any) -> None:
    points = sample(Data(n=150, S=0.95, T=33, supports="random", data_seed=0))
    W, b = initial_weights(2, 150, "xavier_normal", 1), np.zeros(150, dtype=np.float32)
    ours = engine(points, W, b, ADAMW)
    exact = Torch(points, W, b, ADAMW, dtype=torch.float64)
    for s in range(60):
        loss, exact_loss = advance(ours, 1, start=s)[0], advance(exact, 1, start=s)[0]
        assert loss == pytest.approx(exact_loss, rel=1e-5), s
        assert relative(ours.W, exact.W) < 2e-5 and relative(ours.b, exact.b) < 2e-4, s


def test_weight_decay_alone_shrinks_what_no_gradient_reaches() -> None:
    """One point with one feature, all other columns of W pushed inactive: they only decay."""
    points = Points(64, np.array([0, 1]), np.array([5], dtype=np.int32), np.ones(1, dtype=np.float32))
    W, b = initial_weights(2, 64, "xavier_normal", 0), np.full(64, -1, dtype=np.float32)
    model = Fused(points, W, b, ADAMW._replace(weight_decay=1.0))
    advance(model, 200)
    shrunk = np.prod(1 - learning_rates(200, 1e-2, 0.05))
    others = np.arange(64) != 5
    np.testing.assert_allclose(model.W[:, others], W[:, others] * shrunk, rtol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_recorded_losses_are_those_of_the_weights_before_the_step(engine: Any) -> None:
    points = sample(Data(n=150, S=0.95, T=33, supports="random", data_seed=0))
    model = engine(points, initial_weights(2, 150, "xavier_normal", 0), np.zeros(150, dtype=np.float32), ADAMW)
    for s in range(5):
        expected = point_losses(model.W, model.b, points).mean()
        assert advance(model, 1, start=s)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_advance_is_the_same_bytes_as_many(engine: Any) -> None:
    points = sample(Data(n=150, S=0.95, T=33, supports="random", data_seed=0))
    W, b = initial_weights(2, 150, "xavier_normal", 0), np.zeros(150, dtype=np.float32)
    whole, parts = engine(points, W, b, ADAMW), engine(points, W, b, ADAMW)
    advance(whole, 100)
    for start, steps in ((0, 1), (1, 36), (37, 63)):
        advance(parts, steps, start=start)
    assert whole.W.tobytes() == parts.W.tobytes() and whole.b.tobytes() == parts.b.tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_not_finite_stops_the_training(engine: Any) -> None:
    points = sample(Data(n=50, S=0.9, T=10, supports="random", data_seed=0))
    W = initial_weights(2, 50, "xavier_normal", 0)
    W[0, points.feature[0]] = np.inf
    losses = advance(engine(points, W, np.zeros(50, dtype=np.float32), ADAMW), 20)
    assert len(losses) == 1 and not np.isfinite(losses[0])


def test_mean_at_eps_is_sum_at_n_eps_bit_for_bit_when_n_is_a_power_of_two(
    data: Callable[..., Data],
) -> None:
    points = sample(data(n=128, T=40))
    W, b = initial_weights(2, 128, "xavier_normal", 0), np.zeros(128, dtype=np.float32)
    mean = Fused(points, W, b, ADAMW._replace(scale=1 / 128, eps=2.0**-20))
    summed = Fused(points, W, b, ADAMW._replace(scale=1.0, eps=2.0**-13))
    advance(mean, 200)
    advance(summed, 200)
    assert mean.W.tobytes() == summed.W.tobytes() and mean.b.tobytes() == summed.b.tobytes()
