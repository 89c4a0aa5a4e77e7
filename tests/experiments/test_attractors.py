"""What attractors are called, and what is said of them, on models whose attractors are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from stages.claims import FAILS, HOLDS, UNDECIDED
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.attractors import KINDS, STARTS
from stages.experiments.attractors import claims as attractors_claims
from stages.experiments.attractors.figure import draw
from stages.experiments.attractors.measure import COLUMNS, ENDS, STEPS, across, grouped, mixtures, shown
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import features_on_circle, polygon_model
from stages.grid.cells import Cell
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import part, verdict

LAW, STORED, UNSEEN, OTHERS = (
    "corners of a triangle",
    "Are stored points",
    "unseen points end",
    "neither points nor features",
)


def measured(training: Any, model: Model | None = None, **data: Any) -> dict[str, Any]:
    """What is measured of a model on points of this description; None: the exact polygon of its points."""
    spec = drawn(**{"n": 400, "S": 0.99} | data)
    points = sample(spec)
    made = model or Model(*polygon_model(points))
    return across([Cell(spec, training())], [points], {0: made}, MEASURE)[0]


def test_a_triangle_of_points_has_them_as_its_attractors(training: Any) -> None:
    found = measured(training, T=3, supports="disjoint")
    assert found["attractors"] == found["attractors_point"] == 3
    assert found["points_answered"] == found["points_kept"] == found["noise_to_point"] == found["settled"] == 1
    assert found["features_kept"] is None or found["features_kept"] >= 0
    assert {row["kind"] for row in found["ends"]} == {"point"} and "paths" not in found


def test_a_heptagon_of_points_has_mixtures_of_two(training: Any) -> None:
    found = measured(training, T=7, supports="disjoint")
    of = [row for row in found["ends"] if row["from_noise"] > 0]
    assert len(of) == 7 and {row["kind"] for row in of} == {"points"}
    assert min(row["balance"] for row in of) > 0.99 and found["noise_to_points"] == 1
    assert all(row["point_2"] == pytest.approx(1, abs=1e-4) and row["fresh_3"] < 0.8 for row in of)
    assert sum(row["from_noise"] for row in of) == pytest.approx(1)


def test_a_triangle_of_features_has_them(training: Any) -> None:
    W = features_on_circle(400, 3, 1.2)
    found = measured(training, Model(W, np.where(W.any(axis=0), -0.1, -1.0)), T=50)
    assert found["attractors_feature"] == 3 and found["features_kept"] == 1
    assert found["noise_to_feature"] == 1 and found["fresh_to_rest"] > 0.5
    assert {len(found["paths"]), found["paths"][-1]["moment"]} == {48 * 13, 12}


def test_shares_add_up_and_every_column_is_declared(training: Any) -> None:
    found = measured(training, T=6)
    for start in STARTS:
        assert sum(found[f"{start}_to_{kind}"] for kind in KINDS) == pytest.approx(1)
    assert sum(found[f"attractors_{kind}"] for kind in KINDS) == found["attractors"] == len(found["ends"])
    assert found.keys() - {"ends", "paths"} == COLUMNS.keys()
    assert found["ends"][0].keys() == ENDS.keys() and found["paths"][0].keys() == STEPS.keys()


def test_mixtures_are_found_one_by_one() -> None:
    X = sparse.csr_array(np.eye(4))
    found = mixtures(X, np.array([0.8, 0.6, 0.0, 0.0]))
    np.testing.assert_allclose(found.cosine, [0.8, 1, 1], atol=1e-7)
    assert found.balance[0] == 1 and found.balance[1] == pytest.approx(0.75)
    away = mixtures(X[:1], np.array([0.0, 0.0, 0.0, 1.0]))
    assert away.cosine == [0.0] and away.balance == [0.0]


def test_ends_are_grouped_and_the_commonest_comes_first() -> None:
    x = np.array([[0.0, 0], [1, 0], [0, 1], [0, 1], [np.cos(0.01), np.sin(0.01)], [0, 1]])
    found = grouped(x)
    np.testing.assert_array_equal(found.x, [[0, 1], [1, 0]])
    assert found.of.tolist() == [-1, 1, 0, 0, 1, 0]
    assert grouped(np.zeros((3, 2))).of.tolist() == [-1, -1, -1]


BASE = {"status": "trained", "m": 2, "supports": "random"}


def made(**changed: Any) -> Tables:
    """Of four training sets: a triangle that is kept, a pentagon that is not; and 1,000 points."""
    of = {"points_answered": 1.0, "unscaled_grow": 0.2, "unscaled_length": 0.1, "features_kept": None}
    of |= {"attractors": 5, "attractors_other": 1} | {f"fresh_to_{kind}": 0.0 for kind in KINDS}
    kinds = {
        3: {"points_kept": 1.0, "points_to_points": 0.0, "fresh_to_rest": 1.0},
        5: {"points_kept": 0.0, "points_to_points": 1.0, "fresh_to_rest": 1.0},
        500: {"points_kept": 0.0, "points_answered": 0.0, "fresh_to_other": 1.0},
        1000: {"points_kept": 0.0, "points_answered": 0.0, "fresh_to_features": 1.0, "features_kept": 0.8},
    }
    rows, ends = [], []
    for seed in range(4):
        for supports in ("random", "disjoint"):
            for T, own in kinds.items():
                rows.append(BASE | of | own | {"cell": len(rows), "T": T, "data_seed": seed, "supports": supports})
                rows[-1] |= changed
                ends.append(
                    {"cell": len(rows) - 1, "data_seed": seed, "T": T, "kind": "points" if T == 5 else "other"}
                    | {"from_noise": 0.5, "m": 2, "balance": 0.95}
                    | {"point_2": 0.97, "point_3": 0.6, "fresh_3": 0.2, "feature_1": 0.57, "feature_2": 0.8}
                    | {"x": 1.0, "y": 0.0}
                )
    return Tables({"cells": pd.DataFrame(rows), "ends": pd.DataFrame(ends)})


def test_claims_are_judged_by_what_is_kept() -> None:
    found = judge(attractors_claims, made(), MEASURE)
    assert verdict(found, LAW) == HOLDS
    assert part(found, STORED, "up to T = 2 m").effect == 1 and part(found, STORED, "of more").effect == 0
    assert part(found, UNSEEN, "1,000 and more: a mixture of two or three features").effect == 1
    assert part(found, OTHERS, "T = 500: cosine with two features").effect == pytest.approx(0.8)
    assert found.headline == {"kept_up_to_2m": 1, "kept_beyond_2m": 0}
    assert verdict(judge(attractors_claims, made(points_to_points=0.5), MEASURE), LAW) == FAILS
    failed = judge(attractors_claims, made(status="failed"), MEASURE)
    assert verdict(failed, LAW) == UNDECIDED and failed.headline == {}


def test_figures_show_what_there_is() -> None:
    tables = made()
    assert draw(tables, {}).keys() == {"kept"}
    assert draw(made(status="failed"), {}) == {}
    cell = tables.cells[(tables.cells["T"] == 5) & (tables.cells.supports == "random")].iloc[0]
    paths = pd.DataFrame({"cell": cell.cell, "T": 5, "path": [0, 0], "moment": [0, 1], "x": [1.0, 0], "y": [0.0, 1]})
    items = pd.DataFrame({"cell": cell.cell, "kind": ["point", "feature"], "x": [1.0, 0], "y": [0.0, 1]})
    with_paths = Tables({"cells": tables.cells, "ends": tables["ends"], "paths": paths, "items": items})
    assert draw(with_paths, {}).keys() == {"kept", "planes"}


def test_git_keeps_the_vectors_of_one_training_set() -> None:
    items = pd.DataFrame({"m": [2, 2, 3, 2], "data_seed": [0, 1, 0, 0], "supports": ["random"] * 3 + ["disjoint"]})
    assert shown(items).tolist() == [True, False, False, False]
