"""Claims on tables that are known."""

from __future__ import annotations

import pandas as pd

from stages.core.tables import Tables
from stages.experiments.reductions.claims import summary
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict


def table(middle: float, end: float, D_x: float = 0.5) -> pd.DataFrame:
    """Test loss 1.02 in the middle and .99 at the end for a mean; `middle` and `end` for a sum."""
    rows = []
    for T, mean, other in ((5, 1.1, 1.2), (200, 1.02, middle), (4000, 0.99, end)):
        for seed in (0, 1, 2):
            for reduction, loss in (("mean", mean), ("sum", other)):
                rows.append(
                    {"T": T, "S": 0.99, "data_seed": seed, "reduction": reduction, "status": "trained"}
                    | {"test_loss": loss + seed / 1e4, "D_x_max": D_x, "D_f_max": 0.3, "constant_loss": 0.9926}
                )
    return pd.DataFrame(rows)


def holds(cells: pd.DataFrame) -> list[bool | None]:
    """Of the middle regime, of few points, of many points."""
    result = summary(Tables({"cells": cells}), MEASURE)
    return [verdict(result, text) for text in ("middle regime", "few points", "many points")]


def test_a_sum_is_told_from_a_mean_in_the_middle_and_at_the_end() -> None:
    assert holds(table(middle=40, end=0.9901)) == [True, True, True]
    assert holds(table(middle=1.1, end=0.9926, D_x=0.1)) == [False, False, False]  # the constant's has learned nothing
    assert holds(table(middle=40, end=0.9915)) == [True, True, False]


def test_one_of_the_two_alone_tells_nothing() -> None:
    assert holds(table(40, 0.99).query("reduction == 'mean'")) == [None, True, None]
