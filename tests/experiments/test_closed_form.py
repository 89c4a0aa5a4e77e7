"""Runs against the laws, on tables that follow them or do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, judged
from stages.core.sparse import values
from stages.core.tables import Tables
from stages.experiments.closed_form import claims
from stages.experiments.closed_form.claims import law, of_points, reach
from stages.experiments.closed_form.figure import draw
from stages.experiments.closed_form.measure import OWN
from stages.families.toy.data.drawing import sample, stream
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import features_on_circle, polygon_model
from stages.statistics.polygon import polygon
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

STORES, KEPT, REACHED = POINTS = "any number", "keeps it", "reaches a T-gon"
GAINS, PENTAGON = FEATURES = "gain what the law", "the pentagon gains most"
SIZES = (5, 8, 10, 20, 31, 50)


def points(until: dict[float, int], sets: int = 10, share: float = 1.0) -> pd.DataFrame:
    """Runs from each size of start that end as the exact polygon times `share`, regular up to the T given.

    Their bias has T^2 / 40 to move, 25 at about T = 31, and so has the sum of the rates. Without decay all is kept.
    """
    rows: list[dict[str, Any]] = [
        {"status": "trained", "init": "point_polygon", "T": T, "init_scale": scale, "weight_decay": decay}
        | {"corners": 0, "cell": 0, "data_seed": seed, "n": 1000, "S": 0.99, "features_learned": 0, "train_loss": 0.0}
        | {"regular": last >= T or not decay}
        | {name: share * getattr(polygon(T), name[:6]) for name in ("radius", "norm_W_span", "norm_b_span")}
        | {"constant_loss": 0.99, "test_loss": 1.0, "norm_others": None, "lr": 1e-3, "steps": 50_000, "bias": None}
        | {"b_exact": T**2 / 40 / (1 - scale**2) if scale < 1 else 0.0}
        for scale, last in until.items()
        for T in SIZES
        for decay in (0.0, 1e-2)
        for seed in range(sets)
    ]
    return pd.DataFrame(rows)


def features(gains: dict[int, float], sets: int = 3) -> pd.DataFrame:
    """A run of each F and training set that keeps its polygon and gains so much, relative to the law."""
    rows = [
        {"status": "trained", "init": "feature_polygon", "T": 1000, "cell": F, "corners": F, "features_learned": F}
        | {"n": 1000, "S": 0.99, "regular": True, "constant_loss": 1.0, "data_seed": seed, "bias": -0.1}
        | {"test_loss": 1 - (share + 1e-4 * seed) * law(F, 1000, 0.99).gain}
        | {"init_scale": 1.0, "weight_decay": 1e-2, "radius": 1.0, "norm_W_span": None, "norm_b_span": None}
        | {"norm_others": 0.03, "lr": 1e-3, "steps": 50_000, "b_exact": None, "train_loss": 0.98}
        for F, share in gains.items()
        for seed in range(sets)
    ]
    return pd.DataFrame(rows)


def found(cells: pd.DataFrame, *texts: str) -> list[str]:
    result = judged(claims, Tables({"cells": cells}), MEASURE)
    return [verdict(result, text) for text in texts]


def test_points_that_keep_to_the_law_hold_its_claims_and_others_do_not() -> None:
    exact = points({0.3: 31, 1.0: 50})
    assert found(exact, *POINTS, *FEATURES) == [HOLDS] * 3 + [UNDECIDED] * 2
    off = points({0.3: 31, 1.0: 50}, share=0.97)
    assert of_points(off).radius_off.to_numpy() == pytest.approx(-0.03)
    assert found(off, *POINTS) == [HOLDS, FAILS, HOLDS]
    partly = pd.concat([exact[exact["T"] <= 10], off[off["T"] > 10]])
    assert found(partly, KEPT) == [HOLDS]
    assert found(points({0.3: 31}), *POINTS) == [UNDECIDED, UNDECIDED, HOLDS]
    assert found(exact.assign(train_loss=exact["T"] / 1e4), STORES) == [FAILS]
    assert found(exact[exact["T"] < 30], *POINTS) == [UNDECIDED, HOLDS, UNDECIDED]


def test_reach_is_the_last_size_up_to_which_all_arrive_and_is_held_to_the_sum_of_the_rates() -> None:
    assert reach(of_points(points({0.3: 8, 0.5: 31, 1.0: 50}, sets=2)), 1e-2) == {0.3: 8, 0.5: 31, 1.0: 50}
    for until, expected in ((8, FAILS), (31, HOLDS), (50, FAILS)):
        assert found(points({0.3: until, 1.0: 50}), REACHED) == [expected]
    assert found(points({0.3: 31, 1.0: 50}, sets=4), REACHED) == [UNDECIDED]
    assert found(points({1.0: 50}), REACHED) == [UNDECIDED]


def test_features_are_held_to_the_law_and_the_best_of_them_is_named() -> None:
    cells = features({4: 1.0, 5: 1.01, 6: 0.99})
    assert found(cells, *FEATURES, *POINTS) == [HOLDS, FAILS] + [UNDECIDED] * 3
    assert judged(claims, Tables({"cells": cells}), MEASURE).headline == {"best_polygon": 6}
    assert found(features({5: 1.1, 6: 0.9}), *FEATURES) == [FAILS, HOLDS]
    crowded = cells.assign(norm_others=np.where(cells.corners == 6, 0.5, 0.03))
    assert found(crowded, PENTAGON) == [UNDECIDED]  # no six that stand alone


def test_one_training_set_and_nothing_trained_cannot_tell() -> None:
    both = [points({0.3: 31, 1.0: 50}, sets=1), features({5: 1.0, 6: 1.0}, sets=1)]
    one = pd.concat([table.astype({"norm_others": float, "bias": float}) for table in both])
    for cells in (one, one.assign(status="failed")):
        assert found(cells, *POINTS, *FEATURES) == [UNDECIDED] * 5


def test_figures_are_drawn_of_what_was_trained() -> None:
    both = [points({0.3: 31, 1.0: 50}, sets=1), features({5: 1.0, 6: 1.0})]
    history = pd.DataFrame({"corners": [5, 5, 6], "cell": [5, 5, 6], "step": [0, 10, 10], "features_learned": 5})
    drawn = [draw(Tables({"cells": of, "history": history}), {}).keys() for of in both]
    assert drawn == [{"points"}, {"features"}]
    assert draw(Tables({"cells": both[0].assign(status="failed"), "history": history}), {}) == {}


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
