"""Where two made-up curves of train loss cross."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, judged
from stages.core.tables import Tables
from stages.experiments.crossover import claims
from stages.experiments.crossover.claims import crossing, lowest, with_kind
from stages.experiments.crossover.figure import draw
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

CROSSES, THERE, EARLY = CLAIMS = (
    "storing points has the lower train loss",
    "near T (1 - S) = 500",
    "training from random weights generalises before",
)


def cells(cross: float, plain: int = 500, sets: int = 8, S: float = 0.9) -> pd.DataFrame:
    """Features gain .02 of the loss whatever T, points .02 at T = cross and less beyond; plain runs turn at `plain`."""
    rows = []
    for T in (300, 1000, 3000, 10_000):
        for seed in range(sets):
            for start, kind in ((100, "points"), (20_000, "features"), (0, "points" if plain > T else "features")):
                for worse in (0.0, 1e-3):  # learning rates
                    gain = 0.02 if kind == "features" else 0.02 * cross / T
                    rows.append(
                        {"T": T, "S": S, "data_seed": seed, "parent_T": start, "status": "trained"}
                        | {"train_loss": 1 - gain + worse, "test_loss": 0.98 if kind == "features" else 1.1}
                        | {"constant_loss": 0.9999, "features_learned": 5 if kind == "features" else 0}
                    )
    return pd.DataFrame(rows)


def found(runs: pd.DataFrame) -> list[str]:
    result = judged(claims, Tables(cells=runs), MEASURE)
    return [verdict(result, text) for text in CLAIMS]


def test_the_lowest_of_each_kind_is_kept() -> None:
    least = lowest(with_kind(cells(2000, sets=2)))
    assert len(least) == 4 * 2 * 2
    assert set(least[least.kind == "generalising"].train_loss.round(6)) == {0.98}


def test_the_crossing_is_found_between_the_sizes_it_lies_between() -> None:
    assert found(runs := cells(2000)) == [HOLDS] * 3  # plain training turns at 500
    assert 1000 < judged(claims, Tables(cells=runs), MEASURE).headline["crossover_T"] < 3000
    assert found(cells(2000, plain=5000)) == [HOLDS, HOLDS, FAILS]
    assert found(cells(2000, plain=20_000)) == [HOLDS, HOLDS, FAILS]
    assert found(cells(2000, S=0.99)) == [HOLDS, FAILS, HOLDS]  # too early


def test_without_a_crossing_the_claim_fails_if_the_grid_goes_on_and_cannot_tell_if_it_ends_before() -> None:
    assert found(cells(100)) == [FAILS, FAILS, FAILS]
    assert found(cells(10**6, S=0.7)) == [FAILS, FAILS, HOLDS]  # T (1 - S) up to 3,000
    assert found(cells(10**6)) == [UNDECIDED, UNDECIDED, HOLDS]
    assert found(cells(10**6, plain=20_000)) == [UNDECIDED] * 3


@pytest.mark.parametrize("sets", [1, 4])
def test_few_training_sets_cannot_tell(sets: int) -> None:
    assert found(cells(2000, sets=sets)) == [UNDECIDED] * 3


def test_without_both_kinds_and_with_nothing_trained_it_cannot_tell() -> None:
    runs = cells(2000)
    for part in (runs.test_loss > 1, runs["T"] == 300, (runs.test_loss < 1) | (runs["T"] == 300)):
        assert found(runs[part]) == [UNDECIDED] * 3
    nothing = Tables(cells=runs.assign(status="failed"))
    assert found(nothing.cells) == [UNDECIDED] * 3 and draw(nothing, {}) == {}


def test_the_figure_is_drawn_with_and_without_a_crossing() -> None:
    for cross in (2000, 10**6):
        assert draw(Tables(cells=cells(cross, sets=2)), {"crossover_T": 2000.0} if cross < 10**6 else {}).keys() == {
            "crossover"
        }


def test_what_neither_stores_points_nor_learns_features_that_generalise_is_neither() -> None:
    runs = cells(2000)[:3].assign(
        train_loss=[0.999, 0.98, 0.98], test_loss=[1.1, 1.1, 0.98], constant_loss=0.99, features_learned=[0, 2, 0]
    )
    assert set(with_kind(runs).kind) == {"neither"}


def test_the_crossing_is_where_the_difference_goes_below_zero_for_good() -> None:
    assert crossing(pd.Series({100: 1.0, 1000: -1.0, 2000: 1.0, 4000: -1.0})) == pytest.approx(2000 * 2**0.5)
    assert crossing(pd.Series({100: 1.0, 1000: 2.0})) is None
    assert crossing(pd.Series({100: -1.0, 1000: -2.0})) is None
