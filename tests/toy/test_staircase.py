"""What is decided by lengths and boxes: the gradients of visiting every pair, and the same bytes at any width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stages.families.toy.data.drawing import batches, sample
from stages.families.toy.data.points import Points
from stages.families.toy.model.compiler import LANES, from_source
from stages.families.toy.model.model import Model
from stages.families.toy.model.pairs import Kind, tile_rows
from stages.families.toy.training import undecided
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines.staircase import Staircase
from stages.families.toy.training.engines.torch import Torch
from stages.families.toy.training.orders import BOX, REORDER, boxes_pay, feature_order, next_order, pays, point_order
from stages.families.toy.training.schedule import schedule
from stages.families.toy.training.sparse import lines_pay
from tests.conftest import drawn, few_fast
from tests.toy.test_engines import relative, variant

ADAMW = Optimiser(scale=1.0, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=1e-2)
VARIANTS = ["", "p=1", "p=4", "relu", "untied", "importance", "weights", "masks"]
VARIANTS += ["p=4 relu untied importance weights masks", "p=1 relu untied importance weights masks"]


def setting(n: int, T: int, m: int, bias: float = 0.1, name: str = "") -> tuple[Points, Model]:
    """Random points, and a model with biases of that scale."""
    model, points = variant(name, m, sample(drawn(n=n, S=0.95, T=T, data_seed=0)), 0)
    return points, model._replace(b=model.b * np.float32(bias / 0.1))


def agree(points: Points, model: Model, **how: Any) -> None:
    """The gradients with all that is decided left out are those in float64."""
    ours, exact = (
        Staircase(points, model, ADAMW, **how).gradient(),
        Torch(points, model, ADAMW, dtype=torch64()).gradient(),
    )
    for name in ("W", "b", "U")[: 2 if model.U is None else 3]:
        assert relative(getattr(ours, name), getattr(exact, name)) < 1e-5, name


def torch64() -> Any:
    import torch

    return torch.float64


SHAPES = [(60, 500, 2), (1504, 330, 2), (100, 333, 3), (64, 161, 1), (40, 70, 2), (90, 200, 5), (50, 300, 8)]


@pytest.mark.parametrize("bias", [0.0, 0.1, 1.0, 100.0])  # nothing is decided, some, most, all
@pytest.mark.parametrize(("n", "T", "m"), few_fast(SHAPES, SHAPES[0], SHAPES[5]))
def test_gradients_are_those_of_every_pair(n: int, T: int, m: int, bias: float) -> None:
    agree(*setting(n, T, m, bias), sort=True)


@pytest.mark.parametrize("bias", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(("n", "T", "m"), few_fast([(60, 500, 2), (1504, 330, 2), (64, 161, 1)], (1504, 330, 2)))
def test_gradients_with_boxes_are_those_of_every_pair(n: int, T: int, m: int, bias: float) -> None:
    agree(*setting(n, T, m, bias), sort=True, boxed=True)


@pytest.mark.parametrize("name", few_fast(VARIANTS, VARIANTS[-1], VARIANTS[-2]))
def test_every_variant_leaves_out_what_is_decided(name: str) -> None:
    agree(*setting(1100, 530, 2, name=name), sort=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["relu", "untied", "weights", "masks", "relu untied weights masks"])
def test_every_variant_that_has_boxes_goes_by_them(name: str) -> None:
    agree(*setting(1100, 530, 2, name=name), sort=True, boxed=True)


def test_points_without_a_hidden_vector_are_decided_by_the_bias() -> None:
    """ReLU(h) is exactly 0 for some: z = b there, and b^3 of a fourth power is not linear."""
    for name in ("relu", "p=4 relu"):
        points, model = setting(60, 200, 1, name=name)
        assert (np.maximum(model.hidden(points), 0) == 0).any(axis=1).sum() > 20
        agree(points, model, sort=True)


@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.slow
def test_a_model_in_training_has_the_gradients_of_every_pair_at_all_its_stages(boxed: bool) -> None:
    points, model = setting(300, 400, 2, 0.0)
    engine = Staircase(points, model, ADAMW._replace(scale=1 / 300), sort=True, boxed=boxed)
    steps = schedule(6000, 1e-2, 0.05, 0.9, 0.999)
    for first, last in ((0, 10), (10, 333), (333, 1500), (1500, 6000)):
        engine.advance(steps.part(first, last))
        every = Staircase(points, engine.model, ADAMW, sort=False).gradient()
        ours = Staircase(points, engine.model, ADAMW, sort=True, boxed=boxed).gradient()
        size = np.abs(every.W).max() + 1e-3
        assert np.abs(ours.W - every.W).max() < 1e-4 * size and np.abs(ours.b - every.b).max() < 1e-4 * size


@pytest.mark.parametrize("boxed", few_fast([False, True], True))
def test_a_run_over_some_orders_follows_float64(boxed: bool) -> None:
    points, model = setting(60, 500, 2)
    steps = schedule(REORDER + 60, 1e-3, 0.05, 0.9, 0.999)
    ours = Staircase(points, model, ADAMW, sort=True, boxed=boxed)
    exact = Torch(points, model, ADAMW, dtype=torch64())
    losses = [engine.advance(steps) for engine in (ours, exact)]
    np.testing.assert_allclose(losses[0][steps.record], losses[1][steps.record], rtol=1e-4)
    np.testing.assert_allclose(ours.model.W, exact.model.W, atol=1e-3)


@pytest.mark.parametrize("boxed", [False, True])
def test_one_advance_is_the_same_bytes_as_many_and_as_one_from_a_checkpoint(boxed: bool) -> None:
    points, model = setting(60, 500, 2)
    steps = schedule(REORDER + 60, 1e-3, 0.05, 0.9, 0.999)
    whole, parts, later = (Staircase(points, model, ADAMW, sort=True, boxed=boxed) for _ in range(3))
    whole.advance(steps)
    for first, last in ((0, 1), (1, 240), (240, REORDER)):
        parts.advance(steps.part(first, last))
    later.restore(parts.state(), REORDER)
    for engine in (parts, later):
        engine.advance(steps.part(REORDER, REORDER + 60))
        assert whole.model.W.tobytes() == engine.model.W.tobytes()


@pytest.mark.parametrize("boxed", [False, True])
def test_checkpoints_are_where_orders_are_found(boxed: bool) -> None:
    step, found = 0, {0}
    while step < 12 * REORDER:
        following = next_order(step, boxed=boxed)
        assert step < following
        step = following
        found.add(step)
    assert {k * REORDER for k in range(12)} <= found


@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("kind", [Kind(2), Kind(1, tied=False, weighted=True, relu=True)])
def test_every_width_gives_the_same_bytes(kind: Kind, boxed: bool) -> None:
    L, T, m, rows = 3 * LANES, 333, kind.m, tile_rows(kind)
    rng, results = np.random.default_rng(0), set()
    P, H = (rng.normal(size=shape).astype(np.float32) for shape in (2 * rows * L, (T, m)))
    H = H[point_order(H, boxed=boxed)]
    weight = rng.uniform(1, 2, T).astype(np.float32)
    for vector in (4, 8, 16):
        text, names = (make(kind, L, boxed=boxed) for make in (undecided.gradients, names_of(vector)))
        run = from_source(text, f"test {kind} {vector} {boxed}", **names).gradients
        G, GH, none = np.zeros_like(P), np.zeros_like(H), np.zeros(0, dtype=np.float32)
        run(P, G, none, H, GH, weight, np.zeros((m + 1) * L, dtype=np.float32))
        results.add(G.tobytes() + GH.tobytes())
    assert len(results) == 1


def names_of(vector: int) -> Any:
    return lambda kind, L, boxed: undecided.names(kind, L, vector, boxed=boxed)


def test_fresh_points_are_sorted_at_every_step_and_give_the_same() -> None:
    data = drawn(n=200, S=0.95, T=100, fresh=True, data_seed=0)
    _, model = setting(200, 100, 2, 1.0)
    steps = schedule(200, 1e-3, 0.05, 0.9, 0.999).part(0, 30)
    engines = [Staircase(sample(data), model, ADAMW, sort=sort) for sort in (False, True)]
    for engine in engines:
        engine.advance(steps, batches(data, 0, 30))
    np.testing.assert_allclose(engines[0].model.W, engines[1].model.W, atol=1e-5)


def test_orders_hold_every_point_and_feature_once() -> None:
    rng = np.random.default_rng(0)
    H, U, b = (rng.normal(size=shape).astype(np.float32) for shape in ((1000, 2), (2, 500), 500))
    for boxed in (False, True):
        assert sorted(point_order(H, boxed=boxed)) == list(range(1000))
        assert sorted(feature_order(U, b, 100, boxed=boxed)) == list(range(500))
    lengths = np.hypot(*H[point_order(H, boxed=False)].T)
    assert (np.diff(lengths) <= 1e-6).all()
    ratios = (np.abs(b) / np.hypot(*U))[feature_order(U, b, 100, boxed=False)]
    assert (np.diff(ratios) >= -1e-6).all()


def test_boxes_are_small_and_groups_of_features_have_one_line() -> None:
    rng = np.random.default_rng(0)
    H = rng.normal(size=(3000, 2)).astype(np.float32)
    found = point_order(H, boxed=True)
    area = [np.prod(np.ptp(H[found[k : k + BOX]], axis=0)) for k in range(0, 3000, BOX)]
    assert sum(area) < 4 * np.prod(np.ptp(H, axis=0))  # fifty boxes of points in any order: nearly 50
    kinds = rng.permutation(np.repeat(np.arange(4), LANES))
    angle, offset = np.array([0.1, 0.1, 1.5, -2])[kinds], np.array([-1, 1, 0, 0.5])[kinds]
    U = (np.stack([np.cos(angle), np.sin(angle)]) * rng.uniform(0.5, 2, len(kinds))).astype(np.float32)
    b = (offset * np.hypot(*U) + rng.normal(scale=1e-3, size=len(kinds))).astype(np.float32)
    groups = kinds[feature_order(U, b, len(b), boxed=True)].reshape(-1, LANES)
    assert all(len(set(group)) == 1 for group in groups)


@pytest.mark.parametrize("name", few_fast(VARIANTS, "", VARIANTS[-1]))
def test_sums_in_lines_of_one_feature_are_the_same_sums(name: str) -> None:
    points, model = setting(1504, 90, 2, name=name)
    plain, lines = (Staircase(points, model, ADAMW, lines=lines).gradient() for lines in (False, True))
    fields = ("W", "b", "U")[: 2 if model.U is None else 3]
    apart = [relative(getattr(lines, field), getattr(plain, field)) for field in fields]
    assert 0 < max(apart) < 1e-6


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("name", few_fast(VARIANTS, *VARIANTS[-2:]))
def test_a_recorded_loss_changes_no_byte(name: str, lines: bool) -> None:
    points, model = setting(60, 90, 2, name=name)
    steps = schedule(200, 1e-3, 0.05, 0.9, 0.999).part(0, 20)
    trained = set()
    for recorded in (False, True):
        engine = Staircase(points, model, ADAMW, lines=lines)
        engine.advance(steps._replace(record=np.full(20, recorded)))
        trained.add(engine.model.W.tobytes() + engine.model.b.tobytes())
    assert len(trained) == 1


def test_lines_are_for_many_nonzeros() -> None:
    assert lines_pay(1000, 4000) and not lines_pay(1000, 3999)


def test_what_is_sorted_is_a_rule_of_the_spec() -> None:
    assert pays(1, 64) and pays(2, 10**6) and pays(4, 500)
    assert not pays(2, 63) and not pays(3, 499) and not pays(5, 10**6)


def test_boxes_are_for_the_paper_s_loss_in_few_dimensions_and_many_points() -> None:
    assert boxes_pay(Kind(2), 2000) and boxes_pay(Kind(2, tied=False, relu=True, weighted=True, masked=True), 2000)
    for kind, T in [(Kind(2), 1999), (Kind(3), 10**6), (Kind(2, power=1), 10**6)]:
        assert not boxes_pay(kind, T)
    assert not boxes_pay(Kind(2, importance=True), 10**6)
