"""Inputs and scores, on a model whose special case is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.special_cases import COMPARISONS, SCORES
from stages.experiments.special_cases import claims as special_cases_claims
from stages.experiments.special_cases.figure import draw
from stages.experiments.special_cases.measure import across
from stages.families.toy.data.drawing import sample, stream
from stages.families.toy.measures.detection import (
    Known,
    Trained,
    dictionary,
    dimensionality_among,
    leverage_among,
    mahalanobis,
    nearness,
    scores,
    sparse_code,
    structure,
    unexplained_variance,
)
from stages.families.toy.measures.lookalikes import lookalikes, noisy, sparse
from stages.families.toy.model.model import Model
from stages.grid.cells import Cell
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import finding, part, verdict

KNOWS, BLINDLY = "knowing what is in superposition tells", "without knowing what is in superposition"
WORKS, FOUND, FORGOTTEN = "does some score tell", "Can special cases be found", "does not recall told"
EXACT, NOISY = "planted points against ordinary", "under noise against ordinary"

DATA = drawn(n=120, S=0.95, T=200, trained_on={"repeated": 1, "copies": 20})


def special() -> Model:
    """Two features at right angles, and the first point at 225 degrees, the rest of W near 0."""
    points = sample(DATA)
    planted = points.part(0, 1)
    W = np.random.default_rng(0).normal(scale=1e-3, size=(2, 120))
    free = np.setdiff1d(np.arange(120), planted.feature)[:2]
    W[:, free] = np.eye(2)
    W[:, planted.feature] = -np.sqrt(0.5) * planted.value
    return Model(W.astype(np.float32), np.zeros(120, np.float32))


def test_the_special_case_is_found_in_the_model_without_being_told() -> None:
    known = structure(special(), sample(DATA))
    assert known.items.tolist() == [0]
    np.testing.assert_allclose(known.candidates, [[-np.sqrt(0.5)] * 2], atol=1e-2)
    assert len(known.features) == 2 and np.abs(known.features).max() == pytest.approx(1, abs=1e-4)


def test_a_code_of_features_or_of_a_point_by_hand() -> None:
    known = Known(np.eye(2), np.array([[-1.0, 0.0]]), np.array([0]))
    h = np.array([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0], [-0.6, 0.8], [0.0, -1.0]])
    np.testing.assert_allclose(sparse_code(h, known), [0, 0, 1, 0.36, 0], atol=1e-12)
    assert sparse_code(h, known._replace(candidates=np.empty((0, 2)))).tolist() == [0] * 5


def test_inputs_are_what_they_are_said_to_be() -> None:
    model, points = special(), sample(DATA)
    planted = points.part(0, 1)._replace(weight=None)
    ordinary = next(stream(120, 0.95, 5000, 1, 5000))
    under = noisy(planted, ordinary)
    x = np.zeros((under.T, 120))
    x[under.row, under.feature] = under.value
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-5)
    assert (x[:, planted.feature] @ planted.value > 0.9).all()
    like = lookalikes(model, under, planted, "seed")
    assert not np.isin(like.feature, planted.feature).any() and (like.value > 0).all()
    np.testing.assert_array_equal(sparse(x).value, under.value)


def test_look_alikes_land_where_the_planted_point_does() -> None:
    rng = np.random.default_rng(1)
    model = Model(rng.normal(size=(2, 120)).astype(np.float32), np.zeros(120, np.float32))
    planted = sample(DATA).part(0, 1)._replace(weight=None)
    away = np.linalg.norm(model.hidden(lookalikes(model, planted, planted, "seed")) - model.hidden(planted), axis=1)
    assert np.median(away) < 0.05 * np.linalg.norm(model.hidden(planted))


def test_scores_that_know_the_structure_tell_it(training: Any) -> None:
    found = across([Cell(DATA, training())], [sample(DATA)], {0: special()}, MEASURE)[0]
    areas = {(row["comparison"], row["score"]): row["area"] for row in found["scores"]}
    assert list(areas) == [(kind, name) for kind, asked in COMPARISONS.items() for name in asked.scores]
    assert found["candidates_right"] == found["candidates_found"] == 1 and areas["noisy", "code"] > 0.99
    assert areas["noisy", "unexplained"] == 0.5  # two directions of two span everything
    inputs = sample(DATA)
    by_name = scores(special(), inputs, inputs, structure(special(), inputs), dictionary(special(), inputs))
    assert by_name.keys() == SCORES.keys()
    assert by_name["nearest"].max() == 0 and len(by_name["D_star"]) == 200


def test_scores_among_training_points_by_hand() -> None:
    """Of two points, (1, 0) twice and (-2, 0) once: the mean is 0, the covariance of the first coordinate 9 / 2."""
    trained = Trained(np.array([[1.0, 0.0], [-2.0, 0.0]]), np.array([2.0, 1.0]))
    h = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(dimensionality_among(h, trained), [1 / 6, 9 / 6, 0])
    np.testing.assert_allclose(leverage_among(h, trained), [1 / 7, 9 / 15, 1])
    np.testing.assert_allclose(mahalanobis(h, trained), [2 / 9, 2, 0], atol=1e-12)
    np.testing.assert_allclose(nearness(h, trained), [0, -4, -2])
    np.testing.assert_allclose(unexplained_variance(h, trained), [0, 0, 1], atol=1e-12)


def made(recalled: float = 1.0, right: float = 1.0, sets: int = 4, **area: float) -> Tables:
    """Of two models a training set, m = 2 and 4, whose ROC areas are .5, a little more or less, but for these."""
    base = {"status": "trained", "planted_recalled": recalled, "copies": 10, "candidates": 1, "candidates_found": 1.0}
    base |= {"candidates_right": right}
    cells = [
        base | {"cell": 2 * seed + k, "m": m, "data_seed": seed} for seed in range(sets) for k, m in ((0, 2), (1, 4))
    ]
    rows = [
        {"cell": of["cell"], "comparison": kind, "score": name}
        | {"area": area.get(name, 0.5) + 0.002 * (of["data_seed"] % 2) * (name in ("code", "D_star"))}
        for of in cells
        for kind, asked in COMPARISONS.items()
        for name in asked.scores
    ]
    return Tables({"cells": pd.DataFrame(cells), "scores": pd.DataFrame(rows)})


def judged(**columns: Any) -> Summary:
    return judge(special_cases_claims, made(**columns), MEASURE)


def test_knowing_the_superposition_is_judged_by_what_it_adds() -> None:
    found = judged(code=0.95, D_star=0.7, right=0.5)
    assert verdict(found, KNOWS) == HOLDS and verdict(found, BLINDLY) == HOLDS
    assert part(found, KNOWS, "ordinary").effect == pytest.approx(0.25)
    assert verdict(judged(code=0.95, D_star=0.97), KNOWS) == FAILS
    assert verdict(judged(code=0.95, D_star=0.97), BLINDLY) == FAILS
    assert (
        verdict(judged(code=0.95, explained=0.99), KNOWS) == HOLDS
    )  # an error is no score of h, and not compared with
    assert verdict(judged(code=0.95, D_star=0.7, sets=1), KNOWS) == UNDECIDED


def test_questions_are_answered_by_the_best_score() -> None:
    found = judged(code=0.95, right=0.5)
    assert part(found, WORKS, EXACT).effect == pytest.approx(0.951) and part(found, WORKS, NOISY).sets == 4
    assert part(found, FOUND, "among the candidates").effect == 1
    assert part(found, FOUND, "all planted").effect == 0 and part(judged(), FOUND, "all planted").effect == 1
    assert found.headline["best_area_noisy"] == pytest.approx(0.951)
    assert not part(found, FORGOTTEN, "best area").sets
    assert part(judged(recalled=0.0, code=0.8), FORGOTTEN, "best area").effect == pytest.approx(0.801)


def test_models_that_recall_nothing_decide_nothing_and_are_not_drawn() -> None:
    found = judged(recalled=0.0, code=0.95)
    assert found.headline == {}
    assert verdict(found, KNOWS) == verdict(found, BLINDLY) == UNDECIDED
    assert not any(of.sets for of in finding(found, WORKS).parts)
    assert draw(made(recalled=0.0), {}) == {} and draw(made(), {}).keys() == {"areas"}
