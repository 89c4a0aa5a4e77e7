"""Two worlds and two dualities, on models and tables that are known."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.core.tables import Tables
from stages.experiments.hypotheses.claims import reach, summary
from stages.experiments.hypotheses.measure import across, shown
from stages.families.toy.data.drawing import sample
from stages.families.toy.data.spec import Training
from stages.families.toy.training.loop import train
from stages.grid.cells import Cell
from stages.statistics.dimensionality import dimensionality
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

DESCENT = {"init": "xavier_points", "reduction": "sum", "steps": 300, "weight_decay": 0.0, "eps": 1e6, "lr": 1e5}
ADAM = {"init": "xavier_points", "reduction": "sum", "steps": 300, "lr": 1e-2}


@pytest.mark.parametrize(("how", "exact"), [(DESCENT, True), (ADAM, False)])
def test_gradient_descent_and_not_adam_trains_orthonormal_points_as_one_hot_ones(
    training: Any, how: dict[str, Any], exact: bool
) -> None:
    cells = [
        Cell(data, training(**how))
        for data in (
            drawn(n=60, S=0.9, T=5, points="disjoint"),
            drawn(n=5, S=0.8, T=5, points="disjoint"),
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
        Cell(drawn(n=9, S=0.9, T=60, points="transposed"), training(steps=300, eps=1e-4)),  # with an eps of its own
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


MIXTURES, FEATURES, BOTH = (f"{text} (m = 2)" for text in ("mixtures of them", "to fresh features", "to both worlds"))
COMMON, DESCENDS, BREAKS, SWAPS = (
    "the less points have in common",
    "gradient descent trains",
    "Adam breaks",
    "transposed",
)


def holds(cells: pd.DataFrame, *texts: str) -> list[bool | None]:
    found = summary(Tables(cells=cells), MEASURE)
    return [verdict(found, text) for text in texts]


def test_gains_are_above_0_up_to_some_T_or_from_some_on() -> None:
    T = [5, 10, 20, 40]
    assert reach(pd.Series([1.0, 1.0, -1.0, 1.0], T)) == {"up to T": 10, "from T": 40}
    assert reach(pd.Series([-1.0, 1.0, 1.0, 1.0], T)) == {"up to T": None, "from T": 10}
    assert reach(pd.Series([1.0, 1.0, 1.0, -1.0], T)) == {"up to T": 20, "from T": None}


def test_the_worlds_are_told_apart() -> None:
    assert holds(table(500), MIXTURES, FEATURES, BOTH, COMMON) == [True, True, False, True]
    general = table(500).assign(test_loss=0.5)
    assert holds(general, MIXTURES, FEATURES, BOTH, COMMON) == [True, False, False, True]
    assert holds(table(1), MIXTURES, FEATURES, BOTH) == [False, False, False]
    both = table(500).assign(mixture_loss=0.1, test_loss=lambda of: of.test_loss - 0.05 * (of["T"] > 500))
    assert holds(both, MIXTURES, FEATURES, BOTH) == [True, True, True]
    worse = table(500).assign(mixture_loss=lambda of: of.mixture_loss + 0.5 * (of.supports == "disjoint"))
    assert holds(worse, COMMON) == [False]


def test_dualities_are_judged_by_their_distances() -> None:
    assert holds(pd.concat([table(500), twins(1e-5, 0.5)]), BREAKS, DESCENDS) == [True, True]
    assert holds(pd.concat([table(500), twins(0.1, 1e-3)]), BREAKS, DESCENDS) == [False, False]
    nothing_learned = twins(1e-5, 0.5).assign(train_loss=0.99)  # two such models agree as well
    assert holds(pd.concat([table(500), nothing_learned]), DESCENDS) == [False]
    swapped = table(500).head(3).assign(n=100, T=1000, transposed=True, swap_rho_features=[0.5, 0.6, 0.55])
    for rho, right in (([0.4, 0.5, 0.45], True), ([-0.2, 0.3, 0.1], False)):
        assert holds(pd.concat([table(500), swapped.assign(swap_rho_points=rho)]), SWAPS) == [right]


def test_the_items_kept_are_of_one_pair_that_is_not_square() -> None:
    base = {"supports": "random", "alike": 1, "m": 2, "init": "xavier_normal", "data_seed": 0, "kind": "point"}
    shapes = ((0, 50, 9, False), (1, 30, 30, False), (2, 30, 30, True), (3, 9, 50, True), (4, 8, 50, False))
    items = pd.DataFrame(
        base | {"cell": cell, "n": n, "T": T, "transposed": transposed, "sampled": sampled}
        for cell, n, T, transposed in shapes
        for sampled in (False, True)
    )
    kept = items[shown(items)]
    assert kept.cell.tolist() == [0, 3] and not kept.sampled.any()
    assert not shown(items[~items.transposed]).any() and len(shown(items[:0])) == 0
