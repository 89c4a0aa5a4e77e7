"""Rises of test loss along either axis of a T x m map that is made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages import claims
from stages.claims import FAILS, HOLDS, UNDECIDED, Summary
from stages.core.tables import Tables
from stages.experiments import hidden_size
from stages.experiments.hidden_size.claims import rises, table
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

DATA, DIMENSIONS, CONSISTENT = "more data hurts", "more hidden dimensions hurt", "more consistent"


def cells(means: dict[tuple[int, int], float], noise: float = 1e-3) -> pd.DataFrame:
    """Three runs a (T, m) about these mean losses."""
    rows = [
        {"T": T, "m": m, "selected": True, "test_loss": mean + noise * k, "test_loss_se": 1e-4, "data_seed": k + 1}
        for (T, m), mean in means.items()
        for k in (-1, 0, 1)
    ]
    return pd.DataFrame(rows)


def judged(cells: pd.DataFrame) -> Summary:
    return claims.judged(hidden_size.claims, Tables({"cells": cells}), MEASURE)


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


def hurt(cells: pd.DataFrame) -> list[str]:
    """Whether more data, and more hidden dimensions, do somewhere."""
    return [verdict(judged(cells), text) for text in (DATA, DIMENSIONS)]


def test_a_rise_that_all_training_sets_share_decides_and_noise_does_not() -> None:
    sets = [cells(FLAT | {(100, 4): 1.4}) for _ in range(3)]
    assert hurt(pd.concat([of.assign(data_seed=of.data_seed + 3 * k) for k, of in enumerate(sets)])) == [HOLDS, HOLDS]
    assert hurt(sets[0]) == [UNDECIDED, UNDECIDED]  # three, which all do
    assert hurt(cells(FLAT)) == [UNDECIDED, UNDECIDED]  # it falls throughout: no rise to judge
    rng = np.random.default_rng(0)
    noise = [cells(FLAT, 0.0).assign(data_seed=seed) for seed in range(6)]
    noisy = pd.concat([one.assign(test_loss=one.test_loss + rng.normal(0, 0.1, len(one))) for one in noise])
    assert hurt(noisy.drop_duplicates(["T", "m", "data_seed"])) == [UNDECIDED, UNDECIDED]


def test_a_rise_from_where_polygons_are_does_not_count() -> None:
    assert hurt(cells(FLAT | {(10, m): 0.5 for m in (2, 3, 4, 8)}))[0] == UNDECIDED


def test_one_cell_or_one_training_set_tells_nothing() -> None:
    one_set = cells(FLAT | {(100, 4): 1.4}).drop_duplicates(["T", "m"])
    for few in (cells({(100, 4): 1.0}), one_set, one_set[:0]):
        assert hurt(few) == [UNDECIDED, UNDECIDED] and verdict(judged(few), CONSISTENT) == UNDECIDED


def test_larger_models_are_more_consistent_if_their_training_sets_differ_less() -> None:
    small = cells({key: mean for key, mean in FLAT.items() if key[1] <= 3}, noise=0.02)
    sets = [small.assign(data_seed=small.data_seed + 3 * k) for k in range(3)]
    large = [of.assign(m=of.m + 5, test_loss=1 + (of.test_loss - 1) / 8) for of in sets]
    assert verdict(judged(pd.concat([*sets, *large])), CONSISTENT) == HOLDS
    alike = [of.assign(m=of.m + 5) for of in sets]
    assert verdict(judged(pd.concat([*sets, *alike])), CONSISTENT) == FAILS
