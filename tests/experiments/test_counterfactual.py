"""Memorisation of points by models that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.counterfactual import MEANS, SCORES
from stages.experiments.counterfactual import claims as counterfactual_claims
from stages.experiments.counterfactual.claims import copies_cost, radius
from stages.experiments.counterfactual.figure import draw
from stages.experiments.counterfactual.measure import across, ensemble, explained, mean_inside, shown
from stages.families.toy.data.drawing import pool, sample, trained_on
from stages.families.toy.data.spec import Subset
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from stages.grid.cells import Cell
from stages.statistics.memorization import counterfactual
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import finding, part

COPIES, MASKED = "one of several copies", "own features give no gradient"
ONE, MEANS_OF, HALVES = "of one model tell", "Do means over the models", "two halves of the models"
TELLS, RADIUS = "What tells how much a repeated point", "leaving out a point with those like it"
FALLS, STEPS = "memorised where they are few", "more training steps"


def storing(data: Any) -> Model:
    """A model that has stored exactly what it was trained on, and nothing of the rest."""
    W, b = polygon_model(sample(data))
    return Model(W.astype(np.float32), b.astype(np.float32))


def test_points_that_are_stored_where_trained_on_are_memorised_wholly(training: Any) -> None:
    whole = drawn(n=200, S=0.97, T=8, points="disjoint")
    subsets = [whole.model_copy(update={"trained_on": Subset(subset=0.7, subset_seed=k)}) for k in range(12)]
    cells = [Cell(whole, training()), *(Cell(data, training(init_seed=k % 3)) for k, data in enumerate(subsets))]
    models = {i: storing(of.data) for i, of in enumerate(cells)}
    found = across(cells, [sample(of.data) for of in cells], models, MEASURE)
    assert list(found) == [0] and found[0]["models"] == 12
    np.testing.assert_allclose(found[0]["D_x_mean"], 2 / 6, rtol=1e-3)  # of the six points of each subset
    np.testing.assert_allclose(found[0]["memorization"], 1, atol=1e-3)  # explained inside, not outside
    np.testing.assert_allclose(found[0]["memorization_loss"], 1, atol=1e-3)
    np.testing.assert_allclose(found[0]["D_star"], 2 / 8, rtol=1e-3)
    assert found[0]["mean_memorization"] == pytest.approx(1, abs=1e-3)
    asked = [(row["score"], row["inits"]) for row in found[0]["scores"]]
    assert asked == [*((name, "all") for name in SCORES), ("D_x", "own"), *((name, "all") for name in MEANS)]


def test_halves_of_other_initial_weights_are_told_from_halves_that_share_them(training: Any) -> None:
    """Two points, each memorised from one of two initial weights only: the point does not decide."""
    whole = drawn(n=40, S=0.9, T=3, points="disjoint")
    subsets = [whole.model_copy(update={"trained_on": Subset(subset=0.7, subset_seed=k)}) for k in range(24)]
    cells = [Cell(whole, training()), *(Cell(data, training(init_seed=k % 2)) for k, data in enumerate(subsets))]
    models = {}
    for i, of in enumerate(cells):
        held, rank = sample(of.data), [0.9, 0.5, 0.1] if of.training.init_seed else [0.1, 0.5, 0.9]
        every = sample(whole)
        W, b = np.zeros((3, 40), np.float32), np.zeros(40, np.float32)
        for t in range(3):
            one = every.part(t, t + 1)
            if np.isin(one.feature, held.feature).all():
                W[t, one.feature] = rank[t] ** 0.5 * one.value
        models[i] = Model(W, b)
    found = across(cells, [sample(of.data) for of in cells], models, MEASURE)[0]
    assert found["reliability_inits"] == pytest.approx(-1)


def test_an_ensemble_knows_which_points_each_model_holds(training: Any) -> None:
    whole = drawn(n=200, S=0.97, T=8, points="disjoint")
    halves = [whole.model_copy(update={"trained_on": Subset(subset=0.5, subset_seed=k)}) for k in (0, 1)]
    cells = [Cell(data, training(init_seed=k)) for k, data in enumerate(halves)]
    of = ensemble(cells, [storing(cell.data) for cell in cells])
    assert of.losses.shape == of.held.shape == of.D_x.shape == (2, 8) and of.init_seed.tolist() == [0, 1]
    assert (of.held.sum(axis=1) == 4).all() and (of.D_x[~of.held] == 0).all()
    np.testing.assert_allclose(of.D_x[of.held], 2 / 4, rtol=1e-3)
    np.testing.assert_allclose(mean_inside(of.D_x, of.held)[of.held.any(axis=0)], 2 / 4, rtol=1e-3)
    assert (np.isnan(mean_inside(of.D_x[:1], of.held[:1])) == ~of.held[0]).all()
    assert of.losses[of.held].max() < 1e-3 and of.losses[~of.held].min() > 0.99


def test_memorisation_is_computed_by_hand(training: Any) -> None:
    """Of three models two hold the point: (1 + .5) / 2 explained inside, .2 outside."""
    assert explained(np.array([0.0, 0.4, 1.0, 50.0])).tolist() == [1, 0.6, 0, 0]
    held = np.array([[True], [True], [False]])
    assert counterfactual(np.array([[1.0], [0.5], [0.2]]), held)[0] == pytest.approx(0.55)


def test_what_is_left_out_is_not_recalled(training: Any) -> None:
    base = {"n": 200, "S": 0.97, "T": 6, "points": "disjoint"}
    chosen = ({"repeated": 1, "copies": 4}, {"left_out": 1})
    cells = [Cell(drawn(**base, trained_on=trained), training()) for trained in chosen]
    models = {i: storing(of.data) for i, of in enumerate(cells)}
    found = across(cells, [sample(of.data) for of in cells], models, MEASURE)
    assert found[0]["own_explained"] == pytest.approx(1, abs=1e-4) and found[1]["own_explained"] < 1e-4
    assert 4 / 9 < found[0]["own_D_x"] < 1 and found[1]["own_D_x"] is None  # of all four copies
    assert found[1]["own_similarity"] == pytest.approx(1, rel=1e-6)  # the point itself
    assert not trained_on(cells[1].data, pool(cells[1].data))[0]


def test_a_duplicated_point_is_not_taken_for_a_whole_pool_with_subsets(training: Any) -> None:
    whole = drawn(n=200, S=0.97, T=6, points="disjoint")
    subsets = [whole.model_copy(update={"trained_on": Subset(subset=0.5, subset_seed=k)}) for k in range(4)]
    copied = drawn(n=200, S=0.97, T=6, points="disjoint", trained_on={"repeated": 1, "copies": 4})
    cells = [Cell(data, training()) for data in (copied, *subsets)]
    found = across(
        cells, [sample(of.data) for of in cells], {i: storing(of.data) for i, of in enumerate(cells)}, MEASURE
    )
    assert list(found) == [0] and "models" not in found[0]


def rows(copies: list[int], one: float, every: float, masked: float) -> pd.DataFrame:
    """Share explained: `every` more with R copies than with none; with one copy fewer, `one` less than that."""
    base = {"T": 300, "data_seed": 0, "repeated": 1, "alike": 1, "status": "trained", "left_out_by": "similarity"}
    base |= {"m": 2, "init_seed": 0}
    base |= {"test_loss": 1.0, "train_loss": 0.9, "own_loss": 0.5, "own_D_x": 0.3, "own_similarity": np.nan}
    base |= {"reliability": np.nan, "models": np.nan, "steps": 100, "selected": True}
    table = [base | {"repeated": 0, "copies": 1, "left_out": 1, "masked": False, "own_explained": 0.0}]
    table += [base | {"copies": R, "left_out": 0, "masked": False, "own_explained": every} for R in copies]
    table += [base | {"copies": R - 1, "left_out": 0, "masked": False, "own_explained": every - one} for R in copies]
    table += [base | {"copies": R, "left_out": 0, "masked": True, "own_explained": masked} for R in copies]
    return pd.DataFrame(table)


def near(similar: float, random: float) -> pd.DataFrame:
    """Three training sets whose first point loses so much, a little more or less from set to set."""
    rows = []
    for seed in range(3):
        base = {"T": 300, "data_seed": seed, "repeated": 0, "alike": 9, "status": "trained", "copies": 1}
        base |= {"masked": False, "reliability": np.nan, "models": np.nan, "steps": 100, "selected": True}
        base |= {"m": 2, "init_seed": 0}
        rows.append(base | {"left_out": 0, "left_out_by": "similarity", "own_explained": 0.9, "own_similarity": np.nan})
        for k in (1, 3, 9):
            for kind, cost in (("similarity", similar + seed / 100), ("random", random)):
                rows.append(base | {"left_out": k, "left_out_by": kind, "own_explained": 0.9 - cost})
                rows[-1]["own_similarity"] = 0.5
    return pd.DataFrame(rows)


def compared(T: int, seeds: int = 1, **rho: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Models that were compared with those of subsets, one a training set, and their scores: rho, .5 but for these."""
    base = {"T": T, "m": 2, "S": 0.99, "steps": 100, "models": 8, "reliability": 0.9, "reliability_loss": 0.9}
    base |= {"reliability_inits": 0.5, "init_seed": 0, "D_f_max": 0.1, "D_x_max": 0.2, "test_loss": 1.0}
    base |= {"mean_memorization": 0.5, "spread_memorization": 0.2, "features_learned": 0, "mixture_loss": 1.0}
    base |= {"masked": False, "repeated": 0, "alike": 1, "status": "trained", "left_out": 0, "copies": 1}
    cells = [base | {"cell": 100 * T + seed, "data_seed": seed, "selected": seed == 0} for seed in range(seeds)]
    asked = [*((name, "all") for name in (*SCORES, *MEANS)), ("D_x", "own")]
    scores = [
        {"cell": of["cell"], "T": T, "data_seed": of["data_seed"], "score": name, "inits": inits}
        | {"rho": rho.get(name, 0.5) if inits == "all" else 0.5}
        for of in cells
        for name, inits in asked
    ]
    return pd.DataFrame(cells), pd.DataFrame(scores)


