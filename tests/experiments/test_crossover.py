"""Where two made-up curves of train loss cross."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.crossover.claims import crossing, lowest, summary, with_kind
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

CROSSES, EARLY = "storing points has the lower train loss", "training from random weights generalises before"


def cells(cross: float, plain: int = 500) -> pd.DataFrame:
    """Features gain .02 of the loss whatever T, points .02 at T = cross and less beyond; plain runs turn at `plain`."""
    rows = []
    for T in (300, 1000, 3000, 10_000):
        for seed in (0, 1):
            for start, kind in ((100, "points"), (20_000, "features"), (0, "points" if plain > T else "features")):
                for worse in (0.0, 1e-3):  # learning rates
                    gain = 0.02 if kind == "features" else 0.02 * cross / T
                    rows.append(
                        {"T": T, "S": 0.99, "data_seed": seed, "parent_T": start, "status": "trained"}
                        | {"train_loss": 1 - gain + worse, "test_loss": 0.98 if kind == "features" else 1.1}
                        | {"constant_loss": 0.9999, "features_learned": 5 if kind == "features" else 0}
                    )
    return pd.DataFrame(rows)


def judged(runs: pd.DataFrame) -> Summary:
    return summary(Tables(cells=runs), MEASURE)


def test_the_lowest_of_each_kind_is_kept() -> None:
    least = lowest(with_kind(cells(2000)))
    assert len(least) == 4 * 2 * 2
    assert set(least[least.kind == "generalising"].train_loss.round(6)) == {0.98}


def test_the_crossing_is_found_between_the_sizes_it_lies_between() -> None:
    found = judged(cells(2000))
    assert verdict(found, CROSSES) is True and 1000 < found.headline["crossover_T"] < 3000
    assert verdict(found, EARLY) is True  # plain training turns at 500
    assert verdict(judged(cells(2000, plain=5000)), EARLY) is False


def test_without_a_crossing_the_claim_fails_and_without_both_kinds_it_cannot_tell() -> None:
    assert verdict(judged(cells(100)), CROSSES) is False
    assert verdict(judged(cells(10**6)), CROSSES) is False
    runs = cells(2000)
    for part in (runs.test_loss > 1, runs["T"] == 300, (runs.test_loss < 1) | (runs["T"] == 300)):
        assert verdict(judged(runs[part]), CROSSES) is None


def test_what_neither_stores_points_nor_learns_features_that_generalise_is_neither() -> None:
    runs = cells(2000)[:3].assign(
        train_loss=[0.999, 0.98, 0.98], test_loss=[1.1, 1.1, 0.98], constant_loss=0.99, features_learned=[0, 2, 0]
    )
    assert set(with_kind(runs).kind) == {"neither"}


def test_the_crossing_is_where_the_difference_goes_below_zero_for_good() -> None:
    assert crossing(pd.Series({100: 1.0, 1000: -1.0, 2000: 1.0, 4000: -1.0})) == pytest.approx(2000 * 2**0.5)
    assert crossing(pd.Series({100: 1.0, 1000: 2.0})) is None
    assert crossing(pd.Series({100: -1.0, 1000: -2.0})) is None
