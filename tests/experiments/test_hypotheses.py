"""Two worlds and two dualities, on models and tables that are known."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.experiments.hypotheses.measure import across, reach, summary
from stages.params import Cell
from stages.toy.data import sample
from stages.toy.dimensionality import dimensionality
from stages.toy.spec import Training
from stages.toy.training import train
from tests.conftest import MEASURE, drawn

DESCENT = {"init": "xavier_points", "reduction": "sum", "steps": 300, "weight_decay": 0.0, "eps": 1e6, "lr": 1e5}
ADAM = {"init": "xavier_points", "reduction": "sum", "steps": 300, "lr": 1e-2}


@pytest.mark.parametrize(("how", "exact"), [(DESCENT, True), (ADAM, False)])
def test_gradient_descent_and_not_adam_trains_orthonormal_points_as_one_hot_ones(
    training: Any, how: dict[str, Any], exact: bool
) -> None:
    cells = [
        Cell(data, training(**how))
        for data in (
            drawn(n=60, S=0.9, T=5, supports="disjoint"),
            drawn(n=5, S=0.8, T=5, supports="disjoint"),
        )
    ]
    points = [sample(of.data) for of in cells]
    models = {i: train(of.data, points[i], of.training).model for i, of in enumerate(cells)}
    found = across(cells, points, models, MEASURE)
    assert list(found) == [0]
    assert (found[0]["twin_distance"] < 1e-4) == exact
    assert (abs(found[0]["twin_loss_ratio"] - 1) < 1e-4) == exact
    start = train(cells[0].data, points[0], Training(**(cells[0].training.model_dump() | {"steps": 1}))).model
    assert np.abs(start.W - models[0].W).max() > 1e-2  # something was trained


def test_transposed_points_are_compared_with_those_they_are_of(training: Any) -> None:
    cells = [
        Cell(drawn(n=60, S=0.9, T=9), training(steps=300)),
        Cell(drawn(n=9, S=0.9, T=60, transposed=True), training(steps=300, eps=1e-4)),  # with an eps of its own
    ]
    points = [sample(of.data) for of in cells]
    models = {i: train(of.data, points[i], of.training).model for i, of in enumerate(cells)}
    found = across(cells, points, models, MEASURE)
    assert list(found) == [1]
    other, here = models[0], models[1]
    held = np.unique(points[0].feature)
    ranks = [pd.Series(dimensionality(v)).rank() for v in (here.W.T, other.hidden(points[0]))]
    assert found[1]["swap_rho_points"] == pytest.approx(ranks[0].corr(ranks[1]))
    ranks = [pd.Series(dimensionality(v)).rank() for v in (here.hidden(points[1]), other.W.T)]
    ranks[1] = pd.Series(ranks[1][held].to_numpy()).rank()
    assert found[1]["swap_rho_features"] == pytest.approx(ranks[0].corr(ranks[1]))


def table(cross: float) -> pd.DataFrame:
    """Mixtures gain .3 below T = cross and features nothing; beyond, the other way round."""
    rows = []
    for T in (5, 30, 100, 1000, 5000):
        for (supports, alike, gain), seed in product(
            (("random", 1, 0.3), ("disjoint", 1, 0.4), ("random", 5, 0.1)), (0, 1)
        ):
            if supports == "disjoint" and T > 100:
                continue
            rows.append(
                {"T": T, "n": 1000, "S": 0.99, "m": 2, "supports": supports, "alike": alike, "transposed": False}
                | {"init": "xavier_normal", "selected": True, "eps": 1e-6, "data_seed": seed, "train_loss": 0.5}
                | {"constant_loss": 0.99, "test_loss": 1.1 if cross > T else 0.9, "test_loss_se": 0.001}
                | {"mixture_constant_loss": 0.9, "mixture_loss": 0.9 - gain if cross > T else 1.1}
                | {
                    "twin_distance": np.nan,
                    "twin_loss_ratio": np.nan,
                    "swap_rho_points": np.nan,
                    "swap_rho_features": np.nan,
                }
            )
    return pd.DataFrame(rows)


def twins(descent: float, adam: float) -> pd.DataFrame:
    of = table(500).head(2).assign(init="xavier_points", supports="disjoint", twin_loss_ratio=1.0)
    return of.assign(eps=[1e6, 1e-3], twin_distance=[descent, adam])


def holds(cells: pd.DataFrame) -> dict[str, bool | None]:
    return {claim.claim: claim.holds for claim in summary(cells, MEASURE).claims}


def test_gains_are_above_0_up_to_some_T_or_from_some_on() -> None:
    T = [5, 10, 20, 40]
    assert reach(pd.Series([1.0, 1.0, -1.0, 1.0], T)) == {"up to T": 10, "from T": 40}
    assert reach(pd.Series([-1.0, 1.0, 1.0, 1.0], T)) == {"up to T": None, "from T": 10}
    assert reach(pd.Series([1.0, 1.0, 1.0, -1.0], T)) == {"up to T": 20, "from T": None}


def test_the_worlds_are_told_apart() -> None:
    assert list(holds(table(500)).values())[:4] == [True, True, False, True]
    general = table(500).assign(test_loss=0.5)
    assert list(holds(general).values())[:4] == [True, False, False, True]
    assert list(holds(table(1)).values())[:3] == [False, False, False]
    both = table(500).assign(mixture_loss=0.1, test_loss=lambda of: of.test_loss - 0.05 * (of["T"] > 500))
    assert list(holds(both).values())[:3] == [True, True, True]
    worse = table(500).assign(mixture_loss=lambda of: of.mixture_loss + 0.5 * (of.supports == "disjoint"))
    assert list(holds(worse).values())[3] is False


def test_dualities_are_judged_by_their_distances() -> None:
    found = holds(pd.concat([table(500), twins(1e-5, 0.5)]))
    assert found["Adam breaks that duality"] is True
    assert found["gradient descent trains T orthonormal points as it trains T one-hot features"] is True
    found = holds(pd.concat([table(500), twins(0.1, 1e-3)]))
    assert found["Adam breaks that duality"] is False
    assert found["gradient descent trains T orthonormal points as it trains T one-hot features"] is False
    assert (
        holds(pd.concat([table(500), twins(1e-5, 0.5).assign(train_loss=0.99)]))[
            "gradient descent trains T orthonormal points as it trains T one-hot features"
        ]
        is False
    )  # two models that have learned nothing agree as well
    swapped = table(500).head(3).assign(n=100, T=1000, transposed=True, swap_rho_features=[0.5, 0.6, 0.55])
    for rho, right in (([0.4, 0.5, 0.45], True), ([-0.2, 0.3, 0.1], False)):
        found = holds(pd.concat([table(500), swapped.assign(swap_rho_points=rho)]))
        assert found["on transposed points each point's D_x becomes a D_f, and each feature's D_f a D_x"] is right
