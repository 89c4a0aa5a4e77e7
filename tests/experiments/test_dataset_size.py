"""Claims and figures of dataset_size, on tables made up to be known (at S = 0.99 the middle is T = 69 to 680)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.dataset_size.claims import summary
from stages.experiments.dataset_size.figure import draw
from stages.experiments.dataset_size.measure import OWN
from stages.statistics.regimes import find_bump
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

CURVE = {3: 1.1, 5: 0.9, 30: 1.004, 100: 1.002, 200: 1.02, 400: 1.01, 1000: 0.99, 10_000: 0.988}
SHARE, BUMP, FEATURES, GENERALISES, ONSET, NORMS = OF_T = (
    "few points share",
    "rises before it falls",
    "five features",
    "generalises",
    "features appear near",
    "norms peak",
)
ENDLESS = "fresh points at every step"


def table(curve: dict[int, float], **columns: Any) -> pd.DataFrame:
    """Four training sets a T, with these mean test losses and what the paper claims besides."""
    rows = [
        {
            "T": T,
            "data_seed": seed,
            "S": 0.99,
            "m": 2,
            "fresh": False,
            "selected": True,
            "test_loss": loss + 1e-3 * (seed - 1.5),
        }
        | {"test_loss_se": 1e-4, "constant_loss": 0.9926, "features_learned": 5 if T >= 1000 else 0}
        | {"D_f_max": 0.3 if T >= 1000 else 0.05, "D_x_ratio_median": 1.0}
        | {"norm_W": 10.0 if T == 30 else 2.0, "norm_b": 40.0 if T == 30 else 1.0}
        for T, loss in curve.items()
        for seed in range(4)
    ]
    return pd.DataFrame(rows).assign(**columns)


def tables(cells: pd.DataFrame, each: pd.DataFrame) -> Tables:
    """The table of cells, and one that lists the same few vectors of every cell."""
    return Tables({"cells": cells, "items": cells[["T", "fresh", "data_seed"]].merge(each, how="cross")})


def judged(cells: pd.DataFrame) -> Summary:
    return summary(Tables({"cells": cells}), MEASURE)


def of_T(result: Summary) -> dict[str, bool | None]:
    """The claims on the curve over T."""
    return {text: verdict(result, text) for text in OF_T}


def test_the_paper_s_curve_holds_every_claim() -> None:
    result = judged(table(CURVE))
    assert set(of_T(result).values()) == {True} and verdict(result, ENDLESS) is None
    assert result.headline["bump_T"] == 200 and result.headline["bump"] == pytest.approx(0.018)
    assert result.headline["features"] == 5


def test_the_bump_rises_from_the_dip_after_the_polygons_not_from_any_smaller_T() -> None:
    bump = find_bump(table(CURVE))
    assert bump is not None and (bump.T, bump.dip_T) == (200, 100)
    one = np.std([-1.5e-3, -0.5e-3, 0.5e-3, 1.5e-3], ddof=1) / 2
    assert bump.standard_error == pytest.approx(np.sqrt(2 * (one**2 + 1e-8)))


def test_a_rise_within_two_standard_errors_is_no_bump() -> None:
    assert verdict(judged(table(CURVE | {200: 1.0025, 400: 1.0})), BUMP) is False


@pytest.mark.parametrize(
    ("column", "T", "value", "claim"),
    [
        ("D_x_ratio_median", 5, 1.2, SHARE),
        ("features_learned", 10_000, 4, FEATURES),
        ("test_loss", 10_000, 0.9926, GENERALISES),
        ("D_f_max", 200, 0.3, ONSET),
        ("norm_W", 100, 12.0, NORMS),
        ("norm_b", 100, 50.0, NORMS),
        ("norm_W", 10_000, 6.0, NORMS),
    ],
)
def test_each_claim_fails_when_what_it_says_is_not_so(column: str, T: int, value: float, claim: str) -> None:
    cells = table(CURVE)
    cells.loc[cells["T"] == T, column] = value
    assert of_T(judged(cells)) == {text: text != claim for text in OF_T}


def test_one_training_set_of_four_features_is_enough_to_fail() -> None:
    cells = table(CURVE)
    cells.loc[(cells["T"] == 10_000) & (cells.data_seed == 2), "features_learned"] = 4
    assert verdict(judged(cells), FEATURES) is False


@pytest.mark.parametrize("sizes", [[3], [3, 5], [30, 100], [200], [1000], [1000, 10_000], [3, 200], [100, 200, 10_000]])
def test_any_part_of_the_grid_is_summarised_and_drawn(sizes: list[int]) -> None:
    cells = table({T: CURVE[T] for T in sizes})
    result = judged(cells)
    assert len(result.claims) == 7 and None in of_T(result).values()
    each = pd.DataFrame({"kind": ["feature", "point"], "x": 1.0, "y": [0.0, 1.0], "norm": 1.0, "D": 0.5})
    assert draw(tables(cells, each), {}).keys() == {"regimes", "norms"}


def test_features_that_appear_too_early_too_late_or_never_fail_the_claim() -> None:
    early, never = table(CURVE), table(CURVE, D_f_max=0.05)
    early.loc[early["T"] >= 200, "D_f_max"] = 0.3
    assert verdict(judged(early), ONSET) is False and verdict(judged(never), ONSET) is False
    short = table({T: loss for T, loss in CURVE.items() if T <= 1000}, D_f_max=0.05)
    assert verdict(judged(short), ONSET) is None  # they might yet


def test_where_the_first_training_set_failed_the_next_one_is_drawn() -> None:
    cells = table(CURVE)
    cells = cells[(cells["T"] != 3) | (cells.data_seed > 0)]
    each = pd.DataFrame({"kind": ["feature", "point"], "x": 1.0, "y": [0.0, 1.0], "norm": 1.0, "D": 0.5})
    assert draw(tables(cells, each), {}).keys() == {"regimes", "norms"}


def test_nothing_trained_is_summarised_and_draws_nothing() -> None:
    cells = table({200: 1.0}, selected=False)
    assert set(of_T(judged(cells)).values()) == {None}
    assert draw(Tables({"cells": cells, "items": cells}), {}) == {}


def test_fresh_points_at_every_step_end_where_many_points_do() -> None:
    endless = table({1000: 0.988}, fresh=True)
    for loss, features, expected in ((0.988, 5, True), (0.988, 3, False), (0.995, 5, False)):
        cells = pd.concat([table(CURVE), endless.assign(test_loss=loss, features_learned=features)])
        result = judged(cells)
        assert verdict(result, ENDLESS) is expected
        assert set(of_T(result).values()) == {True}  # the curve over T is of finite T alone


def test_git_keeps_what_is_on_the_axis_and_the_panels_vectors_whole() -> None:
    cells = pd.concat([table(CURVE), table({1000: 0.988}, fresh=True)])
    each = pd.DataFrame({"kind": "feature", "x": 1.0, "y": 0.0, "norm": 1.0, "D": [0.5, 1e-6]})
    items = tables(cells, each).items
    values = OWN.shown(items)
    kept = items[values.any(axis=1)]
    assert len(kept[kept.D == 0.5]) == len(cells)
    small = kept[kept.D < 0.5]
    drawn = items[values.x]  # of the others only D is
    assert set(drawn.data_seed) == {0} and set(drawn[drawn.D < 0.5].index) == set(small.index)
    assert (values.x == values.norm).all() and not values.item.any()
    assert set(small.data_seed) == {0} and len(small) == 8  # a panel each
    assert small.fresh.sum() == 1  # T = infinity's too
    assert {3, 10_000} <= set(small["T"])
    assert not OWN.shown(items[items.fresh]).any(axis=None)  # nor is anything drawn
