"""Every engine against a float64 reference, the exact T-gon, torch's AdamW and each other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages.families.toy.data.drawing import batches, sample
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import LARGEST_FUSED_M, Data
from stages.families.toy.model.model import Model, initial_weights, mean_loss, point_losses
from stages.families.toy.model.polygons import polygon_model
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines.fused import Fused
from stages.families.toy.training.engines.tiled import Tiled
from stages.families.toy.training.engines.torch import Torch
from stages.families.toy.training.schedule import learning_rates, schedule
from tests.conftest import drawn, few_fast
from tests.toy.test_data import dense

ADAMW = Optimiser(scale=1.0, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=1e-2)
ENGINES = [Fused, Tiled, Torch]


def paper_model(W: np.ndarray, b: np.ndarray | None = None) -> Model:
    return Model(W, np.zeros(W.shape[1], dtype=np.float32) if b is None else b)


def reference(points: Points, model: Model) -> tuple[float, Model]:
    """Loss and gradients by float64 autograd over the dense points, without any of the project's code."""
    x = torch.tensor(dense(points))
    W, b = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (model.W, model.b))
    U = W if model.U is None else torch.tensor(model.U, dtype=torch.float64, requires_grad=True)
    h = torch.relu(x @ W.T) if model.relu else x @ W.T
    error = (x - torch.relu(h @ U + b)).abs() ** model.power
    if model.importance is not None:
        error = error * torch.tensor(model.importance)
    if points.masked is not None:
        error = error * ~(torch.tensor(points.masked)[:, None] & (x > 0))
    weight = torch.ones(points.T) if points.weight is None else torch.tensor(points.weight)
    loss = (error.sum(dim=1) * weight).sum() / weight.double().sum()
    loss.backward()
    gW, gb, gU = (None if a.grad is None else a.grad.numpy() for a in (W, b, U))
    return loss.item(), model._replace(W=gW, b=gb, U=None if model.U is None else gU)


def assert_gradients_agree(engine: Any, points: Points, model: Model, note: Any = "") -> None:
    ours, exact = engine(points, model, ADAMW).gradient(), reference(points, model)[1]
    for name in ("W", "b", "U")[: 2 if model.U is None else 3]:
        mine, its = getattr(ours, name), getattr(exact, name)
        assert np.linalg.norm(mine - its) <= 1e-5 * np.linalg.norm(its), (engine, name, note)


def advance(model: Any, steps: int, lr: float = 1e-2, start: int = 0) -> np.ndarray:
    """Steps start .. start + steps - 1 of a schedule of 200, every loss recorded."""
    part = schedule(200, lr, 0.05, 0.9, 0.999).part(start, start + steps)
    return model.advance(part._replace(record=np.ones(steps, dtype=bool)))


def same_bytes(a: Model, b: Model) -> bool:
    return a.W.tobytes() == b.W.tobytes() and a.b.tobytes() == b.b.tobytes()


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


# (m, largest n): every m of `fused` in one tile, two in several, two beyond; n is free within one compiled tile length
SHAPES = [(m, 64) for m in range(1, LARGEST_FUSED_M + 1)] + [(2, 1504), (8, 416), (13, 700), (40, 64)]


@pytest.mark.parametrize(("m", "largest_n"), few_fast(SHAPES, (2, 1504), (3, 64)))
def test_gradients_agree_with_float64_autograd(m: int, largest_n: int) -> None:
    @given(
        n=st.integers(largest_n - 15, largest_n),
        T=st.integers(1, 70) if largest_n < 500 else st.integers(250, 270),
        S=st.sampled_from([0.5, 0.9, 0.99] if largest_n < 500 else [0.9, 0.99]),
        seed=st.integers(0, 5),
    )
    @settings(deadline=None, max_examples=10, derandomize=True)
    def agrees(n: int, T: int, S: float, seed: int) -> None:
        points = sample(drawn(n=n, S=S, T=T, data_seed=seed))
        W = initial_weights(m, n, "xavier_normal", seed) * 3
        b = np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)
        # within rounding of z = 0 float32 and float64 may take different sides, and the gradient jumps there
        z = np.einsum("km,km->k", points.hidden(W)[points.row], W.T[points.feature]) + b[points.feature]
        assume(np.abs(z).min() > 2e-6)
        for engine in ENGINES[m > LARGEST_FUSED_M :]:
            assert_gradients_agree(engine, points, paper_model(W, b))

    agrees()


