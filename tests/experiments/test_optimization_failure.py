"""Shapes of hidden vectors that are known, and what is made of their shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.core.tables import Tables
from stages.experiments.optimization_failure.claims import shares, summary
from stages.experiments.optimization_failure.measure import OWN, shape
from tests.conftest import MEASURE
from tests.experiments.verdicts import verdict

CIRCLES, MISS, LOST, RATE, STEPS = EVERY = (
    "two circles",
    "most runs miss it",
    "leave points unstored",
    "larger learning rate",
    "more steps",
)


def ring(radii: list[float], turn: float = 0.0) -> np.ndarray:
    angle = 2 * np.pi * np.arange(len(radii)) / len(radii) + turn
    return np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize(
    ("radii", "expected"),
    [
        ([2.0] * 8, "regular"),
        ([2.0, 1.0] * 4, "two circles"),
        ([2.0, 2.1, 2.0, 1.2, 1.25, 2.05], "two circles"),
        ([2.0] * 7 + [0.1], "dead point"),
        ([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], "other"),
        ([1.0, 2.0, 4.0], "other"),
    ],
)
def test_shapes_are_told_apart_and_do_not_hang_on_turn_or_size(radii: list[float], expected: str) -> None:
    for size, turn in ((1.0, 0.0), (7.0, 1.0)):
        assert shape(size * ring(radii, turn), 0.05) == expected


def cells(shapes: dict[int, list[str]], **columns: object) -> pd.DataFrame:
    rows = [
        {"T": T, "shape": name, "init_seed": k, "data_seed": 0, "lr": 1e-3, "steps": 100, "status": "trained"}
        | {"train_loss": 0.0 if name == "regular" else 0.2}
        for T, names in shapes.items()
        for k, name in enumerate(names)
    ]
    return pd.DataFrame(rows).assign(**columns)


def test_shares_add_up_to_one_and_failed_cells_do_not_count() -> None:
    table = cells({5: ["regular", "regular", "other", "two circles"]})
    table.loc[2, "status"] = "failed"
    share = shares(table, ["T"]).loc[5]
    assert share.sum() == pytest.approx(1) and share.regular == pytest.approx(2 / 3) and share["dead point"] == 0


def holds(*parts: pd.DataFrame) -> dict[str, bool | None]:
    result = summary(Tables({"cells": pd.concat(parts)}), MEASURE)
    return {text: verdict(result, text) for text in EVERY}


def test_claims_follow_the_shares() -> None:
    random = cells({8: ["two circles", "regular"]}, supports="random")
    exact = cells({5: ["regular"] * 2, 8: ["regular", "other", "other"]}, supports="disjoint")
    assert holds(random, exact) == {CIRCLES: True, MISS: True, LOST: True, RATE: None, STEPS: None}
    none = cells({8: ["regular"] * 2}, supports="random")
    cured = cells({8: ["regular"] * 3}, supports="disjoint")
    found = holds(none, none, none, cured, cured.assign(lr=1e-2), cured.assign(steps=900))
    assert found == {CIRCLES: False, MISS: False, LOST: None, RATE: False, STEPS: False}


def test_other_shapes_may_store_the_points_too() -> None:
    stores = cells({8: ["regular", "other", "other", "regular"]}, supports="disjoint").assign(train_loss=0.0)
    assert holds(stores)[LOST] is False


def test_git_keeps_points_of_the_usual_runs_on_orthonormal_points() -> None:
    items = pd.DataFrame(
        {
            "kind": ["point"] * 4 + ["feature"],
            "supports": ["disjoint"] * 3 + ["random", "disjoint"],
            "lr": [1e-3, 1e-2, 1e-3, 1e-3, 1e-3],
            "steps": [100, 100, 900, 100, 100],
        }
    )
    assert OWN.shown(items).tolist() == [True, False, False, False, False]
