"""Runs against the laws, on tables that follow them or do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.sparse import values
from stages.core.tables import Tables
from stages.experiments.closed_form.claims import law, of_points, reach, summary
from stages.experiments.closed_form.measure import OWN
from stages.families.toy.data.drawing import sample, stream
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import features_on_circle, polygon_model
from stages.statistics.polygon import polygon
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

KEPT, REACHED, GAINS, PENTAGON = "keeps it", "reaches a T-gon", "gain what the law", "the pentagon gains most"

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


def judged(cells: pd.DataFrame) -> Summary:
    return summary(Tables({"cells": cells}), MEASURE)


def test_points_that_keep_to_the_law_hold_its_claim_and_others_do_not() -> None:
    assert verdict(judged(points({0.3: 31, 1.0: 50})), KEPT) is True
    off = points({0.3: 31, 1.0: 50}, share=0.97)
    assert of_points(off).radius_off.to_numpy() == pytest.approx(-0.03)
    assert verdict(judged(off), KEPT) is False
    partly = pd.concat([points({1.0: 50})[:3], off[off.init_scale == 1][3:]])  # off from T = 20 only
    assert verdict(judged(partly), KEPT) is True
    assert verdict(judged(points({0.3: 31})), KEPT) is None


def test_reach_is_the_last_size_up_to_which_all_arrive_and_is_held_to_the_sum_of_the_rates() -> None:
    assert reach(of_points(points({0.3: 8, 0.5: 31, 1.0: 50})), 1e-2) == {0.3: 8, 0.5: 31, 1.0: 50}
    assert verdict(judged(points({0.3: 31, 1.0: 50})), REACHED) is True
    assert verdict(judged(points({0.3: 8, 1.0: 50})), REACHED) is False
    assert verdict(judged(points({0.3: 50, 1.0: 50})), REACHED) is False
    assert verdict(judged(points({1.0: 50})), REACHED) is None


def test_features_are_held_to_the_law_and_the_best_of_them_is_named() -> None:
    found = judged(features({4: 1.0, 5: 1.01, 6: 0.99}))
    assert [verdict(found, text) for text in (GAINS, PENTAGON)] == [True, False]
    assert found.headline == {"best_polygon": 6}
    off = judged(features({5: 1.1, 6: 0.9}))
    assert [verdict(off, text) for text in (GAINS, PENTAGON)] == [False, True]
    crowded = features({4: 1.0, 5: 1.01, 6: 0.99}).assign(norm_others=lambda of: np.where(of.corners == 6, 0.5, 0.03))
    assert verdict(judged(crowded), PENTAGON) is None  # no six that stand alone


@pytest.mark.parametrize(
    ("n", "S", "T"), [(300, 0.97, 500), (40, 0.98, 10_500)]
)  # the latter: half the draws are empty
def test_the_law_speaks_of_the_values_that_test_points_have(n: int, S: float, T: int) -> None:
    drawn = np.concatenate([points.value for points in stream(n, S, T, seed=3)])
    np.testing.assert_array_equal(values(n, S, T, seed=3), drawn)


def test_own_columns_of_known_models() -> None:
    orthonormal = sample(drawn(n=300, S=0.98, T=6, supports="disjoint"))
    W, b = (a.astype(np.float32) for a in polygon_model(orthonormal))
    columns = OWN.cell(Model(W, b), orthonormal, MEASURE)
    assert columns["regular"] and columns["radius"] == pytest.approx(polygon(6).radius, rel=1e-5)
    assert columns["norm_b_span"] == pytest.approx(polygon(6).norm_b, rel=1e-5)
    some = sample(drawn(n=300, S=0.9, T=50))
    of_five = OWN.cell(Model(features_on_circle(300, 5, 1.2).astype(np.float32), np.full(300, -0.1)), some, MEASURE)
    assert of_five["regular"] and of_five["radius"] == pytest.approx(1.2) and of_five["bias"] == pytest.approx(-0.1)
    assert of_five["norm_others"] == 0
    assert "radius" not in OWN.cell(Model(np.zeros((2, 300)), np.zeros(300)), some, MEASURE)
