"""What counts as memorised, on models and tables that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary, judged
from stages.core.tables import Tables
from stages.experiments.repeats import claims
from stages.experiments.repeats.claims import agreement, best_boundary
from stages.experiments.repeats.figure import draw
from stages.experiments.repeats.measure import cell, shown
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import finding, verdict

FEW, FIVE, PLACE, EACH, MANY, LARGE, LOW, NEAR, FORGOTTEN = EVERY = (
    "two or three copies",
    "five copies",
    "place of one feature",
    "up to five repeated",
    "more than five repeated",
    "at larger T / n",
    "at low T / n",
    "then dropped",
    "then forgotten",
)
ALL = 12  # training sets


def test_a_point_that_is_stored_is_recalled_and_one_that_is_not_is_not() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, points="disjoint", trained_on={"repeated": 2, "copies": 4}))
    W, b = polygon_model(points)
    exact = cell(Model(W.astype(np.float32), b.astype(np.float32)), points, MEASURE)
    assert exact["repeated_recalled"] == exact["others_recalled"] == 1
    assert exact["repeated_loss"] == pytest.approx(0, abs=1e-5)
    W[:, points.feature[points.row == 0]] = 0  # one of the two is forgotten
    half = cell(Model(W.astype(np.float32), np.zeros(200, dtype=np.float32)), points, MEASURE)
    assert half["repeated_recalled"] < 1 and half["repeated_loss"] > 0.4


def test_top_is_by_rank_of_each_copy_s_dimensionality() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, points="disjoint", trained_on={"repeated": 1, "copies": 4}))
    W, _ = polygon_model(points)
    zero = np.zeros(200, dtype=np.float32)
    W[:, points.feature[points.row == 0]] *= 1e-3  # shares its dimensions with all the others
    assert cell(Model(W.astype(np.float32), zero), points, MEASURE)["repeated_top"] == 0
    lone = np.zeros((2, 200), dtype=np.float32)
    lone[0, points.feature[points.row == 0]] = 1  # the only one with a hidden vector
    assert cell(Model(lone, zero), points, MEASURE)["repeated_top"] == 1


def table(c: float, sets: int = ALL, **columns: Any) -> pd.DataFrame:
    """A run at each (T, R) of each training set, memorised from R = c T / n on, with one feature fewer then."""
    rows = [
        {"T": T, "n": 1000, "repeated": 1, "copies": R, "snapshots": 0, "selected": True, "data_seed": seed}
        | {"features_forgotten": None}
        | {"repeated_recalled": float(c * T / 1000 < R), "repeated_top": float(c * T / 1000 < R)}
        | {"features_learned": 4 if c * T / 1000 < R else 5}
        for T in (1000, 2000, 3000, 8000, 16000)
        for R in (1, 2, 3, 4, 5, 8, 16)
        for seed in range(sets)
    ]
    return pd.DataFrame(rows).assign(**columns).reset_index(names="cell")


def judge(runs: pd.DataFrame, D: float = 0.0, at: int = 10) -> Summary:
    """Of runs of twenty steps, in which the first point's D is this at a step, else 0."""
    items = runs[["cell", "T", "copies", "repeated", "snapshots"]].assign(kind="point", item=0)
    every = pd.concat([items.assign(step=step, D=D * (step == at)) for step in (0, 10, 20)])
    return judged(claims, Tables(cells=runs, items=every), MEASURE)


@pytest.mark.parametrize("c", [0.4, 1.0, 1.7])
def test_the_boundary_is_found(c: float) -> None:
    runs = table(c, 1)
    best = best_boundary(runs, "repeated_recalled")
    assert best == pytest.approx(c, rel=0.5) and agreement(runs, "repeated_recalled", best) == 1
    found = judge(table(c))
    shown = finding(found, "From how many copies").shown
    assert shown is not None and shown["c of R = c T / n (recalled)"] == pytest.approx(
        [best] * len(set(table(c).data_seed))
    )
    assert found.headline == {"boundary_recalled": pytest.approx(best)}


def test_where_all_runs_are_alike_there_is_no_boundary() -> None:
    for recalled in (0.0, 1.0):
        found = judge(table(0.4, repeated_recalled=recalled, repeated_top=recalled))
        assert found.headline == {} and not (finding(found, "From how many copies").shown or {}).get(
            "c of R = c T / n (recalled)"
        )