def variant(name: str, m: int, points: Points, seed: int) -> tuple[Model, Points]:
    """A random model of which `name` lists what differs from the paper's, and the points with it."""
    rng, n, parts = np.random.default_rng(seed), points.n, name.split()
    W, U = (initial_weights(m, n, "xavier_normal", seed, decoder=decoder) * 3 for decoder in (False, True))
    b = rng.normal(scale=0.1, size=n).astype(np.float32)
    importance = rng.uniform(0.1, 1, n).astype(np.float32) if "importance" in parts else None
    power = next((p for p in (1, 4) if f"p={p}" in parts), 2)
    model = Model(W, b, U if "untied" in parts else None, "relu" in parts, power, importance)
    weight = rng.integers(1, 9, points.T).astype(np.float32) if "weights" in parts else None
    masked = rng.random(points.T) < 0.5 if "masks" in parts else None
    return model, points._replace(weight=weight, masked=masked)


VARIANTS = ["p=1", "p=4", "relu", "untied", "importance", "weights", "masks", "p=4 masks weights"]
VARIANTS += ["p=1 masks untied relu importance", "p=4 relu untied importance weights masks"]


@pytest.mark.parametrize("name", few_fast(VARIANTS, "p=1 masks untied relu importance", "p=4 masks weights"))
def test_every_variant_s_gradients_and_loss_agree_with_float64_autograd(name: str) -> None:
    m = 3 if name == VARIANTS[-1] else 2

    @given(n=st.integers(49, 64), T=st.integers(1, 40), S=st.sampled_from([0.5, 0.95]), seed=st.integers(0, 9))
    @settings(deadline=None, max_examples=10, derandomize=True)
    def agrees(n: int, T: int, S: float, seed: int) -> None:
        points = sample(drawn(n=n, S=S, T=T, data_seed=seed))
        model, points = variant(name, m, points, seed)
        h = model.hidden(points)
        z = np.einsum("km,km->k", h[points.row], model.decoder.T[points.feature]) + model.b[points.feature]
        e = np.abs(np.maximum(z, 0) - points.value)
        every = h @ model.decoder + model.b
        raw = points.hidden(model.W) if model.relu else np.ones(1)
        assume(min(np.abs(a).min() for a in (z, e, every, raw)) > 2e-6)
        for engine in ENGINES:
            assert_gradients_agree(engine, points, model, note=name)
        loss = reference(points, model)[0]
        assert mean_loss(model, points) == pytest.approx(loss, rel=2e-6)
        for engine in ENGINES:
            assert advance(engine(points, model, ADAMW), 1)[0] == pytest.approx(loss, rel=1e-5), engine

    agrees()


@pytest.mark.parametrize("engine", ENGINES)
def test_variants_agree_where_features_and_points_take_several_tiles_and_blocks(engine: Any) -> None:
    points = sample(drawn(n=1100, S=0.99, T=530, data_seed=0))
    model, points = variant("p=4 relu untied importance weights masks", 2, points, 0)
    assert_gradients_agree(engine, points, model)


@pytest.mark.parametrize("engine", ENGINES)
def test_fresh_points_that_do_not_fit_are_refused(engine: Any) -> None:
    data = drawn(n=60, S=0.9, T=9, fresh=True, data_seed=0)
    points, part = sample(data), schedule(4, 1e-2, 0.0, 0.9, 0.999)
    trained = engine(points, paper_model(initial_weights(2, 60, "xavier_normal", 0)), ADAMW)
    with pytest.raises(ValueError, match="27 fresh points of 60 features; allowed: 36 of 60"):
        trained.advance(part, batches(data, 0, 3))
    weighted = batches(data, 0, 4)._replace(weight=np.ones(36, dtype=np.float32))
    with pytest.raises(ValueError, match="cannot be weighted or masked"):
        trained.advance(part, weighted)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_torch_compile_changes_no_more_than_rounding() -> None:
    points = sample(drawn(n=60, S=0.9, T=9, data_seed=0))
    model = paper_model(initial_weights(2, 60, "xavier_normal", 0))
    plain, fast = (Torch(points, model, ADAMW, compile=compile).gradient() for compile in (False, True))
    assert relative(fast.W, plain.W) < 1e-5 and relative(fast.b, plain.b) < 1e-5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", few_fast(["", "p=1", "relu untied"], ""))
