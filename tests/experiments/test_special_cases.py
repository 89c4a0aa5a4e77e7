"""Inputs and scores, on a model whose special case is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.experiments.special_cases.inputs import lookalikes, noisy, sparse
from stages.experiments.special_cases.measure import COMPARISONS, across, summary
from stages.experiments.special_cases.scores import Known, coded, scores, structure
from stages.params import Cell
from stages.toy.data import sample, stream
from stages.toy.model import Model
from tests.conftest import MEASURE, drawn

DATA = drawn(n=120, S=0.95, T=200, repeated=1, copies=20)


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
    np.testing.assert_allclose(coded(h, known), [0, 0, 1, 0.36, 0], atol=1e-12)
    assert coded(h, known._replace(candidates=np.empty((0, 2)))).tolist() == [0] * 5


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
    cell = Cell(DATA, training())
    found = across([cell], [sample(DATA)], {0: special()}, MEASURE)[0]
    assert {name for name in found if name.startswith("area")} == {
        f"area_{kind}_{name}" for kind, of in COMPARISONS.items() for name in of.scores
    }
    assert found["candidates_right"] == found["candidates_found"] == 1 and found["area_noisy_code"] > 0.99
    assert found["area_noisy_unexplained"] == 0.5  # two directions of two span everything
    inputs = sample(DATA)
    of = scores(special(), inputs, inputs, structure(special(), inputs))
    weight = inputs.weight
    assert weight is not None
    assert of["nearest"].max() == 0 and len(of["D_star"]) == 200


def table(**areas: float) -> pd.DataFrame:
    base = {"status": "trained", "planted_recalled": 1.0, "m": 2, "candidates": 1, "candidates_right": 1.0} | {
        "copies": 10,
        "candidates_found": 1.0,
    }
    values = {f"area_{kind}_{name}": areas.get(name, 0.5) for kind, of in COMPARISONS.items() for name in of.scores}
    return pd.DataFrame([base | values, base | values | {"m": 4}])


def test_claims_go_by_the_areas() -> None:
    found = [claim.holds for claim in summary(table(code=0.95), MEASURE).claims]
    assert found == [True] * 7 + [None]
    found = [
        claim.holds for claim in summary(table(code=0.95, D_star=0.97).assign(candidates_right=0.0), MEASURE).claims
    ]
    assert found == [True, True, True, True, False, False, False, None]
    found = [claim.holds for claim in summary(table(code=0.95, explained=0.99), MEASURE).claims]
    assert found[4] is True  # an error is no score of h, and not compared with
    assert [claim.holds for claim in summary(table(), MEASURE).claims][:4] == [False] * 4
    lost = table(code=0.95).assign(planted_recalled=0.0)
    assert summary(lost, MEASURE).claims[7].holds is False
    assert summary(table(code=0.55).assign(planted_recalled=0.0), MEASURE).claims[7].holds is True
