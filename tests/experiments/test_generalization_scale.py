"""Where the largest D_f jumps, on curves made up to jump at a known T (1 - S)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary, judged
from stages.core.tables import Tables
from stages.experiments.generalization_scale import claims
from stages.experiments.generalization_scale.claims import apart, jump, slices
from stages.experiments.generalization_scale.figure import draw
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

SCALED = (1, 3, 5, 7, 10, 15, 25, 150)
NEAR, TOGETHER, DECAY, CLEAN, FALLS = EVERY = (
    "near T (1 - S) = 10",
    "every S (n fixed)",
    "weight decay",
    "less clean",
    "falls again",
)
ALONG = "every S (n (1 - S) fixed)"
SETS = 12


def curve(at: float, S: float = 0.99, *, last: float = 0.2, **columns: Any) -> pd.DataFrame:
    """Twelve runs at each T: D_f .02 below the jump, .3 above, and `last` at the end."""
    rows = [
        {"T": round(x / (1 - S)), "n": 1000, "S": S, "m": 2, "weight_decay": 1e-2, "reduction": "sum"}
        | {"selected": True, "data_seed": seed, "train_loss": 0.1, "constant_loss": 1.0}
        | {"D_f_max": 0.02 if x < at else (last if x == SCALED[-1] else 0.3) + 1e-3 * (seed % 3)}
        for x in SCALED
        for seed in range(SETS)
    ]
    return pd.DataFrame(rows).assign(**columns)


def grid(at: dict[float, float], decays: dict[float, float], **columns: Any) -> pd.DataFrame:
    curves = [curve(x, S, **columns) for S, x in at.items()]
    return pd.concat(curves + [curve(x, weight_decay=d, **columns) for d, x in decays.items()])


def judge(cells: pd.DataFrame) -> Summary:
    return judged(claims, Tables({"cells": cells}), MEASURE)


def verdicts(cells: pd.DataFrame) -> dict[str, str]:
    result = judge(cells)
    return {text: verdict(result, text) for text in EVERY}


ALIKE = grid({0.97: 7, 0.99: 7, 0.995: 7}, {1e-3: 7, 1.0: 7})


def test_the_jump_lies_between_the_sizes_that_it_jumps_between() -> None:
    of = slices(curve(7))["S"].groupby("scaled").D_f_max.min()
    assert jump(of, 0.2) == (pytest.approx(5 * (7 / 5) ** (0.18 / 0.28)), True)
    assert jump(of[of.index >= 7], 0.2) == (7, False)  # has jumped, who knows when
    assert jump(of[of.index <= 5], 0.2) == (5, False)


def test_one_early_feature_of_few_points_and_a_fall_far_beyond_are_no_jumps() -> None:
    flat = pd.Series([0.02, 0.1, 0.25, 0.1, 0.28, 0.3, 0.05], [1.0, 3, 5, 7, 10, 15, 150])
    assert 5 < jump(flat, 0.2).scaled < 10


def test_which_jumps_are_farthest_apart_is_read_off_the_other_sets() -> None:
    at = pd.DataFrame({0.97: [8.0, 8.0, 3.0], 0.99: [4.0, 4.0, 4.0]})
    every = at > 0
    assert apart(at, every).tolist() == pytest.approx([2, 2, 0.75])
    assert apart(at, every & (at < 8)).tolist() == pytest.approx([2, 2, 0.75])  # the later ones are bounds
    assert apart(at, every & (at != 4)).isna().all()  # the earlier ones are
    assert not len(apart(at[:1], every)) and not len(apart(at[[0.97]], every))


def test_curves_that_jump_together_hold_every_claim_on_the_jump() -> None:
    assert verdicts(ALIKE) == dict.fromkeys(EVERY, HOLDS) | {CLEAN: UNDECIDED}  # of one m
    assert set(verdicts(ALIKE[ALIKE.data_seed < 1]).values()) == {UNDECIDED}
    assert judge(ALIKE).headline == {"onset_sum": pytest.approx(6.2, abs=0.1)}
    assert judge(pd.concat([ALIKE, grid({0.97: 15, 0.99: 15}, {}, m=4)])).headline == judge(ALIKE).headline


@pytest.mark.parametrize(
    ("cells", "text", "expected"),
    [
        (grid({0.97: 3, 0.99: 15, 0.995: 7}, {}), TOGETHER, FAILS),
        (grid({0.97: 7, 0.99: 7}, {}), TOGETHER, HOLDS),
        (grid({0.97: 7, 0.99: 7}, {}, reduction="mean"), TOGETHER, UNDECIDED),
        (grid({0.99: 7, 0.989: 7}, {}), TOGETHER, UNDECIDED),  # 1 - S itself is about the same
        (grid({0.99: 7}, {1e-3: 3, 1.0: 15}), DECAY, FAILS),
        (grid({0.97: 3, 0.99: 7}, {}), NEAR, FAILS),
        (grid({0.99: 7}, {1.0: 999}), DECAY, FAILS),  # never
        (grid({0.99: 7}, {1.0: 999})[lambda of: of["T"] < 900], DECAY, UNDECIDED),  # may yet
        (grid({0.99: 0, 0.97: 7}, {}), NEAR, FAILS),  # before the first
        (grid({0.97: 999}, {})[lambda of: of["T"] * (1 - of.S) < 16], NEAR, UNDECIDED),  # may yet
        (grid({0.97: 7}, {})[lambda of: of["T"] * (1 - of.S) < 2], NEAR, UNDECIDED),
        (grid({0.97: 7, 0.99: 7}, {}, last=0.3), FALLS, FAILS),
        (grid({0.97: 7}, {})[lambda of: of["T"] * (1 - of.S) < 100], FALLS, UNDECIDED),  # not far enough
        (grid({0.97: 999}, {}), FALLS, UNDECIDED),  # no jump
    ],
)
def test_each_claim_is_about_its_own_number(cells: pd.DataFrame, text: str, expected: str) -> None:
    assert verdict(judge(cells), text) == expected


def test_the_collapse_of_larger_models_is_compared_with_that_of_smaller_ones() -> None:
    clean, spread = grid({0.97: 7, 0.99: 7}, {}), grid({0.97: 7, 0.99: 15}, {})
    assert verdict(judge(pd.concat([clean, spread.assign(m=4)])), CLEAN) == HOLDS
    assert verdict(judge(pd.concat([spread, clean.assign(m=4)])), CLEAN) == FAILS
    beyond = pd.concat([clean, grid({0.97: 7, 0.99: 999}, {}).assign(m=4)])
    assert verdict(judge(beyond), CLEAN) == UNDECIDED


def test_sparsities_jump_together_with_the_features_of_a_point_fixed() -> None:
    along_n = [curve(7, 1 - 10 / n, n=n) for n in (300, 500, 1000)]
    together = judge(pd.concat([ALIKE, *along_n]))
    assert verdict(together, ALONG) == verdict(together, TOGETHER) == HOLDS
    one_off = judge(pd.concat([ALIKE, *along_n[1:], curve(20, 1 - 10 / 300, n=300)]))
    assert (verdict(one_off, ALONG), verdict(one_off, TOGETHER), verdict(one_off, DECAY)) == (FAILS, HOLDS, HOLDS)
    assert verdict(judge(ALIKE), ALONG) == UNDECIDED


def test_a_decay_that_lets_nothing_be_stored_is_left_out() -> None:
    late = curve(25, weight_decay=1.0)
    assert verdict(judge(pd.concat([ALIKE, curve(25, weight_decay=0.3)])), DECAY) == FAILS
    assert verdict(judge(pd.concat([grid({0.99: 7}, {1e-3: 7}), late.assign(train_loss=0.8)])), DECAY) == HOLDS


def test_only_runs_under_the_sum_decide_and_both_are_drawn() -> None:
    mean = grid({0.97: 3, 0.99: 15, 0.995: 7}, {1e-3: 3}, reduction="mean")
    assert verdicts(mean) == dict.fromkeys(EVERY, UNDECIDED)
    assert verdicts(pd.concat([ALIKE, mean])) == verdicts(ALIKE)
    (figure,) = draw(Tables({"cells": pd.concat([ALIKE, mean])}), {}).values()
    assert [len(axes.get_lines()) > 0 for axes in figure.get_axes()] == [True, True, False] * 2
    larger = ALIKE[ALIKE.weight_decay == 1e-2].assign(m=4)
    (figure,) = draw(Tables({"cells": pd.concat([ALIKE, mean, larger])}), {}).values()
    drawn = [len(axes.get_lines()) > 0 for axes in figure.get_axes()]
    assert drawn == [True, True, False, True, True, True, False, False]


def test_nothing_trained_decides_nothing_and_draws_nothing() -> None:
    none = ALIKE.assign(selected=False)
    assert set(verdicts(none).values()) == {UNDECIDED}
    assert judge(none).headline == {} == draw(Tables({"cells": none}), {})
