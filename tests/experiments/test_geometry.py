"""Claims and figures of geometry, on tables made up to be known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.geometry.claims import deviations, summary
from stages.experiments.geometry.figure import draw
from stages.experiments.geometry.measure import OWN
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from stages.statistics.polygon import polygon
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

FORM = ("(orthonormal points)", "(random points)")
KINDS = ("point", "feature")
LAW = ("(weight decay 0.01)", "(weight decay 0.1)")


def table(sizes: list[int], supports: tuple[str, ...] = ("random", "disjoint"), **columns: Any) -> pd.DataFrame:
    """Two training sets of exact polygons for each T, kind of supports and decay, but for what the call says."""
    rows = [
        {"T": T, "supports": s, "weight_decay": decay, "data_seed": seed, "status": "trained", "selected": True}
        | {"regular": True, "radius": polygon(max(T, 3)).radius, "D_x_deviation": 0.0}
        | {"norm_W_span": polygon(max(T, 3)).norm_W, "norm_b_span": polygon(max(T, 3)).norm_b}
        for T in sizes
        for s in supports
        for decay in (0.01, 0.1)
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows).assign(**columns)


def vectors(cells: pd.DataFrame) -> pd.DataFrame:
    """Three features and three points for each cell."""
    each = pd.DataFrame({"kind": ["feature", "point"] * 3, "x": np.cos(range(6)), "y": np.sin(range(6)), "norm": 1.0})
    return cells[["T", "supports", "weight_decay", "data_seed"]].merge(each, how="cross")


def judged(cells: pd.DataFrame) -> Summary:
    return summary(Tables({"cells": cells}), MEASURE)


def test_exact_polygons_hold_every_claim() -> None:
    result = judged(table([3, 5, 6, 8, 10]))
    assert [verdict(result, text) for text in (*FORM, *LAW)] == [True] * 4
    assert result.headline == {"polygons_orthonormal": 1.0, "polygons_random": 1.0}


def test_fewer_than_half_of_the_sets_at_one_T_fail_the_claim_of_that_kind_only() -> None:
    cells = table([5, 6, 8, 10])
    cells.loc[(cells.supports == "random") & (cells["T"] == 6), "regular"] = False
    assert [verdict(judged(cells), text) for text in FORM] == [True, False]
    cells.loc[(cells.supports == "random") & (cells["T"] == 6) & (cells.data_seed == 0), "regular"] = True
    assert [verdict(judged(cells), text) for text in FORM] == [True, True]


def test_a_deviation_above_two_percent_fails_the_law_of_its_decay_only() -> None:
    cells = table([5, 6])
    cells.loc[cells.weight_decay == 0.01, "norm_b_span"] *= 1.03
    assert [verdict(judged(cells), text) for text in LAW] == [False, True]
    assert deviations(cells).norm_b.max() == pytest.approx(0.03)


@pytest.mark.parametrize("sizes", [[30], [5, 6], [3]])  # none of the panels' T, some of them, one of three points
def test_polygons_that_the_grid_does_not_show_are_neither_held_nor_failed(sizes: list[int]) -> None:
    result = judged(table(sizes))
    assert [verdict(result, text) for text in FORM] == [None, None]
    assert [verdict(result, text) for text in LAW] == ([True, True] if max(sizes) > 3 else [None, None])


def test_without_regular_polygons_the_law_is_neither_held_nor_failed() -> None:
    assert [verdict(judged(table([5], regular=False)), text) for text in LAW] == [None, None]


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


def test_nothing_trained_draws_nothing() -> None:
    cells = table([3], status="failed", selected=False, regular=None)
    assert draw(Tables({"cells": cells, "items": vectors(cells).head(0)}), {}) == {}


def test_own_columns_of_the_exact_polygon() -> None:
    points = sample(drawn(n=300, S=0.98, T=6, supports="disjoint"))
    W, b = (a.astype(np.float32) for a in polygon_model(points))
    columns = OWN.cell(Model(W, b), points, MEASURE)
    assert columns["regular"] and columns["radius"] == pytest.approx(polygon(6).radius, rel=1e-5)
    assert columns["D_x_deviation"] == pytest.approx(0, abs=1e-5)
    assert columns["norm_b_span"] == pytest.approx(polygon(6).norm_b, rel=1e-5)


def test_git_keeps_of_the_paper_s_decay_every_point_and_the_features_of_each_first_set_that_trained() -> None:
    cells = table([1, 5, 6])
    items = vectors(cells[(cells["T"] != 6) | (cells.data_seed > 0)])
    kept = items[OWN.shown(items)]
    assert set(kept.weight_decay) == {0.01} and set(kept["T"]) == {5, 6}
    points, features = (kept[kept.kind == kind].drop_duplicates(["T", "supports", "data_seed"]) for kind in KINDS)
    assert len(points) == 6
    assert set(zip(features["T"], features.supports, features.data_seed, strict=True)) == {
        (5, "random", 0),
        (6, "random", 1),
    }
