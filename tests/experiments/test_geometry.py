"""Claims and figures of geometry, on tables made up to be known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.experiments.geometry.figure import draw
from stages.experiments.geometry.measure import cell, deviations, summary
from stages.experiments.style import Tables
from stages.toy.data import sample
from stages.toy.model import Model
from stages.toy.polygon import polygon, polygon_model
from tests.conftest import MEASURE, drawn


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


def holds(cells: pd.DataFrame) -> dict[str, bool | None]:
    return {claim.claim: claim.holds for claim in summary(cells, MEASURE).claims}


def test_exact_polygons_hold_every_claim() -> None:
    result = summary(table([3, 5, 6, 8, 10]), MEASURE)
    assert [claim.holds for claim in result.claims] == [True] * 4
    assert result.headline == {"polygons_orthonormal": 1.0, "polygons_random": 1.0}


def test_fewer_than_half_of_the_sets_at_one_T_fail_the_claim_of_that_kind_only() -> None:
    cells = table([5, 6, 8, 10])
    cells.loc[(cells.supports == "random") & (cells["T"] == 6), "regular"] = False
    assert [h for c, h in holds(cells).items() if "form" in c] == [True, False]
    cells.loc[(cells.supports == "random") & (cells["T"] == 6) & (cells.data_seed == 0), "regular"] = True
    assert all(h for c, h in holds(cells).items() if "form" in c)


def test_a_deviation_above_two_percent_fails_the_law_of_its_decay_only() -> None:
    cells = table([5, 6])
    cells.loc[cells.weight_decay == 0.01, "norm_b_span"] *= 1.03
    assert [h for c, h in holds(cells).items() if "law" in c] == [False, True]
    assert deviations(cells).norm_b.max() == pytest.approx(0.03)


def test_what_the_grid_does_not_show_is_neither_held_nor_failed() -> None:
    assert set(holds(table([30])).values()) == {None, True}  # no T of the panels; the law is there
    assert holds(table([5, 6]))["few points form a regular polygon (random points)"] is None  # not all of the panels
    assert holds(table([3]))["few points form a regular polygon (random points)"] is None
    assert [h for c, h in holds(table([5], regular=False)).items() if "law" in c] == [None, None]


@pytest.mark.parametrize("sizes", [[1], [3], [5, 30]])
@pytest.mark.parametrize("supports", [("random",), ("disjoint",), ("random", "disjoint")])
def test_figures_are_drawn_of_any_part_of_the_grid(sizes: list[int], supports: tuple[str, ...]) -> None:
    cells = table(sizes, supports)
    drawn = draw(Tables(cells, cells.head(0), vectors(cells)), {})
    assert ("law" in drawn) == (max(sizes) > 1 and "disjoint" in supports)
    assert ("polygons" in drawn) == (max(sizes) > 1 and "random" in supports)


def test_where_the_first_training_set_failed_the_next_one_is_drawn() -> None:
    cells = table([5, 6])
    failed = (cells["T"] == 6) & (cells.data_seed == 0)
    cells = cells.assign(status=cells.status.mask(failed, "failed"), selected=~failed, regular=cells.regular & ~failed)
    assert draw(Tables(cells, cells.head(0), vectors(cells[~failed])), {}).keys() == {"polygons", "gallery", "law"}


def test_nothing_trained_draws_nothing() -> None:
    cells = table([3], status="failed", selected=False, regular=None)
    assert draw(Tables(cells, cells.head(0), vectors(cells).head(0)), {}) == {}


def test_own_columns_of_the_exact_polygon() -> None:
    points = sample(drawn(n=300, S=0.98, T=6, supports="disjoint", data_seed=0))
    W, b = (a.astype(np.float32) for a in polygon_model(points))
    columns = cell(Model(W, b), points, MEASURE)
    assert columns["regular"] and columns["radius"] == pytest.approx(polygon(6).radius, rel=1e-5)
    assert columns["D_x_deviation"] == pytest.approx(0, abs=1e-5)
    assert columns["norm_b_span"] == pytest.approx(polygon(6).norm_b, rel=1e-5)
