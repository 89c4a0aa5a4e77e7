"""Shapes of hidden vectors that are known, and what is made of their shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.experiments.optimization_failure.measure import shape, shares, summary
from tests.conftest import MEASURE


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


def test_claims_follow_the_shares() -> None:
    random = cells({8: ["two circles", "regular"]}, supports="random")
    exact = cells({5: ["regular"] * 2, 8: ["regular", "other", "other"]}, supports="disjoint")
    found = [claim.holds for claim in summary(pd.concat([random, exact]), MEASURE).claims]
    assert found == [True, True, True, None, None]
    none = cells({8: ["regular"] * 2}, supports="random")
    cured = cells({8: ["regular"] * 3}, supports="disjoint")
    sweep = pd.concat([cured, cured.assign(lr=1e-2), cured.assign(steps=900)])
    found = [claim.holds for claim in summary(pd.concat([none, none, none, sweep]), MEASURE).claims]
    assert found == [False, False, None, False, False]


def test_other_shapes_may_store_the_points_too() -> None:
    stores = cells({8: ["regular", "other", "other", "regular"]}, supports="disjoint").assign(train_loss=0.0)
    assert summary(stores, MEASURE).claims[2].holds is False
