"""Polygons of points and of features: the exact T-gon is exact, has the law's norms, is told from other shapes."""

from __future__ import annotations

import numpy as np
import pytest

from stages.families.toy.data.drawing import sample
from stages.families.toy.model.polygons import features_on_circle, norms_in_span, polygon_model
from stages.statistics.dimensionality import dimensionality
from stages.statistics.polygon import feature_polygon, is_regular, polygon
from tests.conftest import drawn
from tests.toy.test_data import dense

# radius, norm of W, norm of b of the exact T-gon (derived by hand, four digits)
TABLE = {3: (0.816, 1.414, 0.577), 5: (1.203, 2.690, 1.000), 6: (1.414, 3.464, 2.449), 8: (1.848, 5.226, 6.828)}
TABLE |= {10: (2.288, 7.236, 13.40), 15: (3.401, 13.17, 40.93), 30: (6.765, 37.05, 245.2)}


@pytest.mark.parametrize("T", TABLE)
def test_polygon_follows_the_law_and_stores_every_point(T: int) -> None:
    points = sample(drawn(n=700, S=0.99, T=T, supports="disjoint", data_seed=0))
    # in float64: unit length to 1e-16, so that the exactness shows
    x = dense(points)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    points = points._replace(value=x[points.row, points.feature])
    W, b = polygon_model(points)
    h = x @ W.T
    np.testing.assert_allclose(np.maximum(h @ W + b, 0), x, atol=1e-12 * TABLE[T][2])
    law = polygon(T)
    np.testing.assert_allclose((law.radius, law.norm_W, law.norm_b), TABLE[T], rtol=1e-3)
    np.testing.assert_allclose((np.linalg.norm(W), np.linalg.norm(b)), (law.norm_W, law.norm_b), rtol=1e-12)
    np.testing.assert_allclose(dimensionality(h), law.dimensionality, rtol=1e-12)
    np.testing.assert_allclose(norms_in_span(W, b, points), (law.norm_W, law.norm_b), rtol=1e-12)
    assert is_regular(h, 1e-9)


def test_norms_in_span_leave_out_what_no_point_sees() -> None:
    points = sample(drawn(n=100, S=0.95, T=5, supports="disjoint", data_seed=0))
    W, b = polygon_model(points)
    unseen = np.setdiff1d(np.arange(100), points.feature)
    W[:, unseen], b[unseen] = 3.0, -2.0
    law = polygon(5)
    np.testing.assert_allclose(norms_in_span(W, b, points), (law.norm_W, law.norm_b), rtol=1e-6)


def test_regular_polygons_are_told_from_other_shapes() -> None:
    angle = 2 * np.pi * np.arange(8) / 8 + 0.3
    h = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert is_regular(h, 0.05) and is_regular(np.random.default_rng(0).permutation(h), 0.05)
    longer, turned, two_circles = h.copy(), h.copy(), h.copy()
    longer[0] *= 1.1
    step = 0.1 * 2 * np.pi / 8
    turned[0] = [[np.cos(step), -np.sin(step)], [np.sin(step), np.cos(step)]] @ turned[0]
    two_circles[::2] *= 0.5
    for shape in (longer, turned, two_circles, np.zeros_like(h)):
        assert not is_regular(shape, 0.05)


# gains of F features without a bias, on points of one feature each (derived by hand): F / (1 + 2 cos(2 pi / F)^2)
@pytest.mark.parametrize(("F", "gain"), [(3, 3.0), (4, 4.0), (5, 4.1982), (6, 4.0), (7, 3.9382)])
def test_without_a_bias_the_best_polygon_of_features_has_the_gain_derived_by_hand(F: int, gain: float) -> None:
    n = 10**6  # so that a constant output gains nothing
    law = feature_polygon(F, n, np.ones(10), bias=False)
    assert n * law.gain == pytest.approx(gain, rel=1e-4) and law.bias == 0
    assert law.radius == pytest.approx(np.sqrt(gain / F), rel=1e-3)


def test_a_bias_can_only_help_and_the_law_is_what_the_model_loses_less() -> None:
    n, F, rng = 400, 5, np.random.default_rng(0)
    values = rng.uniform(0.1, 1, 4000)
    law = feature_polygon(F, n, values)
    assert law.gain > feature_polygon(F, n, values, bias=False).gain and law.bias < 0
    # the direct sum over points of one feature each, of which every value of every feature is one
    p = 1 / (n * np.mean(values**2))
    W = features_on_circle(n, F, law.radius)[:, :F]
    output = np.maximum(values[:, None, None] * (W.T @ W)[None] + law.bias, 0)  # [value, its feature, output]
    error = ((output - values[:, None, None] * np.eye(F)) ** 2).sum(axis=2)
    gain = p * (values[:, None] ** 2 - error).mean(axis=0).sum() - F * (p * values.mean()) ** 2
    assert law.gain == pytest.approx(gain, rel=2e-3)
    for r, b in ((1.02, 0), (0.98, 0), (1, 0.02), (1, -0.02)):  # and no other radius or bias gains more
        moved = np.maximum(values[:, None, None] * r**2 * (W.T @ W)[None] + law.bias + b, 0)
        worse = ((moved - values[:, None, None] * np.eye(F)) ** 2).sum(axis=2)
        assert worse.mean() > error.mean() - 1e-6
