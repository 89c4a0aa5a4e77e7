"""Runs against the laws, on tables that follow them or do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.experiments.closed_form.measure import cell, law, of_points, reach, summary
from stages.toy.data import sample
from stages.toy.model import Model
from stages.toy.polygon import features_on_circle, polygon, polygon_model
from tests.conftest import MEASURE, drawn

SIZES = (5, 8, 10, 20, 31, 50)


def points(until: dict[float, int], share: float = 1.0) -> pd.DataFrame:
    """Runs from each size of start that end as the exact polygon times `share`, regular up to the T given.

    Their bias has T^2 / 40 to move, 25 at about T = 31, and so has the sum of the rates.
    """
    rows: list[dict[str, Any]] = [
        {
            "status": "trained",
            "init": "point_polygon",
            "T": T,
            "init_scale": scale,
            "weight_decay": 1e-2,
            "corners": 0,
            "cell": 0,
        }
        | {"regular": last >= T, "radius": share * polygon(T).radius, "norm_W_span": share * polygon(T).norm_W}
        | {"norm_b_span": share * polygon(T).norm_b, "n": 1000, "S": 0.99}
        | {"features_learned": 0, "constant_loss": 0.99, "test_loss": 1.0, "norm_others": None, "lr": 1e-3}
        | {"steps": 50_000, "b_exact": T**2 / 40 / (1 - scale**2) if scale < 1 else 0.0}
        for scale, last in until.items()
        for T in SIZES
    ]
    return pd.DataFrame(rows)


def features(gains: dict[int, float]) -> pd.DataFrame:
    """Two runs of each F that keep their polygon and gain so much, relative to the law."""
    rows = [
        {
            "status": "trained",
            "init": "feature_polygon",
            "T": 1000,
            "cell": F,
            "corners": F,
            "features_learned": F,
            "n": 1000,
        }
        | {"S": 0.99, "regular": True, "constant_loss": 1.0, "test_loss": 1 - share * law(F, 1000, 0.99).gain}
        | {"init_scale": 1.0, "weight_decay": 1e-2, "radius": 1.0, "norm_W_span": None, "norm_b_span": None}
        | {"norm_others": 0.03, "lr": 1e-3, "steps": 50_000, "b_exact": None}
        for F, share in gains.items()
        for _ in range(2)
    ]
    return pd.DataFrame(rows)


def test_points_that_keep_to_the_law_hold_its_claim_and_others_do_not() -> None:
    assert summary(points({0.3: 31, 1.0: 50}), MEASURE).claims[0].holds is True
    off = points({0.3: 31, 1.0: 50}, share=0.97)
    assert of_points(off).radius_off.to_numpy() == pytest.approx(-0.03)
    assert summary(off, MEASURE).claims[0].holds is False
    partly = pd.concat([points({1.0: 50})[:3], off[off.init_scale == 1][3:]])  # off from T = 20 only
    assert summary(partly, MEASURE).claims[0].holds is True
    assert summary(points({0.3: 31}), MEASURE).claims[0].holds is None


def test_reach_is_the_last_size_up_to_which_all_arrive_and_is_held_to_the_sum_of_the_rates() -> None:
    assert reach(of_points(points({0.3: 8, 0.5: 31, 1.0: 50})), 1e-2) == {0.3: 8, 0.5: 31, 1.0: 50}
    assert summary(points({0.3: 31, 1.0: 50}), MEASURE).claims[1].holds is True
    assert summary(points({0.3: 8, 1.0: 50}), MEASURE).claims[1].holds is False
    assert summary(points({0.3: 50, 1.0: 50}), MEASURE).claims[1].holds is False
    assert summary(points({1.0: 50}), MEASURE).claims[1].holds is None


def test_features_are_held_to_the_law_and_the_best_of_them_is_named() -> None:
    found = summary(features({4: 1.0, 5: 1.01, 6: 0.99}), MEASURE)
    assert [claim.holds for claim in found.claims[2:]] == [True, False] and found.headline == {"best_polygon": 6}
    assert [c.holds for c in summary(features({5: 1.1, 6: 0.9}), MEASURE).claims[2:]] == [False, True]
    crowded = features({4: 1.0, 5: 1.01, 6: 0.99}).assign(norm_others=lambda of: np.where(of.corners == 6, 0.5, 0.03))
    alone = summary(crowded, MEASURE).claims[3]
    assert alone.holds is None  # no six that stand alone


def test_own_columns_of_known_models() -> None:
    orthonormal = sample(drawn(n=300, S=0.98, T=6, supports="disjoint"))
    W, b = (a.astype(np.float32) for a in polygon_model(orthonormal))
    columns = cell(Model(W, b), orthonormal, MEASURE)
    assert columns["regular"] and columns["radius"] == pytest.approx(polygon(6).radius, rel=1e-5)
    assert columns["norm_b_span"] == pytest.approx(polygon(6).norm_b, rel=1e-5)
    some = sample(drawn(n=300, S=0.9, T=50))
    of_five = cell(Model(features_on_circle(300, 5, 1.2).astype(np.float32), np.full(300, -0.1)), some, MEASURE)
    assert of_five["regular"] and of_five["radius"] == pytest.approx(1.2) and of_five["bias"] == pytest.approx(-0.1)
    assert of_five["norm_others"] == 0
    assert "radius" not in cell(Model(np.zeros((2, 300)), np.zeros(300)), some, MEASURE)
