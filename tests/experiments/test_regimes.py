"""Claims and figures of dataset_size and regimes, on made-up tables (at S = 0.99 the middle is T = 69 to 680)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from stages import claims
from stages.claims import FAILS, HOLDS, UNDECIDED, Summary
from stages.claims.regimes import bump_rises, find_bump
from stages.core.tables import Tables
from stages.experiments.dataset_size import claims as dataset_size
from stages.experiments.dataset_size.figure import draw
from stages.experiments.dataset_size.measure import OWN
from stages.experiments.regimes import claims as regimes
from stages.experiments.regimes.figure import draw as draw_regimes
from tests.conftest import MEASURE
from tests.experiments.verdicts import part, verdict

CURVE = {3: 1.1, 5: 0.9, 30: 1.004, 100: 1.002, 200: 1.02, 400: 1.01, 1000: 0.99, 10_000: 0.988}
SHARE, BUMP, FEATURES, ONSET, NORMS, SMALL, SAME = OF_T = (
    "few points share",
    "rises before it falls",
    "five features",
    "features appear near",
    "norms of W and b peak",
    "no feature has a large dimensionality",
    "it is the same",
)
ENDLESS, LAST = "fresh points at every step", "near sqrt 5"


def table(curve: dict[int, float], **columns: Any) -> pd.DataFrame:
    """Twelve training sets a T, with these mean test losses and what the paper claims besides."""
    rows = [
        {
            "T": T,
            "data_seed": seed,
            "S": 0.99,
            "m": 2,
            "fresh": False,
            "selected": True,
            "test_loss": loss + 1e-4 * (seed - 5.5),
        }
        | {"test_loss_se": 1e-4, "constant_loss": 0.9926, "features_learned": 5 if T >= 1000 else 0}
        | {"D_f_max": (0.3 if T >= 1000 else 0.05) + 1e-3 * seed, "D_x_ratio_median": 1.0 + 1e-3 * seed}
        | {"train_loss": 0.01 if T < 10 else 0.9, "n": 1000}
        | {"norm_W": 10.0 if T == 30 else 2.2, "norm_b": 40.0 if T == 30 else 1.0}
        for T, loss in curve.items()
        for seed in range(12)
    ]
    return pd.DataFrame(rows).assign(**columns)


def tables(cells: pd.DataFrame, each: pd.DataFrame) -> Tables:
    """The table of cells, and one that lists the same few vectors of every cell."""
    return Tables({"cells": cells, "items": cells[["T", "fresh", "data_seed"]].merge(each, how="cross")})


def judged(cells: pd.DataFrame) -> Summary:
    return claims.judged(regimes, Tables({"cells": cells}), MEASURE)


def of_T(result: Summary) -> dict[str, str]:
    """The claims on the curve over T."""
    return {text: verdict(result, text) for text in OF_T}


def test_the_paper_s_curve_holds_every_claim() -> None:
    result = judged(table(CURVE))
    assert set(of_T(result).values()) == {HOLDS} and verdict(result, ENDLESS) == UNDECIDED
    few = claims.judged(dataset_size, Tables({"cells": table(CURVE)}), MEASURE)
    assert few.headline == {"bump": pytest.approx(0.018), "bump_T": 200, "features": 5}
    assert part(few, "How far", "rise").effect == pytest.approx(0.018)
    assert part(result, "from many points generalise", "below").effect == pytest.approx(0.0046, abs=1e-4)


def test_the_norm_is_judged_at_the_paper_s_size_and_a_large_T() -> None:
    cells = table({30: 1.0, 100_000: 0.988})
    paper = cells.assign(n=10_000, S=0.999)
    assert verdict(judged(cells), LAST) == UNDECIDED and verdict(judged(paper), LAST) == HOLDS
    assert verdict(judged(paper.assign(norm_W=3.0 + 1e-3 * paper.data_seed)), LAST) == FAILS
    assert verdict(judged(table(CURVE).assign(n=10_000, S=0.999)), LAST) == UNDECIDED  # T (1 - S) up to 10


def test_the_bump_rises_from_the_dip_after_the_polygons_not_from_any_smaller_T() -> None:
    bump = find_bump(table(CURVE))
    assert bump is not None and (bump.T, bump.dip_T, bump.floor_T) == (200, 100, 10_000)
    assert bump_rises(table(CURVE)).rise.to_list() == pytest.approx([0.018] * 12)
    assert part(judged(table(CURVE)), BUMP, "rises").effect == 1


def test_three_training_sets_tell_no_share_and_one_tells_nothing() -> None:
    cells = table(CURVE)
    few = of_T(judged(cells[cells.data_seed < 3]))
    assert {text for text in OF_T if few[text] == HOLDS} == {SHARE, SMALL}  # of numbers that hardly differ
    assert set(of_T(judged(cells[cells.data_seed < 1])).values()) == {UNDECIDED}


@pytest.mark.parametrize(
    ("column", "T", "value", "claim"),
    [
        ("D_x_ratio_median", 5, 1.3, SHARE),
        ("test_loss", 200, 1.001, BUMP),
        ("features_learned", 10_000, 4, FEATURES),
        ("D_f_max", 100, 0.3, ONSET),
        ("norm_W", 100, 12.0, NORMS),
        ("norm_b", 100, 50.0, NORMS),
        ("norm_b", 10_000, 26.0, NORMS),
        ("D_f_max", 5, 0.9, SMALL),
        ("train_loss", 3, 0.9, SAME),
    ],
)
def test_each_claim_fails_when_what_it_says_is_not_so(column: str, T: int, value: float, claim: str) -> None:
    cells = table({T: loss for T, loss in CURVE.items() if column != "test_loss" or T != 400})
    cells.loc[cells["T"] == T, column] = value
    verdicts = of_T(judged(cells))
    assert {text for text in OF_T if verdicts[text] == FAILS} - {SAME} == {claim} - {SAME}
    assert verdicts[SAME] == (FAILS if claim in (SAME, BUMP) else HOLDS)


@pytest.mark.parametrize("sizes", [[3], [3, 5], [30, 100], [200], [1000], [1000, 10_000], [3, 200], [100, 200, 10_000]])
def test_any_part_of_the_grid_is_summarised_and_drawn(sizes: list[int]) -> None:
    cells = table({T: CURVE[T] for T in sizes})
    result = judged(cells)
    assert len(result.claims) == 9 and UNDECIDED in of_T(result).values()
    each = pd.DataFrame({"kind": ["feature", "point"], "x": 1.0, "y": [0.0, 1.0], "norm": 1.0, "D": 0.5})
    assert draw(tables(cells, each), {}).keys() == {"regimes"} == draw_regimes(Tables({"cells": cells}), {}).keys()


def test_features_that_appear_too_early_too_late_or_never_fail_the_claim() -> None:
    early, never = table(CURVE), table(CURVE, D_f_max=0.05)
    early.loc[early["T"] >= 200, "D_f_max"] = 0.3
    assert verdict(judged(early), ONSET) == FAILS == verdict(judged(never), ONSET)
    short = table({T: loss for T, loss in CURVE.items() if T <= 1000}, D_f_max=0.05)
    assert verdict(judged(short), ONSET) == UNDECIDED  # they might yet


def test_where_the_first_training_set_failed_the_next_one_is_drawn() -> None:
    cells = table(CURVE)
    cells = cells[(cells["T"] != 3) | (cells.data_seed > 0)]
    each = pd.DataFrame({"kind": ["feature", "point"], "x": 1.0, "y": [0.0, 1.0], "norm": 1.0, "D": 0.5})
    assert draw(tables(cells, each), {}).keys() == {"regimes"} == draw_regimes(Tables({"cells": cells}), {}).keys()


def test_nothing_trained_is_summarised_and_draws_nothing() -> None:
    cells = table({200: 1.0}, selected=False)
    assert set(of_T(judged(cells)).values()) == {UNDECIDED}
    assert draw(Tables({"cells": cells, "items": cells}), {}) == {} == draw_regimes(Tables({"cells": cells}), {})
    assert claims.judged(dataset_size, Tables({"cells": cells}), MEASURE).headline == {}


def test_steps_of_few_fresh_points_decide_nothing() -> None:
    rare = pd.concat([table(CURVE), table({300: 0.988}, fresh=True)])  # a feature is there three times a step
    assert verdict(judged(rare), ENDLESS) == UNDECIDED


def test_fresh_points_at_every_step_end_where_many_points_do() -> None:
    endless = table({1000: 0.988}, fresh=True)
    for loss, features, expected in ((0.988, 5, HOLDS), (0.988, 3, FAILS), (0.995, 5, FAILS)):
        cells = pd.concat([table(CURVE), endless.assign(test_loss=loss, features_learned=features)])
        result = judged(cells)
        assert verdict(result, ENDLESS) == expected
        assert set(of_T(result).values()) == {HOLDS}  # the curve over T is of finite T alone


def test_git_keeps_what_is_on_the_axis_and_the_panels_vectors_whole() -> None:
    cells = pd.concat([table(CURVE), table({1000: 0.988}, fresh=True)])
    each = pd.DataFrame({"kind": "feature", "x": 1.0, "y": 0.0, "norm": 1.0, "D": [0.5, 1e-6]})
    items = tables(cells, each).items
    values = OWN.shown(items)
    kept = items[values.any(axis=1)]
    assert len(kept[kept.D == 0.5]) == (cells.data_seed < 4).sum()  # dots of four training sets
    small = kept[kept.D < 0.5]
    drawn = items[values.x]  # of the others only D is
    assert set(drawn.data_seed) == {0} and set(drawn[drawn.D < 0.5].index) == set(small.index)
    assert (values.x == values.norm).all() and not values.item.any()
    assert set(small.data_seed) == {0} and len(small) == 8  # a panel each
    assert small.fresh.sum() == 1  # T = infinity's too
    assert {3, 10_000} <= set(small["T"])
    assert not OWN.shown(items[items.fresh]).any(axis=None)  # nor is anything drawn
