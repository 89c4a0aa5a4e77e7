"""Rises of test loss along either axis of a T x m map that is made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages import claims
from stages.claims import FAILS, HOLDS, UNDECIDED, Summary
from stages.core.tables import Tables
from stages.experiments import hidden_size
from stages.experiments.hidden_size.claims import rises, table
from stages.experiments.hidden_size.measure import LISTED, PLANE, across, plane
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.grid.cells import Cell
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

DATA, DIMENSIONS, CONSISTENT = "more data hurts", "more hidden dimensions hurt", "more consistent"


def cells(means: dict[tuple[int, int], float], noise: float = 1e-3) -> pd.DataFrame:
    """Three runs a (T, m) about these mean losses."""
    rows = [
        {"T": T, "m": m, "selected": True, "test_loss": mean + noise * k, "test_loss_se": 1e-4, "data_seed": k + 1}
        for (T, m), mean in means.items()
        for k in (-1, 0, 1)
    ]
    return pd.DataFrame(rows)


def judged(cells: pd.DataFrame) -> Summary:
    return claims.judged(hidden_size.claims, Tables({"cells": cells}), MEASURE)


FLAT = {(T, m): 1.0 - 0.01 * (m > 3) - 0.02 * (T > 300) for T in (10, 30, 100, 300, 1000) for m in (2, 3, 4, 8)}


def test_the_table_has_mean_error_and_spread() -> None:
    of = table(cells({(30, 2): 1.5}, noise=0.3))
    assert of.loc[(30, 2), "mean"] == pytest.approx(1.5) and of.loc[(30, 2), "spread"] == pytest.approx(0.3)
    assert of.loc[(30, 2), "error"] == pytest.approx((0.3**2 / 3 + 1e-8) ** 0.5)


def test_a_ridge_is_found_along_both_axes_and_where_it_is() -> None:
    of = table(cells(FLAT | {(100, 4): 1.4}))
    along_T, along_m = rises(of, "T"), rises(of, "m")
    assert [(r.at, r.start, r.peak) for r in along_T if r.is_clear] == [(4, 30, 100)]
    assert [(r.at, r.peak) for r in along_m if r.is_clear] == [(100, 4)]
    assert along_T[0].height == pytest.approx(0.41)


def hurt(cells: pd.DataFrame) -> list[str]:
    """Whether more data, and more hidden dimensions, do somewhere."""
    return [verdict(judged(cells), text) for text in (DATA, DIMENSIONS)]


def test_a_rise_that_all_training_sets_share_decides_and_noise_does_not() -> None:
    sets = [cells(FLAT | {(100, 4): 1.4}) for _ in range(3)]
    assert hurt(pd.concat([of.assign(data_seed=of.data_seed + 3 * k) for k, of in enumerate(sets)])) == [HOLDS, HOLDS]
    assert hurt(sets[0]) == [UNDECIDED, UNDECIDED]  # three, which all do
    assert hurt(cells(FLAT)) == [UNDECIDED, UNDECIDED]  # it falls throughout: no rise to judge
    rng = np.random.default_rng(0)
    noise = [cells(FLAT, 0.0).assign(data_seed=seed) for seed in range(6)]
    noisy = pd.concat([one.assign(test_loss=one.test_loss + rng.normal(0, 0.1, len(one))) for one in noise])
    assert hurt(noisy.drop_duplicates(["T", "m", "data_seed"])) == [UNDECIDED, UNDECIDED]


def test_a_rise_from_where_polygons_are_does_not_count() -> None:
    assert hurt(cells(FLAT | {(10, m): 0.5 for m in (2, 3, 4, 8)}))[0] == UNDECIDED


def test_one_cell_or_one_training_set_tells_nothing() -> None:
    one_set = cells(FLAT | {(100, 4): 1.4}).drop_duplicates(["T", "m"])
    for few in (cells({(100, 4): 1.0}), one_set, one_set[:0]):
        assert hurt(few) == [UNDECIDED, UNDECIDED] and verdict(judged(few), CONSISTENT) == UNDECIDED


def spread(of: dict[int, float], sets: int, seed: int = 0) -> pd.DataFrame:
    """Training sets whose test losses are normal about one mean, with that standard deviation for each m."""
    rng = np.random.default_rng(seed)
    means = {key: mean for key, mean in FLAT.items() if key[1] in of}
    every = [cells(means, noise=0).drop_duplicates(["T", "m"]).assign(data_seed=seed) for seed in range(sets)]
    found = pd.concat(every, ignore_index=True)
    return found.assign(test_loss=found.test_loss + found.m.map(of) * rng.normal(size=len(found)))


def test_larger_models_are_more_consistent_if_their_training_sets_differ_less() -> None:
    calm = {2: 0.02, 3: 0.02, 4: 0.002, 8: 0.002}
    assert verdict(judged(spread(calm, 12)), CONSISTENT) == HOLDS
    assert verdict(judged(spread(dict.fromkeys(calm, 0.02), 12)), CONSISTENT) == FAILS
    assert verdict(judged(spread(calm | {4: 0.02}, 12)), CONSISTENT) == FAILS  # one m that is not is enough


@pytest.mark.parametrize("sets", [2, 7])
def test_how_consistent_models_are_takes_eight_training_sets(sets: int) -> None:
    assert verdict(judged(spread({2: 0.02, 4: 0.002}, sets)), CONSISTENT) == UNDECIDED


def planes_of(W: np.ndarray) -> np.ndarray:
    return plane(W).T @ W


def test_the_plane_of_two_hidden_dimensions_shows_them_whole_with_the_longest_feature_upwards() -> None:
    W = np.random.default_rng(1).normal(size=(2, 30)).astype(np.float32)
    at, length = planes_of(W), np.linalg.norm(W, axis=0)
    assert np.linalg.norm(at, axis=0) == pytest.approx(length, rel=1e-5)
    first, second = np.argsort(-length)[:2]
    assert at[:, first] == pytest.approx([0, length[first]], abs=1e-5) and at[0, second] >= 0


def test_the_plane_of_more_dimensions_is_where_most_of_the_weights_are_however_they_are_turned() -> None:
    rng = np.random.default_rng(2)
    W = np.diag([1, 5, 1, 4, 1, 1, 1, 1]) @ rng.normal(size=(8, 300))
    at = planes_of(W)
    turned = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert planes_of(turned @ W) == pytest.approx(at, abs=1e-8)
    assert (at**2).sum() == pytest.approx((np.linalg.svd(W)[1][:2] ** 2).sum())  # no plane holds more
    assert plane(W).T @ plane(W) == pytest.approx(np.eye(2))


def test_weights_that_are_all_zero_have_a_plane_too() -> None:
    assert plane(np.zeros((3, 5))).T @ plane(np.zeros((3, 5))) == pytest.approx(np.eye(2))


def test_vectors_of_the_first_training_set_alone_are_listed(training: Any) -> None:
    datas = [drawn(n=200, S=0.95, T=120, data_seed=seed) for seed in (3, 4)]
    rng = np.random.default_rng(3)
    model = Model(rng.normal(size=(4, 200)).astype(np.float32), np.zeros(200, np.float32))
    grid = [Cell(data, training(m=4)) for data in datas]
    found = across(grid, [sample(data) for data in datas], {0: model, 1: model}, MEASURE)
    listed = pd.DataFrame(found[0]["plane"])
    assert set(listed) == PLANE.keys() and found[1]["plane"] == []
    assert listed.groupby("feature").sampled.agg(["size", "sum"]).to_numpy().tolist() == [[LISTED, LISTED / 2]] * 2
    of = listed[listed.feature]
    assert of.norm.to_numpy() == pytest.approx(np.linalg.norm(model.W[:, of.item], axis=0), rel=1e-5)
    assert (np.hypot(of.x, of.y) <= of.norm * (1 + 1e-6)).all()
    assert listed[["x", "y"]].to_numpy()[listed.feature] == pytest.approx((plane(model.W).T @ model.W[:, of.item]).T)
