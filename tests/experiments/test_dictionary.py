"""What is looked for in a model, and the choice of a way on one half and its judgement on the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.dictionary import SOURCES, WAYS
from stages.experiments.dictionary import claims as dictionary_claims
from stages.experiments.dictionary.claims import best, found
from stages.experiments.dictionary.figure import draw
from stages.experiments.dictionary.measure import COLUMNS, FOUND, across, activations, known
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from stages.grid.cells import Cell
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import finding, part

POINTS, FEATURES, PLANTED, OUTGROWN = "points that a model stores", "features that", "find both", "outgrow"


def test_stored_points_of_an_exact_polygon_are_found(training: Any) -> None:
    data = drawn(n=400, S=0.99, T=5, supports="disjoint")
    points = sample(data)
    model, cell = Model(*polygon_model(points)), Cell(data, training())
    assert known(cell, points, model)["points"].tolist() == [0, 1, 2, 3, 4]
    found_there = across([cell], [points], {0: model}, MEASURE)[0]
    assert found_there.keys() - {"scores"} == COLUMNS.keys() and found_there["known_points"] == 5
    rows = pd.DataFrame(found_there["scores"])
    assert set(rows) == FOUND.keys()
    assert {tuple(way) for way in rows[["source", "method", "sparsity"]].to_numpy()} == {tuple(way) for way in WAYS}
    of = rows[rows.target == "points"].set_index(["source", "method", "sparsity"])
    assert of.loc[("outputs", "factors", 0.0), "recovered"] == 1
    assert of.loc[("trained", "coding", 0.3), "recovered"] == 1
    assert of.loc[("outputs", "factors", 0.0), "chance"] == 0


def test_copies_count_and_planted_points_are_looked_for_where_they_are_recalled(training: Any) -> None:
    data = drawn(n=120, S=0.95, T=50, trained_on={"repeated": 2, "copies": 20})
    points, W = sample(data), np.zeros((2, 120))
    W[0, points.part(0, 1).feature] = points.part(0, 1).value
    model, cell = Model(W, np.zeros(120)), Cell(data, training())
    assert known(cell, points, model)["planted"].tolist() == [0]
    vectors = activations(cell, points, model, MEASURE, np.random.default_rng(0))
    assert vectors.keys() == SOURCES.keys() and len(vectors["trained"]) == 48 + 40
    assert (np.abs(vectors["trained"][:, 0]) > 0.99).sum() >= 20


def made(sets: int = 8) -> Tables:
    """Sparse coding finds .9 of what there is on even sets and .5 on odd ones; the autoencoder .8 and .8."""
    rows = []
    for seed in range(sets):
        for target, T, m, copies in (
            ("points", 30, 8, 1),
            ("points", 150, 8, 1),
            ("features", 2000, 4, 1),
            ("planted", 2000, 4, 10),
        ):
            for way in WAYS:
                share = {"coding": 0.5 if seed % 2 else 0.9, "autoencoder": 0.8, "factors": 1.0}[way.method]
                share += 0.001 * (way.sparsity == 0.3)
                rows.append(
                    {"target": target, "T": T, "m": m, "copies": copies, "data_seed": seed, "chance": 0.1}
                    | way._asdict()
                    | {"recovered": share, "on_target": share / 2}
                )
    return Tables({"scores": pd.DataFrame(rows)})


def test_the_best_way_is_chosen_on_even_sets_and_judged_on_odd_ones() -> None:
    ways = {source: (way, of) for source, way, of in best(found(made(), "points", T=30))}
    assert ways["trained"][0] == ("coding", 0.3) and ways["outputs"][0] == ("factors", 0.0)
    assert sorted(ways["trained"][1].data_seed) == [1, 3, 5, 7]
    summary = judge(dictionary_claims, made(), MEASURE)
    for question in (POINTS, FEATURES, PLANTED):
        assert part(summary, question, "hidden vectors of training points").effect == pytest.approx(0.501)
        assert part(summary, question, "outputs").effect == 1 and part(summary, question, "outputs").sets == 4
    assert part(summary, OUTGROWN, "hidden vectors of training points").effect == pytest.approx(0.2505)
    assert summary.headline["points_from_trained"] == pytest.approx(0.501)


def test_without_models_there_is_nothing_to_say_or_draw() -> None:
    empty = Tables({"scores": made().scores.head(0)})
    summary = judge(dictionary_claims, empty, MEASURE)
    assert summary.headline == {} and not finding(summary, POINTS).parts
    assert draw(empty, {}) == {} and draw(made(), {}).keys() == {"recovered"}
