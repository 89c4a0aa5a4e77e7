"""Bits, the points that carry test loss, and clusters, in cases known by hand; and what tables say of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.middle import claims as middle_claims
from stages.experiments.middle.claims import peaks
from stages.experiments.middle.figure import draw
from stages.experiments.middle.measure import (
    COLUMNS,
    PLANE,
    VALUE_BITS,
    across,
    bits,
    by_loss,
    clustered,
    description,
    kept,
    met,
    taken_out,
    worst,
)
from stages.families.toy.data.drawing import sample
from stages.families.toy.data.points import Points
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from stages.grid.cells import Cell
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import finding, part

FEW, ALIKE, ONE, CLUSTERS, CAPACITY = "how few", "points like", "one feature", "clusters", "data's bits"


def points(*rows: dict[int, float], n: int = 8) -> Points:
    """Points of these features and values."""
    start = np.cumsum([0, *map(len, rows)])
    feature = np.array([i for row in rows for i in row], dtype=np.int32)
    return Points(n, start, feature, np.array([v for row in rows for v in row.values()], dtype=np.float32))


def zero(n: int = 8) -> Model:
    """A model whose output is 0."""
    return Model(np.zeros((2, n), np.float32), np.full(n, -1, np.float32))


def test_a_description_names_features_and_values() -> None:
    assert description(8, np.array([0, 1, 8])).tolist() == pytest.approx([0, 3 + VALUE_BITS, 8 * VALUE_BITS])


def test_an_exact_polygon_holds_all_bits_less_which_point_it_is() -> None:
    data = drawn(n=400, S=0.99, T=4, supports="disjoint")
    own = sample(data)
    model = Model(*polygon_model(own))
    found = bits(met(model, own), met(zero(400), own))
    assert found["stored"] == 1
    full = description(400, np.diff(own.start))
    assert found["bits_data"] == pytest.approx(full.sum())
    assert found["bits_stored"] == pytest.approx((full - 2).sum(), rel=1e-3)


def test_output_zero_holds_nothing_and_half_a_point_is_its_largest_feature() -> None:
    own = points({0: 0.8, 1: 0.6}, {2: 0.6, 3: 0.8})
    of = met(zero(), own)
    assert bits(of, of)["bits_stored"] == 0
    left = 1 - 0.64 * (1 - 4.0 ** -(VALUE_BITS + 1))
    found = bits(of._replace(loss=np.array([left, 1.0])), of)
    assert found["bits_stored"] == pytest.approx(math.log2(8) + VALUE_BITS - 1) and found["stored"] == 0.5
    same = of._replace(loss=np.array([left, 1.0]))
    assert bits(same, same)["bits_stored"] == pytest.approx(0)  # what is said of fresh points too is no memory


def test_the_one_point_that_overshoots_carries_all_by_the_one_feature_that_training_points_cancel() -> None:
    """Feature 0 has a long column that feature 1 cancels in every training point; a fresh point has it without."""
    W = np.zeros((2, 8), np.float32)
    W[0, 0], W[0, 1], W[0, 2] = 6.0, -6.0, 0.1
    model = Model(W, np.full(8, -0.5, np.float32))
    trained = met(model, points({0: 0.6, 1: 0.6, 2: 0.5}, {0: 0.6, 1: 0.6, 3: 0.5}))
    others = [{k: 0.8, k + 1: 0.6} for k in (3, 4, 5, 6)] * 25
    new = met(model, points({0: 0.8, 3: 0.6}, *others[1:]))
    assert by_loss(new).tolist() == [0]
    found = worst(model, trained, new)
    assert found["carried"] == 1 and found["longer"] == 1 and found["above"] == 0.01
    assert found["without_one"] == 0 and found["without_other"] is not None and found["without_other"] > 0.9
    assert found["kept_worst"] == pytest.approx(1) and found["longer_all"] == 0.01
    assert found["kept_trained"] == pytest.approx(0, abs=0.02) and found["kept_fresh"] == pytest.approx(1)
    assert found["similar_worst"] == pytest.approx(0.78, abs=1e-6)


def test_what_is_kept_is_one_where_columns_are_orthogonal() -> None:
    W = np.eye(8)[:, :3]
    own = points({0: 0.6, 1: 0.8}, {0: 0.8, 2: 0.6})
    of = met(Model(W.T.astype(np.float32), np.zeros(8, np.float32)), own)
    assert kept(W, of, np.array([0, 0, 1])) == pytest.approx(1)


def test_a_fresh_point_is_in_a_cluster_if_as_near_as_its_points_are() -> None:
    rng = np.random.default_rng(0)
    of = met(zero(), points(*({0: 1.0},) * 60))
    h = np.concatenate(
        [rng.normal((5, 0), 0.1, (20, 2)), rng.normal((-5, 0), 0.1, (20, 2)), rng.uniform(-9, 9, (20, 2))]
    )
    new = of._replace(
        h=np.concatenate([h[:15] + 1e-6, np.full((45, 2), 30.0)]), loss=np.where(np.arange(60) < 5, 3.0, 1.5)
    )
    found = clustered(of._replace(h=h), new)
    assert found["clustered"] == pytest.approx(0.25, abs=0.02)
    assert found["clustered_carry"] == pytest.approx((10 + 5) / (10 + 27.5), abs=0.05)
    assert clustered(of._replace(h=np.zeros((60, 2))), new)["clustered"] == 0


def test_a_corner_is_taken_out_of_W_alone_and_of_h_with_others() -> None:
    own = sample(drawn(n=400, S=0.99, T=4, supports="disjoint"))
    model = Model(*polygon_model(own))
    found = taken_out(model, met(model, own))
    assert found["own_without_W"] == pytest.approx(0, abs=1e-6) and found["others_without_W"] == pytest.approx(
        1, rel=1e-3
    )
    assert found["own_without_h"] == pytest.approx(0, abs=1e-6)
    assert found["others_without_h"] == pytest.approx(2 / 3, rel=1e-3)  # the opposite corner goes with it
    assert taken_out(zero(400), met(zero(400), own)) == {}


def test_all_columns_are_measured_and_the_first_set_s_plane(training: Any) -> None:
    datas = [drawn(n=120, S=0.95, T=30, data_seed=seed) for seed in (0, 1)]
    own = [sample(data) for data in datas]
    rng = np.random.default_rng(0)
    model = Model(rng.normal(size=(2, 120)).astype(np.float32), np.full(120, -0.1, np.float32))
    measure = MEASURE.model_copy(update={"test_points": 500})
    found = across([Cell(data, training()) for data in datas], own, {0: model, 1: model}, measure)
    taken = {name for name in COLUMNS if "without_h" in name or "without_W" in name}  # where several points are stored
    assert found[0].keys() == (COLUMNS.keys() - taken) | {"plane"} and found[1].keys() == COLUMNS.keys() - taken
    plane = pd.DataFrame(found[0]["plane"])
    assert set(plane) == PLANE.keys() and plane.worst.sum() == 5 and (~plane.fresh).sum() == 30
    for name in ("above", "carried", "longer", "stray", "clustered", "stored", "similar"):
        assert 0 <= found[0][name] <= 1 + 1e-9, name


def made() -> Tables:
    """Test loss is highest at T = 200, where .9 is carried by the worst; 100 bits stored at most, 1,000 in the data."""
    rows = []
    for seed in range(8):
        for T, loss, stored in ((30, 1.0, 50.0), (100, 1.01, 100.0), (200, 1.2, 80.0), (500, 0.99, 10.0)):
            row: dict[str, Any] = dict.fromkeys(COLUMNS, 0.5) | {
                "status": "trained", "n": 100, "m": 2, "S": 0.99, "T": T, "data_seed": seed, "test_loss": loss,
                "carried": 0.9 if T == 200 else 0.1, "bits_stored": stored, "bits_data": T * (5 + 0.001 * seed),
            }  # fmt: skip
            rows.append(row)
    return Tables(cells=pd.DataFrame(rows))


def test_questions_are_answered_where_test_loss_is_highest() -> None:
    tables = made()
    (peak,) = peaks(tables.cells)
    assert peak.T == 200 and peak.inside and peak.words == "m = 2"
    summary = judge(middle_claims, tables, None)
    assert summary.headline["carried"] == pytest.approx(0.9)
    assert part(summary, FEW, "m = 2").effect == pytest.approx(0.9)
    assert part(summary, CAPACITY, "data over most").effect == pytest.approx(10, rel=0.01)
    assert part(summary, CAPACITY, "a parameter").effect == pytest.approx(100 / 300)
    for text in (ALIKE, ONE, CLUSTERS):
        assert finding(summary, text).parts
    assert draw(tables, {}).keys() == {"worst", "bits"}


def test_a_loss_that_is_highest_at_the_last_T_is_no_peak() -> None:
    cells = made().cells
    tables = Tables(cells=cells[cells["T"] <= 200])
    parts = finding(judge(middle_claims, tables, None), CAPACITY).parts
    assert [of.what for of in parts] == ["bits a parameter, m = 2"]


def test_without_models_nothing_is_said() -> None:
    tables = Tables(cells=made().cells.iloc[:0])
    assert not any(of.parts for _, of in judge(middle_claims, tables, None).questions)
    assert draw(tables, {}) == {}
