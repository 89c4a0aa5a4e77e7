"""Two worlds and two dualities, on models and tables that are known."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary, judged
from stages.core.tables import Tables
from stages.experiments.hypotheses import claims
from stages.experiments.hypotheses.claims import reach
from stages.experiments.hypotheses.figure import draw
from stages.experiments.hypotheses.measure import across, shown
from stages.families.toy.data.drawing import sample
from stages.families.toy.data.spec import Training
from stages.families.toy.training.loop import train
from stages.grid.cells import Cell
from stages.statistics.dimensionality import dimensionality
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import part, verdict

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


def table(cross: float, sets: int = 3) -> pd.DataFrame:
    """Mixtures gain .3 or so below T = cross and features nothing; beyond, the other way round."""
    rows = []
    for T, m in product((5, 30, 100, 1000, 5000), (2, 8)):
        for (supports, alike, gain), seed in product(
            (("random", 1, 0.3), ("disjoint", 1, 0.4), ("random", 5, 0.1)), range(sets)
        ):
            if supports == "disjoint" and T > 100:
                continue
            gain += 1e-3 * seed
            rows.append(
                {"T": T, "n": 1000, "S": 0.99, "m": m, "supports": supports, "alike": alike, "transposed": False}
                | {"init": "xavier_normal", "selected": True, "eps": 1e-6, "data_seed": seed, "train_loss": 0.5}
                | {"constant_loss": 0.99, "test_loss": (1.1 if cross > T else 0.9) - 1e-3 * seed, "test_loss_se": 0.001}
                | {"mixture_constant_loss": 0.9, "mixture_loss": 0.9 - gain if cross > T else 1.1 + gain}
                | {"twin_distance": np.nan, "twin_loss_ratio": np.nan}
                | {"swap_rho_points": np.nan, "swap_rho_features": np.nan}
            )
    return pd.DataFrame(rows)


def twins(descent: float, adam: float, sets: int = 3) -> pd.DataFrame:
    """Models of orthonormal points so far from those of one-hot points, a pair a training set and T."""
    rows = [
        table(500, 1).iloc[0].to_dict()
        | {"T": T, "data_seed": seed, "init": "xavier_points", "supports": "disjoint", "twin_loss_ratio": 1.0}
        | {"eps": eps, "twin_distance": distance * (1 + 0.01 * seed)}
        for T in (8, 30)
        for eps, distance in ((1e6, descent), (1e-3, adam))
        for seed in range(sets)
    ]
    return pd.DataFrame(rows)


def swapped(rho: float, sets: int = 3) -> pd.DataFrame:
    """Models of transposed points of two sizes whose D have that rank correlation, give or take."""
    one = table(500, sets)[lambda of: (of["T"] == 5) & (of.supports == "random") & (of.alike == 1) & (of.m == 2)]
    both = pd.concat([one.assign(n=n, T=1000, transposed=True) for n in (100, 300)])
    noise = 0.01 * both.data_seed
    return both.assign(swap_rho_points=rho + noise, swap_rho_features=0.9 - noise)


CHANCE, BETTER, DESCENDS, SWAPS = CLAIMS = (
    "no better than chance",
    "with features generalises better",
    "gradient descent trains",
    "transposed",
)
MIXTURES, BOTH, COMMON, BREAKS = "sparse mixtures", "to both worlds", "the less points have in common", "Adam break"


def result(*cells: pd.DataFrame) -> Summary:
    return judged(claims, Tables(cells=pd.concat(cells, ignore_index=True)), MEASURE)


def found(*cells: pd.DataFrame) -> list[str]:
    summary = result(*cells)
    return [verdict(summary, text) for text in CLAIMS]


def test_gains_are_above_0_up_to_some_T_or_from_some_on() -> None:
    T = [5, 10, 20, 40]
    assert reach(pd.Series([1.0, 1.0, -1.0, 1.0], T)) == {"up to T": 10, "from T": 40}
    assert reach(pd.Series([-1.0, 1.0, 1.0, 1.0], T)) == {"up to T": None, "from T": 10}
    assert reach(pd.Series([1.0, 1.0, 1.0, -1.0], T)) == {"up to T": 20, "from T": None}


def test_few_points_learn_no_features_and_many_do() -> None:
    assert found(table(500)) == [HOLDS, HOLDS, UNDECIDED, UNDECIDED]
    assert found(table(1))[:2] == [FAILS, FAILS]  # all generalise alike
    assert found(table(10_000))[:2] == [HOLDS, FAILS]
    general = table(500)
    general.loc[(general["T"] == 30) & (general.m == 2), "test_loss"] -= 0.5  # better than many do
    assert found(general)[:2] == [FAILS, FAILS]
    wide = table(500)
    wide.loc[wide.m == 8, "test_loss"] = 0.5  # claims are of m = 2
    assert found(wide)[:2] == [HOLDS, HOLDS]
    assert found(table(500)[lambda of: of["T"] < 500])[:2] == [HOLDS, UNDECIDED]


def test_the_worlds_are_told_apart() -> None:
    answers = result(table(500))
    assert answers.headline == {"points_generalise_up_to_T": 100}
    for m in (2, 8):
        assert part(answers, MIXTURES, f"m = {m}").effect == pytest.approx(0.301)
        assert part(answers, BOTH, f"mixtures at m = {m}").effect == pytest.approx(-0.501)
        assert part(answers, BOTH, f"fresh points at m = {m}").effect == pytest.approx(0.091)
    assert part(answers, "with more hidden dimensions", "m = 8").effect == pytest.approx(-0.109)
    assert part(answers, COMMON, "groups").effect == pytest.approx(0.3)
    assert part(answers, COMMON, "random").effect == pytest.approx(0.1)


def test_dualities_are_judged_by_their_distances() -> None:
    assert found(table(500), twins(1e-5, 0.5))[2] == HOLDS
    assert found(table(500), twins(0.1, 1e-3))[2] == FAILS
    assert found(table(500), twins(1e-5, 0.5).assign(train_loss=0.99))[2] == FAILS  # two such models agree as well
    assert part(result(table(500), twins(1e-5, 0.5)), BREAKS, "distance").effect == pytest.approx(0.505, rel=1e-3)
    assert [found(table(500), swapped(rho))[3] for rho in (0.9, 0.1)] == [HOLDS, FAILS]


def test_one_training_set_and_nothing_trained_cannot_tell() -> None:
    whole = pd.concat([table(500, 1), twins(1e-5, 0.5, 1), swapped(0.9, 1)])
    nothing = table(500).assign(selected=False)
    for cells in (whole, nothing):
        assert found(cells) == [UNDECIDED] * 4
    assert result(nothing).headline == {} and draw(Tables(cells=nothing), {}) == {}


def test_the_figures_are_drawn_of_what_there_is() -> None:
    assert draw(Tables(cells=table(500)), {}).keys() == {"worlds"}
    plain = table(500, 1).assign(n=1000, cell=0)
    cells = pd.concat([plain, twins(1e-5, 0.5), swapped(0.9)], ignore_index=True)
    cells.loc[len(cells) - 6 :, "T"] = cells.n[len(cells) - 6 :]  # square: no pair of spectra
    assert draw(Tables(cells=cells.assign(cell=range(len(cells)))), {}).keys() == {"worlds", "duality"}


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