def judged(cells: pd.DataFrame, scores: pd.DataFrame | None = None) -> Summary:
    own = ("reliability_loss", "reliability_inits", "mean_memorization", "features_learned", "spread_memorization")
    missing = {name: np.nan for name in (*own, "cell") if name not in cells}
    none = compared(300)[1].head(0)
    found = Tables({"cells": cells.assign(**missing), "scores": none if scores is None else scores})
    return judge(counterfactual_claims, found, MEASURE)


def test_copies_are_charged_for_one_and_for_all() -> None:
    cost = copies_cost(rows([5], one=0.1, every=0.8, masked=0.7)).set_index("copies")
    assert cost.loc[5, "one"] == pytest.approx(0.1) and cost.loc[5, "all"] == pytest.approx(0.8)
    assert cost.loc[5, "masked"] == pytest.approx(0.7)
    assert cost.loc[5, "gap"] == pytest.approx(0.1)
    share = 5 / 304
    assert cost.loc[5, "gap_with"] == pytest.approx((1 - share) * 1 + share * 0.5 - 0.9)


def test_what_groups_of_points_alike_leave_out_is_not_charged_to_copies() -> None:
    cost = copies_cost(rows([5], one=0.1, every=0.8, masked=0.7))
    both = pd.concat([rows([5], one=0.1, every=0.8, masked=0.7), near(0.6, 0.2).query("left_out == 1")])
    pd.testing.assert_frame_equal(copies_cost(both), cost)