@pytest.mark.parametrize(
    ("runs", "text", "expected"),
    [
        (table(0.4), LARGE, HOLDS),
        (table(3.0), LARGE, FAILS),
        (table(0.4).assign(repeated_top=0.0), LARGE, FAILS),
        (table(0.4, 3), LARGE, UNDECIDED),
        (table(1.2), LOW, HOLDS),
        (table(0.4), LOW, FAILS),
        (table(0.7), FEW, FAILS),  # three are enough
        (table(1.2), FEW, HOLDS),
        (table(1.2).assign(features_learned=lambda of: of.copies), FEW, FAILS),
        (table(1.2)[lambda of: of["T"] != 3000], FEW, UNDECIDED),
        (table(1.2), FIVE, HOLDS),
        (table(1.2).assign(features_learned=5), FIVE, FAILS),
        (table(3.0), FIVE, FAILS),
        (table(0.4), PLACE, HOLDS),
        (table(0.4).assign(features_learned=lambda of: of["T"].clip(upper=5000) / 1000), PLACE, FAILS),  # T alone
        (table(0.4, 4), PLACE, UNDECIDED),
        (table(0.4, repeated=3, repeated_recalled=1.0, features_learned=2), EACH, HOLDS),
        (table(0.4, repeated=3, repeated_recalled=1.0, features_learned=3), EACH, FAILS),
        (table(0.4, repeated=3, repeated_recalled=2 / 3, features_learned=2), EACH, FAILS),
        (table(0.4, repeated=8, repeated_recalled=5 / 8, features_learned=0), MANY, HOLDS),
        (table(0.4, repeated=8, repeated_recalled=5 / 8, features_learned=1), MANY, FAILS),
        (table(0.4, repeated=8, repeated_recalled=6 / 8, features_learned=0), MANY, FAILS),
        (table(0.4), MANY, UNDECIDED),
    ],
)
def test_each_claim_is_about_its_own_number(runs: pd.DataFrame, text: str, expected: str) -> None:
    assert verdict(judge(runs), text) == expected


def test_a_point_that_had_a_feature_s_dimensionality_and_is_lost_was_a_near_miss() -> None:
    lost = table(99, snapshots=5)
    assert verdict(judge(lost, D=0.4), NEAR) == HOLDS
    assert verdict(judge(lost, D=0.4, at=20), NEAR) == UNDECIDED  # it is there in the end
    once = table(99, snapshots=5, features_forgotten=0)
    assert verdict(judge(once), FORGOTTEN) == UNDECIDED
    assert verdict(judge(once.assign(features_forgotten=once["T"] == 1000)), FORGOTTEN) == HOLDS
    assert verdict(judge(once.assign(features_forgotten=once.copies > 1)), FORGOTTEN) == UNDECIDED
    for runs, D in ((lost, 0.001), (table(0.0, snapshots=5), 0.4), (table(99), 0.4)):
        assert verdict(judge(runs, D), NEAR) == UNDECIDED


def test_recalled_points_and_features_are_added_up() -> None:
    runs = table(0.4, snapshots=5)
    runs = (
        runs[runs.copies == runs.copies.max()].groupby("data_seed").head(1).assign(repeated=3, repeated_recalled=2 / 3)
    )
    for features, share in ((3, 1), (2, 0)):
        (part,) = finding(judge(runs.assign(features_learned=features)), "Does each recalled").parts
        assert part.effect == share and part.sets == runs.data_seed.nunique()


def test_nothing_trained_decides_nothing_and_draws_nothing() -> None:
    none = table(0.4, selected=False)
    found = judge(none)
    assert {verdict(found, text) for text in EVERY} == {UNDECIDED} and found.headline == {}
    assert not finding(found, "From how many copies").parts
    assert draw(Tables(cells=none, items=none.assign(kind="point")), {}) == {}


def test_the_map_is_drawn_and_a_watched_run_of_each_kind() -> None:
    cells = pd.concat([table(0.4, 2), table(0.4, 2, snapshots=5)]).assign(cell=lambda of: range(len(of)))
    seen = cells[cells.snapshots > 0]
    vectors = pd.DataFrame({"kind": ["feature", "point"], "x": 1.0, "y": 0.5, "norm": 1.1, "D": 0.3, "item": 0})
    items = seen.merge(vectors, how="cross").merge(pd.DataFrame({"step": [0, 10]}), how="cross")
    assert draw(Tables(cells=cells, items=items), {}).keys() == {"map", "embedding"}


def test_of_a_watched_run_what_moves_most_is_kept_and_the_end_whole() -> None:
    rows = [
        {"cell": cell, "snapshots": 9 * watched, "repeated": 2, "copies": 5, "data_seed": seed}
        | {"step": step, "kind": kind, "item": item, "D": item * (step == 10)}
        for cell, watched, seed in ((0, False, 0), (1, True, 1), (2, True, 0))
        for step in (0, 10, 20)
        for kind in ("feature", "point")
        for item in range(12)
    ]
    items = pd.DataFrame(rows)
    kept = items[shown(items)]
    assert set(kept.cell) == {1, 2} and set(kept.kind[kept.cell == 1]) == {"point"}
    assert kept[kept.cell == 1].groupby("step").size().to_dict() == {10: 2, 20: 2}  # the repeated points
    kept = kept[kept.cell == 2]  # the first training set
    assert kept.groupby("step").size().to_dict() == {10: 8 + 2, 20: 24}
    assert set(kept["item"][(kept.kind == "feature") & (kept.step == 10)]) == set(range(4, 12))
    assert not shown(items[items.snapshots == 0]).any() and len(shown(items[:0])) == 0
