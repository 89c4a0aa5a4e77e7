"""Boxes of pairs that matter: the gradients of visiting every pair, small boxes, and the same bytes at any width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stages.families.toy.data.drawing import sample
from stages.families.toy.data.points import Points
from stages.families.toy.model.compiler import LANES, from_source
from stages.families.toy.model.model import Model, initial_weights
from stages.families.toy.model.pairs import Kind
from stages.families.toy.training import boxes
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.boxes import BOX, REORDER, boxes_pay, feature_order
from stages.families.toy.training.engines.fused import Fused
from stages.families.toy.training.engines.torch import Torch
from stages.families.toy.training.orders import close
from stages.families.toy.training.schedule import schedule
from tests.conftest import drawn, few_fast

ADAMW = Optimiser(scale=1.0, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=1e-2)


def setting(n: int, T: int, m: int, **changes: Any) -> tuple[Points, Model]:
    points = sample(drawn(n=n, S=0.95, T=T, data_seed=0))
    b = np.random.default_rng(0).normal(scale=0.1, size=n).astype(np.float32)
    return points, Model(initial_weights(m, n, "xavier_normal", 0) * 3, b, **changes)


SHAPES = [(60, 500, 2), (1504, 330, 2), (100, 333, 3), (64, 161, 1), (40, 7, 2)]


@pytest.mark.parametrize(("n", "T", "m"), few_fast(SHAPES, SHAPES[0]))
def test_gradients_are_those_of_every_pair(n: int, T: int, m: int) -> None:
    points, model = setting(n, T, m)
    gradients = [Fused(points, model, ADAMW, boxed=boxed).gradient() for boxed in (False, True)]
    for name in ("W", "b"):
        plain, boxed = (getattr(gradient, name) for gradient in gradients)
        assert np.linalg.norm(boxed - plain) <= 2e-6 * np.linalg.norm(plain)


@pytest.mark.slow
def test_untied_and_relu_models_weights_and_masks_go_by_boxes_too() -> None:
    points, model = setting(70, 400, 2, relu=True)
    model = model._replace(U=initial_weights(2, 70, "xavier_normal", 1) * 3)
    rng = np.random.default_rng(1)
    points = points._replace(weight=rng.uniform(0.5, 5, 400).astype(np.float32), masked=rng.random(400) < 0.5)
    gradients = [Fused(points, model, ADAMW, boxed=boxed).gradient() for boxed in (False, True)]
    for name in ("W", "b", "U"):
        plain, boxed = (getattr(gradient, name) for gradient in gradients)
        assert np.linalg.norm(boxed - plain) <= 2e-6 * np.linalg.norm(plain)


@pytest.mark.slow
def test_a_run_over_two_reorderings_follows_float64() -> None:
    points, model = setting(60, 500, 2)
    steps = schedule(2 * REORDER + 20, 1e-3, 0.05, 0.9, 0.999)
    boxed, exact = Fused(points, model, ADAMW, boxed=True), Torch(points, model, ADAMW)
    losses = [engine.advance(steps) for engine in (boxed, exact)]
    np.testing.assert_allclose(losses[0][steps.record], losses[1][steps.record], rtol=1e-4)
    np.testing.assert_allclose(boxed.model.W, exact.model.W, atol=1e-3)


def test_one_advance_is_the_same_bytes_as_many() -> None:
    points, model = setting(60, 500, 2)
    steps = schedule(2 * REORDER + 20, 1e-3, 0.05, 0.9, 0.999)
    whole, parts = (Fused(points, model, ADAMW, boxed=True) for _ in range(2))
    whole.advance(steps)
    for first, last in ((0, 1), (1, 240), (240, 260), (260, 520)):
        parts.advance(steps.part(first, last))
    assert whole.model.W.tobytes() == parts.model.W.tobytes()


def test_every_width_gives_the_same_bytes() -> None:
    kind, L, T = Kind(2), 3 * LANES, 333
    rng, results = np.random.default_rng(0), set()
    P, H = (rng.normal(size=shape).astype(np.float32) for shape in (2 * 3 * L, (T, 2)))
    H = H[close(H, BOX)]
    for vector in (4, 8, 16):
        run = from_source(boxes.gradients(kind, L), f"test {vector}", **boxes.names(kind, L, vector)).gradients
        G, GH, none = np.zeros_like(P), np.zeros_like(H), np.zeros(0, dtype=np.float32)
        run(P, G, none, H, GH, none, np.zeros(3 * L, dtype=np.float32))
        results.add(G.tobytes() + GH.tobytes())
    assert len(results) == 1


def test_order_makes_small_boxes_of_all_points() -> None:
    h = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    found = close(h, BOX)
    assert sorted(found) == list(range(1000))
    area = [np.prod(np.ptp(h[found[k : k + BOX]], axis=0)) for k in range(0, 1000, BOX)]
    assert sum(area) < 2 * np.prod(np.ptp(h, axis=0))  # seven boxes of points in any order: nearly 7


def test_features_with_one_line_are_neighbours() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.permutation(np.repeat(np.arange(4), LANES))
    angle, offset = np.array([0.1, 0.1, 1.5, -2])[kinds], np.array([-1, 1, 0, 0.5])[kinds]
    U = (np.stack([np.cos(angle), np.sin(angle)]) * rng.uniform(0.5, 2, len(kinds))).astype(np.float32)
    b = (offset * np.hypot(*U) + rng.normal(scale=1e-3, size=len(kinds))).astype(np.float32)
    groups = kinds[feature_order(U, b)].reshape(-1, LANES)
    assert all(len(set(group)) == 1 for group in groups)


def test_boxes_are_for_the_paper_s_loss_in_few_dimensions_and_many_points() -> None:
    assert boxes_pay(Kind(2), 2000) and boxes_pay(Kind(2, tied=False, relu=True, weighted=True, masked=True), 2000)
    for kind, T in [(Kind(2), 1999), (Kind(3), 10**6), (Kind(2, power=1), 10**6)]:
        assert not boxes_pay(kind, T)
    assert not boxes_pay(Kind(2, importance=True), 10**6)