def test_what_leaving_out_copies_costs_is_answered_for_the_most_and_the_fewest() -> None:
    two = rows([2], 0.5, 0.6, 0.5).query("copies < 3 and (left_out == 1 or copies == 2 or own_explained > 0)")
    cells = pd.concat([two, rows([5], 0.01, 0.8, 0.7).query("left_out == 0"), near(0.6, 0.2)])
    found = judged(pd.concat([cells.assign(data_seed=seed) for seed in (0, 1)]).query("alike == 1"))
    assert part(found, COPIES, "one of the most").effect == pytest.approx(0.01)
    assert part(found, COPIES, "all of the most").effect == pytest.approx(0.8)
    assert part(found, COPIES, "one of the fewest").effect == pytest.approx(0.5)
    assert {of.sets for of in finding(found, COPIES).parts} == {2}
    assert part(found, MASKED, "give none").effect == pytest.approx(0.6)
    assert part(found, MASKED, "where they do").effect == pytest.approx(0.7)


def test_dimensionality_is_compared_where_memorisation_differs() -> None:
    model, scores = compared(300, 3, D_x=0.8, D_x_mean=0.2)
    alike = compared(10, 3, D_x=-1.0)
    cells = pd.concat([model, alike[0].assign(spread_memorization=1e-4)])
    every = pd.concat([scores, alike[1]])
    own = {"copies": 1, "own_explained": np.nan, "own_loss": np.nan, "own_D_x": np.nan, "own_similarity": np.nan}
    own |= {"train_loss": 0.9, "left_out_by": "similarity"}
    found = judged(cells.assign(**own), every)
    assert part(found, ONE, "D_x").effect == pytest.approx(0.8) and part(found, ONE, "D_x").sets == 3
    assert part(found, ONE, "D*").effect == pytest.approx(0.5)
    assert part(found, MEANS_OF, "mean D_x").effect == pytest.approx(0.2)
    assert part(found, HALVES, "any halves").effect == pytest.approx(0.9)
    assert found.headline["rho_D_x"] == pytest.approx(-0.1)  # the median of all of the most steps
    points = pd.DataFrame([{"kind": "point", "cell": 30_000, "D": 0.1, "memorization": 0.5}])
    assert draw(Tables({"cells": cells.assign(**own), "scores": every, "items": points}), {}).keys() == {
        "memorization",
        "regimes",
    }


