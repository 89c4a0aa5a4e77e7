"""Claims and figures of geometry, on tables made up to be known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, judged
from stages.core.tables import Tables
from stages.experiments.geometry import claims
from stages.experiments.geometry.claims import deviations
from stages.experiments.geometry.figure import draw
from stages.experiments.geometry.measure import OWN
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from stages.statistics.polygon import polygon
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import part, verdict

FORM = ("(orthonormal points)", "(random points)")
KINDS = ("point", "feature")
LAW = ("(weight decay 0.01)", "(weight decay 0.1)")
CLAIMS = (*FORM, "norms of W and b grow", *LAW)
SIZES = [3, 5, 6, 8, 10, 15, 30]


def table(sizes: list[int], supports: tuple[str, ...] = ("random", "disjoint"), sets: int = 10) -> pd.DataFrame:
    """Training sets of exact polygons for each T, kind of supports and decay."""
    rows = [
        {"T": T, "supports": s, "weight_decay": decay, "data_seed": seed, "status": "trained", "selected": True}
        | {"regular": True, "radius": polygon(max(T, 3)).radius, "D_x_deviation": 0.0}
        | {name: getattr(polygon(max(T, 3)), name[:6]) for name in ("norm_W", "norm_b", "norm_W_span", "norm_b_span")}
        for T in sizes
        for s in supports
        for decay in (0.01, 0.1)
        for seed in range(sets)
    ]
    return pd.DataFrame(rows)


def vectors(cells: pd.DataFrame) -> pd.DataFrame:
    """Three features and three points for each cell."""
    each = pd.DataFrame({"kind": ["feature", "point"] * 3, "x": np.cos(range(6)), "y": np.sin(range(6)), "norm": 1.0})
    return cells[["T", "supports", "weight_decay", "data_seed"]].merge(each, how="cross")


def verdicts(cells: pd.DataFrame) -> dict[str, str]:
    result = judged(claims, Tables({"cells": cells}), MEASURE)
    return {text: verdict(result, text) for text in CLAIMS}


def test_exact_polygons_hold_every_claim() -> None:
    cells = table(SIZES)
    assert set(verdicts(cells).values()) == {HOLDS}
    result = judged(claims, Tables({"cells": cells}), MEASURE)
    assert result.headline == {"polygons_orthonormal": 1.0, "polygons_random": 1.0}


@pytest.mark.parametrize(
    ("chosen", "column", "factor", "failed"),
    [
        ({"supports": "random", "T": 6}, "regular", 0, "(random points)"),
        ({"supports": "disjoint", "T": 15}, "regular", 0, "(orthonormal points)"),
        ({"supports": "random", "T": 8}, "regular", 0, None),  # the paper's failed as well
        ({"supports": "disjoint", "weight_decay": 0.01}, "norm_b_span", 1.03, "(weight decay 0.01)"),
        ({"supports": "disjoint", "weight_decay": 0.1}, "radius", 0.97, "(weight decay 0.1)"),
        ({"supports": "random", "T": 30}, "norm_W", 0.3, "norms of W and b grow"),
        ({"supports": "random"}, "norm_W", 3, None),  # only how they grow
    ],
)
def test_each_claim_fails_when_what_it_says_is_not_so(
    chosen: dict[str, Any], column: str, factor: float, failed: str | None
) -> None:
    cells = table(SIZES)
    rows = np.logical_and.reduce([cells[name] == value for name, value in chosen.items()])
    cells[column] = cells[column].where(~rows, cells[column] * factor)
    if column == "regular":
        cells[column] = cells[column].astype(bool)
    assert verdicts(cells) == {text: FAILS if text == failed else HOLDS for text in CLAIMS}


def test_deviations_are_relative_and_the_runs_of_a_training_set_are_one_value() -> None:
    cells = table([5, 6], sets=3)
    cells["norm_b_span"] *= 1.03
    assert deviations(cells)["norm of b"].to_numpy() == pytest.approx(0.03)
    result = judged(claims, Tables({"cells": cells}), MEASURE)
    found = part(result, "(weight decay 0.1)", "norm of b")
    assert found.effect == pytest.approx(0.03) and found.sets == 3


@pytest.mark.parametrize("sizes", [[3], [30], [5, 6]])
def test_what_the_grid_does_not_show_cannot_be_told(sizes: list[int]) -> None:
    found = verdicts(table(sizes))
    assert {found.pop(text) for text in LAW} == {HOLDS if max(sizes) > 3 else UNDECIDED}
    assert set(found.values()) == {UNDECIDED}


def test_few_training_sets_and_nothing_trained_cannot_tell() -> None:
    found = verdicts(table(SIZES, sets=4))
    assert [found[text] for text in FORM] == [UNDECIDED] * 2
    nothing = table(SIZES).assign(status="failed", selected=False, regular=None)
    for cells in (table(SIZES, sets=1), nothing):
        assert set(verdicts(cells).values()) == {UNDECIDED}
    assert judged(claims, Tables({"cells": nothing}), MEASURE).headline == {}
    assert draw(Tables({"cells": nothing, "items": vectors(nothing).head(0)}), {}) == {}


@pytest.mark.parametrize("sizes", [[1], [3], [5, 30]])
@pytest.mark.parametrize("supports", [("random",), ("disjoint",), ("random", "disjoint")])
def test_figures_are_drawn_of_any_part_of_the_grid(sizes: list[int], supports: tuple[str, ...]) -> None:
    cells = table(sizes, supports)
    drawn = draw(Tables({"cells": cells, "items": vectors(cells)}), {})
    assert ("law" in drawn) == (max(sizes) > 1 and "disjoint" in supports)
    assert ("polygons" in drawn) == (max(sizes) > 1 and "random" in supports)


def test_where_the_first_training_set_failed_the_next_one_is_drawn() -> None:
    cells = table([5, 6])
    failed = (cells["T"] == 6) & (cells.data_seed == 0)
    cells = cells.assign(status=cells.status.mask(failed, "failed"), selected=~failed, regular=cells.regular & ~failed)
    assert draw(Tables({"cells": cells, "items": vectors(cells[~failed])}), {}).keys() == {"polygons", "gallery", "law"}


def test_own_columns_of_the_exact_polygon() -> None:
    points = sample(drawn(n=300, S=0.98, T=6, supports="disjoint"))
    W, b = (a.astype(np.float32) for a in polygon_model(points))
    columns = OWN.cell(Model(W, b), points, MEASURE)
    assert columns["regular"] and columns["radius"] == pytest.approx(polygon(6).radius, rel=1e-5)
    assert columns["D_x_deviation"] == pytest.approx(0, abs=1e-5)
    assert columns["norm_b_span"] == pytest.approx(polygon(6).norm_b, rel=1e-5)


def test_git_keeps_of_the_paper_s_decay_every_point_and_the_features_of_each_first_set_that_trained() -> None:
    cells = table([1, 5, 6], sets=2)
    items = vectors(cells[(cells["T"] != 6) | (cells.data_seed > 0)])
    kept = items[OWN.shown(items)]
    assert set(kept.weight_decay) == {0.01} and set(kept["T"]) == {5, 6}
    points, features = (kept[kept.kind == kind].drop_duplicates(["T", "supports", "data_seed"]) for kind in KINDS)
    assert len(points) == 6
    assert set(zip(features["T"], features.supports, features.data_seed, strict=True)) == {
        (5, "random", 0),
        (6, "random", 1),
    }
