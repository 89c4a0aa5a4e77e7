"""What the film keeps, and whether a feature was forgotten."""

from __future__ import annotations

import pandas as pd

from stages.claims import judged
from stages.core.tables import Tables
from stages.experiments.history import claims
from stages.experiments.history.measure import shown
from tests.conftest import MEASURE
from tests.experiments.verdicts import finding


def items(fallen: dict[int, float]) -> pd.DataFrame:
    """One run at T = 8, and at T = 100 runs of three training sets whose feature falls by so much, seed by seed."""
    runs = [(0, 8, 0, 0.0), *((1 + seed, 100, seed, fall) for seed, fall in fallen.items())]
    return pd.DataFrame(
        {"cell": cell, "T": T, "data_seed": seed, "kind": "feature", "item": item, "step": step}
        | {"D": 0.5 - fall * (step == 20) * (item == 1)}
        for cell, T, seed, fall in runs
        for step in (0, 10, 20)
        for item in (0, 1)
    )


def test_the_film_keeps_the_first_run_at_each_T_and_the_one_that_loses_most() -> None:
    table = items({0: 0.0, 1: 0.1, 2: 0.4})
    assert set(table.cell[shown(table)]) == {0, 1, 3}
    assert shown(table[table.cell < 2]).all()
    assert len(shown(table[:0])) == 0


def test_forgetting_is_judged_at_the_largest_T() -> None:
    def share(at_8: int, at_100: list[int]) -> float:
        cells = pd.DataFrame({"T": [8, *[100] * len(at_100)], "selected": True, "features_forgotten": [at_8, *at_100]})
        (part,) = finding(judged(claims, Tables(cells=cells.assign(features_learned=3)), MEASURE), "forgotten").parts
        return part.effect

    assert share(0, [0, 1, 2, 0, 1, 0, 1, 0]) == 0.5 and share(1, [0] * 8) == 0
