"""Inputs and scores, on a model whose special case is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.special_cases import COMPARISONS, SCORES
from stages.experiments.special_cases.claims import summary
from stages.experiments.special_cases.measure import across
from stages.families.toy.data.drawing import sample, stream
from stages.families.toy.measures.detection import (
    Known,
    Trained,
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
from tests.experiments.verdicts import verdict

EXACT, NOISY = "planted points from ordinary", "under noise from ordinary inputs"
TRAINED, LOOKALIKE = "under noise from other training points", "from look-alikes"
KNOWS, KNOWS_TRAINED = "special cases from ordinary inputs better", "special cases from other training points better"
FOUND, FORGOTTEN = "can be found in the trained model", "does not recall is not told"

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
    by_name = scores(special(), inputs, inputs, structure(special(), inputs))
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


def judged(recalled: float = 1.0, right: float = 1.0, **area: float) -> Summary:
    """Of two models, m = 2 and 4, whose ROC areas are .5 but for these."""
    base = {"status": "trained", "planted_recalled": recalled, "copies": 10, "candidates": 1, "candidates_found": 1.0}
    cells = [base | {"cell": k, "m": m, "candidates_right": right} for k, m in enumerate((2, 4))]
    rows = [
        {"cell": k, "comparison": kind, "score": name, "area": area.get(name, 0.5)}
        for k in (0, 1)
        for kind, asked in COMPARISONS.items()
        for name in asked.scores
    ]
    return summary(Tables(cells=pd.DataFrame(cells), scores=pd.DataFrame(rows)), MEASURE)


def test_claims_go_by_the_areas() -> None:
    every = (EXACT, NOISY, TRAINED, LOOKALIKE, KNOWS, KNOWS_TRAINED, FOUND, FORGOTTEN)
    assert [verdict(judged(code=0.95), text) for text in every] == [True] * 7 + [None]
    found = judged(code=0.95, D_star=0.97, right=0.0)
    assert [verdict(found, text) for text in every] == [True, True, True, True, False, False, False, None]
    assert found.headline["best_area_noisy"] == pytest.approx(0.97)
    assert verdict(judged(code=0.95, explained=0.99), KNOWS) is True  # an error is no score of h, and not compared with
    assert [verdict(judged(), text) for text in every[:4]] == [False] * 4
    assert verdict(judged(recalled=0.0, code=0.95), FORGOTTEN) is False
    assert verdict(judged(recalled=0.0, code=0.55), FORGOTTEN) is True
    assert judged(recalled=0.0).headline == {}
