"""stages/families/toy/model/model.py: losses against the dense formula, initial weights against Xavier's law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stages.families.toy.data.drawing import sample
from stages.families.toy.data.spec import Init, Training
from stages.families.toy.model.model import Model, initial_model, initial_weights, loss_scale, mean_loss, point_losses
from tests.conftest import drawn
from tests.toy.test_data import dense


@pytest.mark.parametrize("m", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [7, 1024, 2500])
def test_point_losses_are_the_dense_formula_s(m: int, n: int) -> None:
    points = sample(drawn(n=n, S=0.9, T=9, data_seed=0))
    W = initial_weights(m, n, "xavier_normal", 0)
    b = np.random.default_rng(0).normal(scale=0.05, size=n).astype(np.float32)
    x = dense(points)
    expected = ((x - np.maximum(x @ W.T.astype(float) @ W + b, 0)) ** 2).sum(axis=1)
    np.testing.assert_allclose(point_losses(Model(W, b), points), expected, rtol=2e-6)


def test_losses_do_not_depend_on_the_layout_of_the_weights() -> None:
    points = sample(drawn(n=100, S=0.9, T=9, data_seed=0))
    W, b = initial_weights(2, 100, "xavier_normal", 0), np.full(100, 0.01, dtype=np.float32)
    expected = point_losses(Model(W, b), points)
    for other in (np.asfortranarray(W), W.astype(np.float64)):
        np.testing.assert_array_equal(point_losses(Model(other, b.astype(other.dtype)), points), expected)


def test_zero_output_has_loss_one() -> None:
    points = sample(drawn(n=100, S=0.9, T=50, data_seed=0))
    losses = point_losses(Model(np.zeros((2, 100)), np.zeros(100)), points)
    np.testing.assert_allclose(losses, 1, rtol=1e-6)


@pytest.mark.parametrize("kind", ["xavier_normal", "xavier_uniform"])
def test_initial_weights_have_xavier_s_variance(kind: Init) -> None:
    W = initial_weights(4, 50_000, kind, 0)
    assert W.dtype == np.float32 and W.std() == pytest.approx(np.sqrt(2 / 50_004), rel=0.02)
    assert abs(W.mean()) < 4 * W.std() / np.sqrt(W.size)
    assert initial_weights(4, 50_000, kind, 1)[0, 0] != W[0, 0]


def test_mean_divides_the_loss_by_n() -> None:
    assert loss_scale("sum", 50) == 1 and loss_scale("mean", 50) == 1 / 50


def test_training_can_start_from_the_exact_polygon_or_a_smaller_one(training: Callable[..., Training]) -> None:
    points = sample(drawn(n=120, S=0.95, T=7, supports="disjoint"))
    for c in (1.0, 0.5):
        model = initial_model(points, training(init="point_polygon", init_scale=c), 0)
        assert mean_loss(model, points) == pytest.approx((1 - c**2) ** 2, abs=1e-5)  # its output is c^2 x


def test_training_can_start_from_features_on_a_circle(training: Callable[..., Training]) -> None:
    points = sample(drawn(n=120, S=0.95, T=7))
    model = initial_model(points, training(init="feature_polygon", corners=4, init_scale=0.5), 0)
    length = np.linalg.norm(model.W, axis=0)
    np.testing.assert_allclose(length, [0.5] * 4 + [0.0] * 116, atol=1e-7)
    assert abs(model.W[:, 0] @ model.W[:, 1]) < 1e-7 and not model.b.any()
