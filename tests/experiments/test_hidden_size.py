"""Rises of test loss along either axis of a T x m map that is made up."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.hidden_size.claims import rises, summary, table
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

DATA, DIMENSIONS, CONSISTENT = "more data hurts", "more hidden dimensions hurt", "more consistent"


def cells(means: dict[tuple[int, int], float], noise: float = 1e-3) -> pd.DataFrame:
    """Three runs a (T, m) about these mean losses."""
    rows = [
        {"T": T, "m": m, "selected": True, "test_loss": mean + noise * k, "test_loss_se": 1e-4}
        for (T, m), mean in means.items()
        for k in (-1, 0, 1)
    ]
    return pd.DataFrame(rows)


def judged(cells: pd.DataFrame) -> Summary:
    return summary(Tables({"cells": cells}), MEASURE)


FLAT = {(T, m): 1.0 - 0.01 * (m > 3) - 0.02 * (T > 300) for T in (10, 30, 100, 300, 1000) for m in (2, 3, 4, 8)}


def test_the_table_has_mean_error_and_spread() -> None:
    of = table(cells({(30, 2): 1.5}, noise=0.3))
    assert of.loc[(30, 2), "mean"] == pytest.approx(1.5) and of.loc[(30, 2), "spread"] == pytest.approx(0.3)
    assert of.loc[(30, 2), "error"] == pytest.approx((0.3**2 / 3 + 1e-8) ** 0.5)


def test_a_ridge_is_found_along_both_axes_and_where_it_is() -> None:
    of = table(cells(FLAT | {(100, 4): 1.4}))
    along_T, along_m = rises(of, "T"), rises(of, "m")
    assert [(r.at, r.start, r.peak) for r in along_T if r.is_clear] == [(4, 30, 100)]
    assert [(r.at, r.peak) for r in along_m if r.is_clear] == [(100, 4)]
    assert along_T[0].height == pytest.approx(0.41)


def hurt(cells: pd.DataFrame) -> list[bool | None]:
    """Whether more data, and more hidden dimensions, do somewhere."""
    return [verdict(judged(cells), text) for text in (DATA, DIMENSIONS)]


def test_claims_hold_only_with_clear_rises_on_several_lines() -> None:
    ridge = FLAT | {(100, 2): 1.2, (100, 4): 1.4, (300, 8): 1.3}  # along T at three m
    assert hurt(cells(ridge))[0] is True
    ridge |= {(30, 3): 1.2, (1000, 8): 1.3}  # along m at three T and more
    assert hurt(cells(ridge)) == [True, True]
    assert hurt(cells(FLAT | {(100, 4): 1.4})) == [False, False]
    assert hurt(cells(FLAT)) == [False, False]
    assert hurt(cells(ridge, 0.3)) == [False, False]


def test_a_rise_from_where_polygons_are_does_not_count() -> None:
    assert hurt(cells(FLAT | {(10, m): 0.5 for m in (2, 3, 4, 8)}))[0] is False


def test_one_cell_or_one_training_set_tells_nothing() -> None:
    one_set = cells(FLAT | {(100, 4): 1.4}).drop_duplicates(["T", "m"])
    for few in (cells({(100, 4): 1.0}), one_set):
        assert hurt(few) == [None, None] and verdict(judged(few), CONSISTENT) is None


def test_larger_models_are_more_consistent_if_every_one_of_them_is() -> None:
    small = cells({key: mean for key, mean in FLAT.items() if key[1] <= 3}, noise=0.02)
    large = cells({key: mean for key, mean in FLAT.items() if key[1] > 3}, noise=0.005)
    assert verdict(judged(pd.concat([small, large])), CONSISTENT) is True
    wild = large.assign(test_loss=large.test_loss + 0.1 * (large.m == 8) * (large.groupby(["T", "m"]).cumcount() - 1))
    assert verdict(judged(pd.concat([small, wild])), CONSISTENT) is False
