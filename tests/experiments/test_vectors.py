"""What is measured of vectors and claimed of them, on tables and models made up to be known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary, judged
from stages.core.tables import Tables
from stages.experiments.vectors import claims
from stages.experiments.vectors.figure import draw
from stages.experiments.vectors.measure import OWN, most_alike
from stages.families.toy.data.points import unit_points
from stages.families.toy.model.model import Model
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

SIZES = (3, 5, 30, 100, 200, 400, 1000, 10_000)  # at S = 0.99 the middle is T = 69 to 680
LENGTHS, DISORDER, LENDS, D_STAR = EVERY = (
    "longest near T = 30",
    "features look disordered",
    "nearly orthogonal training sets",
    "D* shows the transition",
)
CIRCLE, ARMS, ALONE, TRACED = "those on the circle", "off the pentagon's arms", "the five alone", "trace the pentagon"


def table(**columns: Any) -> pd.DataFrame:
    """Twelve training sets a T, of which all is so that the paper claims."""
    rows = [
        {"T": T, "data_seed": seed, "n": 1000, "S": 0.99, "fresh": False, "selected": True}
        | {"longest_h": 9.0 if T == 30 else 5.0 if T < 200 else 1.0}
        | {"longest_W": 3.0 if T == 30 else 2.0 if T < 200 else 0.8, "features_learned": 5 if T >= 1000 else 0}
        | {"alike_W": 0.1, "circle_ratio": 2.0, "at_origin": 0.5, "D_f_alone": 0.4, "several": 0.01}
        | {"off_arm": 0.05, "off_arm_several": 0.9, "D_star_ratio_median": 1.0 if T < 100 else 0.1}
        | {"overlap": 1e-3 * seed, "D_f_max": 0.27 + 1e-3 * seed, "D_x_max": 0.1 - 1e-3 * seed}
        for T in SIZES
        for seed in range(12)
    ]
    return pd.DataFrame(rows).assign(**columns)


def judge(cells: pd.DataFrame) -> Summary:
    return judged(claims, Tables({"cells": cells}), MEASURE)


def verdicts(cells: pd.DataFrame) -> dict[str, str]:
    result = judge(cells)
    return {text: verdict(result, text) for text in EVERY}


def test_what_the_paper_says_holds_and_few_or_no_training_sets_cannot_tell() -> None:
    cells = table()
    assert set(verdicts(cells).values()) == {HOLDS}
    assert set(verdicts(cells[cells.data_seed < 1]).values()) == {UNDECIDED}
    assert set(verdicts(cells.assign(selected=False)).values()) == {UNDECIDED}


@pytest.mark.parametrize(
    ("column", "T", "value", "claim"),
    [
        ("longest_h", 10_000, 2.0, LENGTHS),
        ("longest_W", 100, 4.0, LENGTHS),
        ("alike_W", 5, 1.5, DISORDER),
        ("D_star_ratio_median", 10_000, 0.8, D_STAR),
    ],
)
def test_each_claim_fails_when_what_it_says_is_not_so(column: str, T: int, value: float, claim: str) -> None:
    cells = table()
    cells.loc[cells["T"] == T, column] = value
    found = verdicts(cells)
    assert {text for text in EVERY if found[text] == FAILS} == {claim}


def test_where_a_part_of_the_grid_is_missing_lengths_and_arms_are_not_judged() -> None:
    cells = table()
    last = cells["T"] == 10_000
    assert verdict(judge(cells[~last | (cells.data_seed < 4)]), LENGTHS) == UNDECIDED  # too few sets beyond the middle
    paper = cells.assign(n=10_000, S=0.999, off_arm=1e-4)  # one point off the arms
    assert verdict(judge(paper), ARMS) == UNDECIDED
    assert verdict(judge(paper), TRACED) == HOLDS
    assert verdict(judge(paper.assign(off_arm=0.05)), TRACED) == FAILS
    assert verdict(judge(paper.assign(several=0.6)), TRACED) == FAILS


def test_overlap_is_compared_among_training_sets_of_one_T_where_these_are_many() -> None:
    cells = table()
    assert verdict(judge(cells.assign(overlap=-cells.overlap)), LENDS) == FAILS
    assert verdict(judge(cells.assign(overlap=cells["T"])), LENDS) == UNDECIDED
    assert verdict(judge(cells[cells.data_seed < 7]), LENDS) == UNDECIDED


@pytest.mark.parametrize(
    ("claim", "column", "wrong"),
    [
        (CIRCLE, "circle_ratio", 1.0),
        (CIRCLE, "at_origin", 0.0),
        (ARMS, "off_arm_several", 0.1),
        (ARMS, "several", 0.85),
        (ALONE, "D_f_max", 0.4),
    ],
)
def test_what_goes_with_n_is_judged_at_the_paper_s_size(claim: str, column: str, wrong: float) -> None:
    cells = table()
    paper = cells.assign(n=10_000, S=0.999)
    assert verdict(judge(cells), claim) == UNDECIDED
    assert verdict(judge(paper), claim) == HOLDS
    assert verdict(judge(paper.assign(**{column: wrong})), claim) == FAILS


@pytest.mark.parametrize("sizes", [[3], [30, 100], [200], [1000], [3, 10_000], SIZES])
def test_any_part_of_the_grid_is_judged_and_drawn(sizes: list[int]) -> None:
    cells = table()
    cells = cells[cells["T"].isin(sizes)]
    assert len(judge(cells).claims) == 8
    assert draw(Tables({"cells": cells}), {}).keys() == {"vectors"}
    assert draw(Tables({"cells": cells[:0]}), {}) == {}


def test_what_is_measured_of_a_pentagon_of_features() -> None:
    W = np.zeros((2, 8), dtype=np.float32)
    angle = 2 * np.pi * np.arange(5) / 5
    W[:, :5] = np.cos(angle), np.sin(angle)
    feature = np.array([0, 0, 1, 2, 5, 6])  # one of the five; two; one beside another; none
    points = unit_points(8, np.array([0, 1, 3, 5, 6]), feature, np.ones(6))
    found = OWN.cell(Model(W, np.zeros(8, dtype=np.float32)), points, MEASURE)
    assert found.keys() == OWN.columns.keys()
    assert found["D_f_alone"] == pytest.approx(0.4) and found["alike_W"] == 1 and found["longest_W"] == pytest.approx(1)
    assert (found["several"], found["off_arm"], found["off_arm_several"], found["at_origin"]) == (0.25, 0.25, 1, 0.25)
    assert found["overlap"] == pytest.approx(2 * 0.5 / 12)  # of twelve pairs two have a cosine of 1 / sqrt 2
    none = OWN.cell(Model(0 * W, np.zeros(8, dtype=np.float32)), points, MEASURE)
    assert "several" not in none and none["D_star_ratio_median"] == 0
    assert OWN.cell(Model(W, np.zeros(8, dtype=np.float32)), points.part(0, 1), MEASURE)["overlap"] is None


def test_the_largest_share_of_about_one_length() -> None:
    assert most_alike(np.array([1.0, 1.04, 1.06, 2.0])) == 0.5
    assert most_alike(np.array([3.0])) == 1
