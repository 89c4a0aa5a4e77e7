"""What counts as memorised, on models and tables that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.experiments.repeats.measure import agreement, best_boundary, cell, summary
from stages.toy.data import sample
from stages.toy.model import Model
from stages.toy.polygon import polygon_model
from tests.conftest import MEASURE, drawn


def test_a_point_that_is_stored_is_recalled_and_one_that_is_not_is_not() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, supports="disjoint", repeated=2, copies=4))
    W, b = polygon_model(points)
    exact = cell(Model(W.astype(np.float32), b.astype(np.float32)), points, MEASURE)
    assert exact["repeated_recalled"] == exact["others_recalled"] == 1
    assert exact["repeated_loss"] == pytest.approx(0, abs=1e-5)
    W[:, points.feature[points.row == 0]] = 0  # one of the two is forgotten
    half = cell(Model(W.astype(np.float32), np.zeros(200, dtype=np.float32)), points, MEASURE)
    assert half["repeated_recalled"] < 1 and half["repeated_loss"] > 0.4


def test_top_is_by_rank_of_each_copy_s_dimensionality() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, supports="disjoint", repeated=1, copies=4))
    W, _ = polygon_model(points)
    zero = np.zeros(200, dtype=np.float32)
    W[:, points.feature[points.row == 0]] *= 1e-3  # shares its dimensions with all the others
    assert cell(Model(W.astype(np.float32), zero), points, MEASURE)["repeated_top"] == 0
    lone = np.zeros((2, 200), dtype=np.float32)
    lone[0, points.feature[points.row == 0]] = 1  # the only one with a hidden vector
    assert cell(Model(lone, zero), points, MEASURE)["repeated_top"] == 1


def table(c: float, **columns: object) -> pd.DataFrame:
    """Three runs at each (T, R), memorised from R = c T / n on, with one feature fewer then."""
    rows = [
        {"T": T, "n": 1000, "repeated": 1, "copies": R, "snapshots": 0, "selected": True, "data_seed": seed}
        | {"repeated_recalled": float(c * T / 1000 < R), "repeated_top": float(c * T / 1000 < R)}
        | {"features_learned": 4 if c * T / 1000 < R else 5}
        for T in (1000, 3000, 8000, 16000)
        for R in (1, 2, 4, 8, 16)
        for seed in range(3)
    ]
    return pd.DataFrame(rows).assign(**columns)


@pytest.mark.parametrize("c", [0.4, 1.0, 1.7])
def test_the_boundary_is_found(c: float) -> None:
    of = table(c)
    best = best_boundary(of, "repeated_recalled")
    assert best == pytest.approx(c, rel=0.5) and agreement(of, "repeated_recalled", best) == 1


def test_where_all_runs_are_alike_there_is_no_boundary() -> None:
    for recalled in (0.0, 1.0):
        of = table(0.4, repeated_recalled=recalled, repeated_top=recalled)
        found = summary(of, MEASURE)
        assert found.claims[0].holds is None and found.headline == {}


def test_the_boundary_holds_where_it_is_claimed_only() -> None:
    assert [claim.holds for claim in summary(table(0.4), MEASURE).claims[:2]] == [True, True]
    assert [claim.holds for claim in summary(table(3.0), MEASURE).claims[:2]] == [False, False]


def test_what_repeats_do_to_the_features_is_compared_at_each_T() -> None:
    assert summary(table(0.4), MEASURE).claims[3].measured == {"features fewer": 1.0}
    assert summary(table(0.4), MEASURE).claims[3].holds is True
    by_T = table(0.4).assign(features_learned=lambda of: of["T"].map({1000: 3, 3000: 4, 8000: 5, 16000: 5}))
    assert summary(by_T, MEASURE).claims[3].holds is False


def test_two_copies_and_five_are_told_apart_at_three_n() -> None:
    seen = table(0.7, snapshots=10)  # at T = 3,000 from R = 2.1 on
    assert summary(seen, MEASURE).claims[2].holds is True
    assert summary(table(0.2, snapshots=10), MEASURE).claims[2].holds is False  # two are enough
    assert summary(table(3.0, snapshots=10), MEASURE).claims[2].holds is False  # five are not
    assert summary(table(0.7), MEASURE).claims[2].holds is None


def test_many_repeated_points_are_five_stored_and_no_feature() -> None:
    many = table(0.4, snapshots=10, repeated=8, repeated_recalled=5 / 8, features_learned=0)
    assert summary(many, MEASURE).claims[4].holds is True
    assert summary(many.assign(features_learned=1), MEASURE).claims[4].holds is False
    assert summary(table(0.4), MEASURE).claims[4].holds is None