def test_memorisation_is_compared_over_T_and_steps() -> None:
    few, many = compared(10, 3)[0], compared(1000, 3)[0].assign(mean_memorization=0.02, features_learned=5)
    own = {"own_explained": np.nan, "own_loss": np.nan, "own_D_x": np.nan, "own_similarity": np.nan}
    own |= {"train_loss": 0.9, "left_out_by": "similarity"}
    short = few.assign(steps=50, mean_memorization=[0.1, 0.2, 0.3])
    scores = compared(10, 3)[1]
    found = judged(pd.concat([few, many, short]).assign(**own), scores)
    assert part(found, FALLS, "smallest").effect == pytest.approx(0.5)
    assert part(found, FALLS, "learned").effect == pytest.approx(0.02)
    more = part(found, STEPS, "after the most")
    assert more.effect == pytest.approx(0.3) and more.sets == 3 and more.low < 0.3 < more.high


def test_what_tells_a_repeated_point_rises_with_its_memorisation() -> None:
    table = pd.concat([rows([R], 0.0, R / 10, 0.0).assign(own_D_x=R) for R in (2, 5, 8)])
    table = table.query("left_out == 0 or copies == 1").drop_duplicates(["copies", "left_out", "masked"])
    table = pd.concat([table, table.assign(data_seed=1)])
    assert part(judged(table), TELLS, "D_x").effect == pytest.approx(1)
    assert part(judged(table.assign(own_D_x=-table.own_D_x)), TELLS, "D_x").effect < 0


def test_the_radius_is_judged_against_others_left_out() -> None:
    cost = radius(near(0.6, 0.2)).groupby("left_out_by").cost.mean().round(6)
    assert cost.to_dict() == {"random": 0.2, "similarity": 0.61}
    copied = rows([5], 0.1, 0.8, 0.7)
    found = judged(pd.concat([copied, near(0.6, 0.2)]))
    assert part(found, RADIUS, "T = 300").effect == pytest.approx(0.41) and part(found, RADIUS, "T = 300").low > 0
    assert part(judged(pd.concat([copied, near(0.2, 0.6)])), RADIUS, "T = 300").high < 0
    both = Tables({"cells": pd.concat([copied, near(0.6, 0.2)])})
    assert draw(both, {}).keys() == {"leaving_out"}


def test_nothing_trained_answers_nothing_and_draws_nothing() -> None:
    cells = pd.concat([rows([5], 0.1, 0.8, 0.7), near(0.6, 0.2), compared(300)[0]])
    found = judged(cells.head(0), compared(300)[1].head(0))
    assert not found.claims and not found.headline
    assert not any(of.sets for _, answer in found.questions for of in answer.parts)
    assert draw(Tables({"cells": cells.head(0)}), {}) == {}


def test_the_items_kept_are_points_with_their_memorisation_after_most_steps() -> None:
    items = pd.DataFrame(
        [("point", 100, 0.5), ("point", 50, 0.5), ("feature", 100, np.nan), ("point", 200, np.nan)],
        columns=["kind", "steps", "memorization"],
    )
    assert shown(items).tolist() == [True, False, False, False]
    assert len(shown(items[:0])) == 0
