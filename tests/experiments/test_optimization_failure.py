"""Shapes of hidden vectors that are known, and what is made of their shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary, judged
from stages.core.tables import Tables
from stages.experiments.optimization_failure import claims
from stages.experiments.optimization_failure.claims import shares
from stages.experiments.optimization_failure.figure import draw
from stages.experiments.optimization_failure.measure import OWN, shape
from tests.conftest import MEASURE
from tests.experiments.verdicts import finding, part, verdict

CIRCLES, GAP = "leave points on two circles", "angular gap"
BEST, MISS, LOST, RATE, STEPS = (
    "best of several",
    "miss the polygon where",
    "leave points unstored",
    "learning rate help",
    "more steps help",
)


def ring(radii: list[float], turn: float = 0.0) -> np.ndarray:
    angle = 2 * np.pi * np.arange(len(radii)) / len(radii) + turn
    return np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize(
    ("radii", "expected"),
    [
        ([2.0] * 8, "regular"),
        ([2.0, 1.0] * 4, "two circles"),
        ([2.0, 2.1, 2.0, 1.2, 1.25, 2.05], "two circles"),
        ([2.0] * 7 + [0.1], "dead point"),
        ([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], "other"),
        ([1.0, 2.0, 4.0], "other"),
    ],
)
def test_shapes_are_told_apart_and_do_not_hang_on_turn_or_size(radii: list[float], expected: str) -> None:
    for size, turn in ((1.0, 0.0), (7.0, 1.0)):
        assert shape(size * ring(radii, turn), 0.05) == expected


def cells(shapes: dict[int, list[str]], sets: int = 1, supports: str = "random", **columns: object) -> pd.DataFrame:
    """The same runs of every training set, the first of which is selected."""
    rows = [
        {"T": T, "shape": name, "init_seed": k, "data_seed": seed, "lr": 1e-3, "steps": 100, "status": "trained"}
        | {"train_loss": 0.0 if name == "regular" else 0.2, "selected": k == 0, "supports": supports}
        for T, names in shapes.items()
        for seed in range(sets)
        for k, name in enumerate(names)
    ]
    return pd.DataFrame(rows).assign(**columns)


def vectors(cells: pd.DataFrame, angles: list[float]) -> pd.DataFrame:
    """Hidden vectors at these angles, of every cell."""
    of = pd.DataFrame({"kind": "point", "x": np.cos(angles), "y": np.sin(angles), "norm": 1.0})
    return cells[["cell", "T", "supports", "lr", "steps"]].merge(of, how="cross")


def judge(*parts: pd.DataFrame, turns: tuple[float, ...] = (0, 0.25, 0.5, 0.75)) -> Summary:
    runs = pd.concat(parts, ignore_index=True).reset_index(names="cell")
    return judged(
        claims, Tables({"cells": runs, "items": vectors(runs, [2 * np.pi * turn for turn in turns])}), MEASURE
    )


def test_shares_add_up_to_one_and_failed_cells_do_not_count() -> None:
    table = cells({5: ["regular", "regular", "other", "two circles"]})
    table.loc[2, "status"] = "failed"
    share = shares(table, ["T"]).loc[5]
    assert share.sum() == pytest.approx(1) and share.regular == pytest.approx(2 / 3) and share["dead point"] == 0


@pytest.mark.parametrize(
    ("names", "sets", "expected"),
    [
        (["regular", "two circles"], 8, HOLDS),
        (["regular", "two circles"], 1, UNDECIDED),
        (["regular", "other"], 8, UNDECIDED),
        (["regular", "other"], 600, FAILS),
    ],
)
def test_one_run_of_a_set_is_enough_for_some(names: list[str], sets: int, expected: str) -> None:
    assert verdict(judge(cells({8: names}, sets)), CIRCLES) == expected


def test_a_gap_is_measured_against_the_regular_polygon_s() -> None:
    rng = np.random.default_rng(0)
    for turns, expected in (((0, 0.1, 0.2, 0.3), HOLDS), ((0, 0.25, 0.5, 0.75), FAILS)):
        at = tuple(turn + 1e-3 * rng.random() for turn in turns)
        found = judge(cells({4: ["two circles"]}, 3), turns=at)
        assert verdict(found, GAP) == expected
        assert part(found, GAP, "largest").effect == pytest.approx(4 * (1 - turns[-1]), abs=0.02)
    assert verdict(judge(cells({4: ["two circles"]}), turns=(0, 0.1, 0.2, 0.3)), GAP) == UNDECIDED
    assert verdict(judge(cells({4: ["regular"]}, 3)), GAP) == UNDECIDED


def test_questions_follow_the_shares() -> None:
    exact = cells({5: ["regular"] * 2, 8: ["other", "regular", "regular", "other"]}, 2, "disjoint")
    found = judge(cells({8: ["regular", "other"]}, 2), exact)
    assert part(found, BEST, "T = 8").effect == 1  # the selected one
    assert part(found, MISS, "T = 5").effect == 0 and part(found, MISS, "T = 8").effect == 0.5
    assert part(found, LOST, "other").effect == 1 and part(found, LOST, "regular").effect == 0
    assert not finding(found, RATE).parts and not finding(found, STEPS).parts


def test_other_shapes_may_store_the_points_too() -> None:
    stores = cells({8: ["regular", "other", "other", "regular"]}, 2, "disjoint", train_loss=0.0)
    assert part(judge(stores), LOST, "other").effect == 0


def test_rates_and_steps_are_compared_on_the_same_sets_and_initialisations() -> None:
    usual = cells({8: ["other", "other", "regular"]}, 3, "disjoint")
    cured = cells({8: ["regular", "other"]}, 2, "disjoint")  # from the first two initialisations of two sets
    found = judge(usual, cured.assign(lr=1e-2), cured.assign(lr=1e-4), cured.assign(steps=900))
    for text, what in ((RATE, "0.01"), (STEPS, "900")):
        assert part(found, text, what).effect == 0.5 and part(found, text, what).sets == 2


def test_nothing_trained_decides_nothing_and_draws_nothing() -> None:
    none = cells({8: ["two circles"]}, 8, status="failed")
    found = judge(none)
    assert {verdict(found, text) for text in (CIRCLES, GAP)} == {UNDECIDED} and found.headline == {}
    assert not any(finding(found, text).parts for text in (BEST, MISS, LOST, RATE, STEPS))
    assert draw(Tables({"cells": none, "items": none}), {}) == {}


def test_shares_and_a_gallery_are_drawn() -> None:
    runs = pd.concat([cells({8: ["regular", "other"]}, 2, kind) for kind in ("random", "disjoint")], ignore_index=True)
    runs = runs.reset_index(names="cell")
    found = draw(Tables({"cells": runs, "items": vectors(runs, [0.0, 2.0, 4.0])}), {})
    assert found.keys() == {"shares", "gallery"}


def test_git_keeps_points_of_the_usual_runs() -> None:
    items = pd.DataFrame(
        {
            "kind": ["point"] * 4 + ["feature"],
            "supports": ["disjoint"] * 3 + ["random", "disjoint"],
            "lr": [1e-3, 1e-2, 1e-3, 1e-3, 1e-3],
            "steps": [100, 100, 900, 100, 100],
        }
    )
    assert OWN.shown(items).tolist() == [True, False, False, True, False]
