"""What counts as memorised, on models and tables that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.repeats.claims import agreement, best_boundary, summary
from stages.experiments.repeats.measure import cell, shown
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

BOUNDARIES = ("T / n copies on (top", "T / n copies on (recalled)")
FEW, SUPPRESSES, MANY = "two copies of a point change nothing", "takes a feature's place", "more than five repeated"


def test_a_point_that_is_stored_is_recalled_and_one_that_is_not_is_not() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, points="disjoint", trained_on={"repeated": 2, "copies": 4}))
    W, b = polygon_model(points)
    exact = cell(Model(W.astype(np.float32), b.astype(np.float32)), points, MEASURE)
    assert exact["repeated_recalled"] == exact["others_recalled"] == 1
    assert exact["repeated_loss"] == pytest.approx(0, abs=1e-5)
    W[:, points.feature[points.row == 0]] = 0  # one of the two is forgotten
    half = cell(Model(W.astype(np.float32), np.zeros(200, dtype=np.float32)), points, MEASURE)
    assert half["repeated_recalled"] < 1 and half["repeated_loss"] > 0.4


def test_top_is_by_rank_of_each_copy_s_dimensionality() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, points="disjoint", trained_on={"repeated": 1, "copies": 4}))
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


def judged(runs: pd.DataFrame) -> Summary:
    return summary(Tables(cells=runs), MEASURE)


@pytest.mark.parametrize("c", [0.4, 1.0, 1.7])
def test_the_boundary_is_found(c: float) -> None:
    runs = table(c)
    best = best_boundary(runs, "repeated_recalled")
    assert best == pytest.approx(c, rel=0.5) and agreement(runs, "repeated_recalled", best) == 1


def test_where_all_runs_are_alike_there_is_no_boundary() -> None:
    for recalled in (0.0, 1.0):
        found = judged(table(0.4, repeated_recalled=recalled, repeated_top=recalled))
        assert [verdict(found, text) for text in BOUNDARIES] == [None, None] and found.headline == {}


def test_the_boundary_holds_where_it_is_claimed_only() -> None:
    assert [verdict(judged(table(0.4)), text) for text in BOUNDARIES] == [True, True]
    assert [verdict(judged(table(3.0)), text) for text in BOUNDARIES] == [False, False]


def test_what_repeats_do_to_the_features_is_compared_at_each_T() -> None:
    found = judged(table(0.4))
    assert [claim.measured for claim in found.claims if SUPPRESSES in claim.claim] == [{"features fewer": 1.0}]
    assert verdict(found, SUPPRESSES) is True
    by_T = table(0.4).assign(features_learned=lambda runs: runs["T"].map({1000: 3, 3000: 4, 8000: 5, 16000: 5}))
    assert verdict(judged(by_T), SUPPRESSES) is False


def test_two_copies_and_five_are_told_apart_at_three_n() -> None:
    seen = table(0.7, snapshots=10)  # at T = 3,000 from R = 2.1 on
    assert verdict(judged(seen), FEW) is True
    assert verdict(judged(table(0.2, snapshots=10)), FEW) is False  # two are enough
    assert verdict(judged(table(3.0, snapshots=10)), FEW) is False  # five are not
    assert verdict(judged(table(0.7)), FEW) is None


def test_many_repeated_points_are_five_stored_and_no_feature() -> None:
    many = table(0.4, snapshots=10, repeated=8, repeated_recalled=5 / 8, features_learned=0)
    assert verdict(judged(many), MANY) is True
    assert verdict(judged(many.assign(features_learned=1)), MANY) is False
    assert verdict(judged(table(0.4)), MANY) is None


def test_of_a_watched_run_what_moves_most_is_kept_and_the_end_whole() -> None:
    rows = [
        {"cell": cell, "snapshots": 9 * watched, "repeated": 2, "copies": 5, "data_seed": seed}
        | {"step": step, "kind": kind, "item": item, "D": item * (step == 10)}
        for cell, watched, seed in ((0, False, 0), (1, True, 1), (2, True, 0))
        for step in (0, 10, 20)
        for kind in ("feature", "point")
        for item in range(12)
    ]
    items = pd.DataFrame(rows)
    kept = items[shown(items)]
    assert set(kept.cell) == {2}  # the first training set
    assert kept.groupby("step").size().to_dict() == {10: 8 + 2, 20: 24}
    assert set(kept["item"][(kept.kind == "feature") & (kept.step == 10)]) == set(range(4, 12))
    assert not shown(items[items.snapshots == 0]).any() and len(shown(items[:0])) == 0
