"""The iterated map: exact ends of polygons, what never falls, what does not depend on how it is computed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.families.toy.data.drawing import sample
from stages.families.toy.data.points import Points
from stages.families.toy.model.iteration import dense, energy, hidden, iterate, unscaled
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from tests.conftest import drawn


def polygon_of(T: int) -> tuple[Model, Points]:
    """An exact T-gon, and its points in the order of its corners."""
    points = sample(drawn(n=400, S=0.99, T=T, supports="disjoint"))
    return Model(*polygon_model(points)), points


def around(model: Model) -> NDArray[np.float64]:
    """(90, 2) hidden vectors so long that b decides nothing, all around but not through a corner."""
    angle = 2 * np.pi * (np.arange(90) + 0.37) / 90
    return 1e4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_corners_of_a_triangle_are_what_every_direction_ends_at() -> None:
    model, points = polygon_of(3)
    ends = iterate(model, around(model), 1000)
    near = ends.x @ dense(points).T
    assert ends.settled.all()
    np.testing.assert_allclose(near.max(axis=1), 1, atol=1e-6)
    assert set(near.argmax(axis=1)) == {0, 1, 2}


@pytest.mark.parametrize("T", [5, 6, 7, 8])
def test_of_five_to_eight_corners_every_direction_ends_half_way_between_two(T: int) -> None:
    model, points = polygon_of(T)
    ends = iterate(model, around(model), 3000)
    near = ends.x @ dense(points).T
    assert ends.settled.all()
    np.testing.assert_allclose(np.sort(near, axis=1)[:, -2:], np.sqrt(0.5), atol=1e-4)
    assert len({tuple(sorted(pair)) for pair in np.argsort(near, axis=1)[:, -2:].tolist()}) == T


def test_of_more_corners_ends_lie_between_three_and_then_more() -> None:
    for T, of in ((12, 3), (16, 5)):
        model, points = polygon_of(T)
        near = iterate(model, around(model), 3000).x @ dense(points).T
        assert (near > 0.1).sum(axis=1).tolist() == [of] * 90


@pytest.mark.parametrize("T", [3, 4, 5, 8, 20])
def test_beside_a_corner_a_neighbour_s_weight_grows_by_what_the_law_says(T: int) -> None:
    model, points = polygon_of(T)
    corner, neighbour = dense(points)[:2].astype(float)
    after = iterate(model, hidden(model, (corner + 1e-4 * neighbour)[None]), 1).x[0]
    grown = (after @ neighbour) / (after @ corner) / 1e-4
    assert grown == pytest.approx(1 / (1 - np.cos(2 * np.pi / T)), rel=5e-3)


def test_no_step_lowers_the_energy_from_any_start_of_any_tied_model() -> None:
    rng = np.random.default_rng(0)
    for m in (1, 2, 5):
        model = Model(rng.normal(size=(m, 60)), rng.normal(scale=0.5, size=60))
        x = np.abs(rng.normal(size=(40, 60)))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        for _ in range(30):
            after = iterate(model, hidden(model, x), 1).x
            alive = after.any(axis=1)
            assert (energy(model, after[alive]) >= energy(model, x[alive]) - 1e-9).all()
            x = after[alive]


def test_ends_are_fixed_and_do_not_depend_on_what_is_iterated_beside() -> None:
    rng = np.random.default_rng(1)
    model = Model(rng.normal(size=(3, 50)), -np.abs(rng.normal(size=50)))
    h = 5 * rng.normal(size=(150, 3))
    ends = iterate(model, h, 5000)
    assert ends.settled.all() and not ends.x.all()
    again = iterate(model, hidden(model, ends.x[ends.x.any(axis=1)]), 1)
    np.testing.assert_allclose(again.x, ends.x[ends.x.any(axis=1)], atol=1e-6)
    for i in (0, 63, 64, 149):
        np.testing.assert_allclose(iterate(model, h[i : i + 1], 5000).x[0], ends.x[i], atol=1e-9)


def test_an_output_of_zero_stays_zero() -> None:
    model = Model(np.ones((1, 4)), np.full(4, -10.0))
    ends = iterate(model, np.array([[1.0]]), 10)
    assert not ends.x.any() and ends.settled.all() and not ends.first.any()


def test_what_is_not_settled_says_so() -> None:
    model, _ = polygon_of(9)
    ends = iterate(model, around(model), 2)
    assert not ends.settled.any()


def test_without_scaling_corners_are_a_threshold() -> None:
    """A little longer, and a stored point grows without end; a little shorter, and it is lost."""
    model, points = polygon_of(5)
    h = model.hidden(points)
    assert np.isinf(unscaled(model, 1.01 * h, 1000)).all()
    assert (unscaled(model, 0.99 * h, 1000) < 0.99).all()