def test_a_weight_is_as_many_copies(engine: Any, name: str) -> None:
    points = sample(drawn(n=60, S=0.9, T=7, data_seed=0))
    weight = np.array([1, 3, 1, 2, 1, 1, 5], dtype=np.float32)
    rows = [points.part(t, t + 1) for t in range(7) for _ in range(int(weight[t]))]
    start = np.cumsum([0, *(len(row.feature) for row in rows)])
    copies = Points(60, start, *(np.concatenate([getattr(r, k) for r in rows]) for k in ("feature", "value")))
    model, _ = variant(name, 2, points, 0)
    few, many = engine(points._replace(weight=weight), model, ADAMW), engine(copies, model, ADAMW)
    losses = [advance(e, 5) for e in (few, many)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    np.testing.assert_allclose(few.model.W, many.model.W, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_fresh_points_are_taken_step_by_step(engine: Any) -> None:
    """Several steps at once, one at a time, and the loss that each step's own points say the model has there."""
    data = drawn(n=60, S=0.9, T=9, fresh=True, data_seed=0)
    model, steps = paper_model(initial_weights(2, 60, "xavier_normal", 0) * 3), batches(data, 0, 4)
    fresh = engine(sample(data), model, ADAMW)
    part = schedule(200, 1e-2, 0.05, 0.9, 0.999).part(0, 4)
    losses = fresh.advance(part._replace(record=np.ones(4, dtype=bool)), steps)
    assert losses[0] == pytest.approx(mean_loss(model, sample(data)), rel=1e-6)
    assert len(set(losses)) == 4
    one_by_one = engine(sample(data), model, ADAMW)
    for s in range(4):
        points = batches(data, s, s + 1)
        assert points.digest() == steps.part(9 * s, 9 * s + 9).digest()
        expected = mean_loss(one_by_one.model, points)
        loss = one_by_one.advance(part.part(s, s + 1)._replace(record=np.ones(1, dtype=bool)), points)
        assert loss[0] == pytest.approx(expected, rel=1e-6)
        assert loss[0] == losses[s]
    assert one_by_one.model.W.tobytes() == fresh.model.W.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_float32_sums_hold_over_many_points(engine: Any) -> None:
    """Against float64: a plain running sum over 100,000 points would lose the last digits asked for."""
    points = sample(drawn(n=100, S=0.95, T=100_000, data_seed=0))
    model = paper_model(initial_weights(2, 100, "xavier_normal", 0) * 3, np.full(100, 0.1, dtype=np.float32))
    ours, exact = engine(points, model, ADAMW).gradient(), Torch(points, model, ADAMW, dtype=torch.float64).gradient()
    assert relative(ours.W, exact.W) < 1e-5 and relative(ours.b, exact.b) < 1e-5


@pytest.mark.parametrize("engine", ENGINES)
def test_gradients_at_ties_and_repeated_points(engine: Any) -> None:
    """At z = 0 the ReLU's gradient is torch's 0, also where W h + b is 0 exactly."""
    one = sample(drawn(n=40, S=0.8, T=1, data_seed=0))
    start = np.arange(4) * len(one.feature)
    points = Points(40, start, np.tile(one.feature, 3), np.tile(one.value, 3))
    W, b = initial_weights(2, 40, "xavier_uniform", 0), np.zeros(40, dtype=np.float32)
    W[:, ::2] = 0
    assert_gradients_agree(engine, points, paper_model(W, b))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("T", [3, 5, 6, 8, 10, 15, 30])
def test_the_exact_polygon_has_no_loss_and_no_gradient(engine: Any, T: int) -> None:
    points = sample(drawn(n=400, S=0.99, T=T, supports="disjoint", data_seed=T))
    W, b = (a.astype(np.float32) for a in polygon_model(points))
    assert 0 <= point_losses(Model(W, b), points).max() < 1e-12 * (1 + np.abs(b).max()) ** 2
    gradient = engine(points, Model(W, b), ADAMW).gradient()
    assert max(np.abs(gradient.W).max(), np.abs(gradient.b).max()) < 1e-4 * (1 + np.abs(b).max()) / T


@pytest.mark.parametrize("engine", ENGINES)
def test_a_short_run_follows_torch_s_adamw_in_float64_step_by_step(engine: Any) -> None:
    points = sample(drawn(n=150, S=0.95, T=33, data_seed=0))
    model = paper_model(initial_weights(2, 150, "xavier_normal", 1))
    ours, exact = engine(points, model, ADAMW), Torch(points, model, ADAMW, dtype=torch.float64)
    for s in range(60):
        loss, exact_loss = advance(ours, 1, start=s)[0], advance(exact, 1, start=s)[0]
        assert loss == pytest.approx(exact_loss, rel=1e-5), s
        assert relative(ours.model.W, exact.model.W) < 2e-5 and relative(ours.model.b, exact.model.b) < 2e-4, s


def test_weight_decay_alone_shrinks_what_no_gradient_reaches() -> None:
    """One point with one feature, all other columns of W pushed inactive: they only decay."""
    points = Points(64, np.array([0, 1]), np.array([5], dtype=np.int32), np.ones(1, dtype=np.float32))
    W, b = initial_weights(2, 64, "xavier_normal", 0), np.full(64, -1, dtype=np.float32)
    engine = Fused(points, Model(W, b), ADAMW._replace(weight_decay=1.0))
    advance(engine, 200)
    shrunk = np.prod(1 - learning_rates(200, 1e-2, 0.05))
    others = np.arange(64) != 5
    np.testing.assert_allclose(engine.model.W[:, others], W[:, others] * shrunk, rtol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_recorded_losses_are_those_of_the_weights_before_the_step(engine: Any) -> None:
    points = sample(drawn(n=150, S=0.95, T=33, data_seed=0))
    trained = engine(points, paper_model(initial_weights(2, 150, "xavier_normal", 0)), ADAMW)
    for s in range(5):
        expected = mean_loss(trained.model, points)
        assert advance(trained, 1, start=s)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_advance_is_the_same_bytes_as_many(engine: Any) -> None:
    points = sample(drawn(n=150, S=0.95, T=33, data_seed=0))
    model = paper_model(initial_weights(2, 150, "xavier_normal", 0))
    whole, parts = engine(points, model, ADAMW), engine(points, model, ADAMW)
    advance(whole, 100)
    for start, steps in ((0, 1), (1, 36), (37, 63)):
        advance(parts, steps, start=start)
    assert same_bytes(whole.model, parts.model)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_not_finite_stops_the_training(engine: Any) -> None:
    points = sample(drawn(n=50, S=0.9, T=10, data_seed=0))
    W = initial_weights(2, 50, "xavier_normal", 0)
    W[0, points.feature[0]] = np.inf
    losses = advance(engine(points, paper_model(W), ADAMW), 20)
    assert len(losses) == 1 and not np.isfinite(losses[0])


def test_mean_at_eps_is_sum_at_n_eps_bit_for_bit_when_n_is_a_power_of_two(
    data: Callable[..., Data],
) -> None:
    points = sample(data(n=128, T=40))
    model = paper_model(initial_weights(2, 128, "xavier_normal", 0))
    mean = Fused(points, model, ADAMW._replace(scale=1 / 128, eps=2.0**-20))
    summed = Fused(points, model, ADAMW._replace(scale=1.0, eps=2.0**-13))
    advance(mean, 200)
    advance(summed, 200)
    assert same_bytes(mean.model, summed.model)
