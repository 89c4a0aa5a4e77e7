"""stages/families/toy/measures: losses on fresh points and which vectors a table lists."""

from __future__ import annotations

import numpy as np
import pytest

from stages.families.toy.data.drawing import mixtures, sample
from stages.families.toy.measures.items import list_vectors
from stages.families.toy.measures.losses import MIXTURES, loss_on_mixtures, losses_on_fresh_points
from stages.families.toy.model.model import Model, initial_weights
from stages.families.toy.model.polygons import polygon_model
from tests.conftest import drawn


def test_zero_output_has_loss_one_and_the_best_constant_output_its_formula() -> None:
    n, S = 1000, 0.99
    losses = losses_on_fresh_points([Model(np.zeros((2, n)), np.zeros(n))], n, S, 50_000, 0)
    assert losses.models[0].mean == pytest.approx(1, abs=1e-6) and losses.models[0].median == pytest.approx(1, abs=1e-6)
    assert losses.constant == pytest.approx(0.9926, abs=1e-4)  # 1 - n E[x_i]^2, known for n = 1,000, S = 0.99


def test_standard_error_is_the_spread_over_the_root_of_the_count_and_points_are_shared() -> None:
    model = Model(initial_weights(2, 60, "xavier_normal", 0) * 3, np.zeros(60))
    few, many = (losses_on_fresh_points([model, model], 60, 0.9, count, 0).models for count in (1000, 16_000))
    assert few[0] == few[1] and many[0] == many[1]
    assert few[0].standard_error / many[0].standard_error == pytest.approx(4, rel=0.2)
    assert abs(few[0].mean - many[0].mean) < 5 * few[0].standard_error


def test_up_to_the_limit_all_vectors_are_listed() -> None:
    v = np.random.default_rng(0).normal(size=(10, 2))
    listed = list_vectors(v, 10, "seed")
    assert listed.item.tolist() == list(range(10)) and not listed.sampled.any()
    np.testing.assert_array_equal(listed.vector, v)


def test_beyond_the_limit_the_largest_and_a_random_half_are_listed() -> None:
    v = np.random.default_rng(0).normal(size=(100, 3))
    everything, listed = list_vectors(v, 100, ""), list_vectors(v, 20, "seed")
    assert len(listed.item) == len(set(listed.item)) == 20 and listed.sampled.sum() == 10
    assert set(listed.item[~listed.sampled]) == set(np.argsort(-everything.D)[:10])
    np.testing.assert_array_equal(listed.D, everything.D[listed.item])  # measured among all, not among the listed
    assert list_vectors(v, 20, "seed").item.tolist() == listed.item.tolist()
    again = list_vectors(2 * v + 1, 20, "other", like=listed)
    assert again.item.tolist() == listed.item.tolist() and again.sampled.tolist() == listed.sampled.tolist()
    np.testing.assert_allclose(again.vector, 2 * listed.vector + 1)
    assert list_vectors(v, 20, "other").item.tolist() != listed.item.tolist()


def test_what_is_there_several_times_is_always_listed() -> None:
    v, weight = np.random.default_rng(0).normal(size=(100, 2)), np.ones(100)
    v[[3, 70]] *= 1e-3  # of the smallest D
    weight[[3, 70]] = 5
    listed = list_vectors(v, 10, "seed", weight)
    assert {3, 70} <= set(listed.item[~listed.sampled].tolist()) and len(listed.item) == 10


def test_zero_output_has_loss_one_on_mixtures_and_the_best_constant_output_is_their_mean() -> None:
    points = sample(drawn(n=50, S=0.9, T=4))
    mixed = mixtures(points, 2.0, MIXTURES, 3)
    x = np.zeros((mixed.T, 50))
    x[mixed.row, mixed.feature] = mixed.value
    loss = loss_on_mixtures(Model(np.zeros((2, 50), np.float32), np.zeros(50, np.float32)), points, 2.0, 3)
    assert loss.mean == pytest.approx(1, rel=1e-5) and loss.standard_error < 1e-6
    assert loss.constant == pytest.approx(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean(), rel=1e-5)


def test_the_exact_polygon_takes_a_mixture_of_neighbours_for_what_is_between_them() -> None:
    points = sample(drawn(n=200, S=0.97, T=4, supports="disjoint"))
    W, b = polygon_model(points)  # corners at right angles: of two neighbours each is left, opposite ones cancel
    loss = loss_on_mixtures(Model(W.astype(np.float32), b.astype(np.float32)), points, 1.0, 0)
    assert 0.05 < loss.mean < loss.constant < 1
