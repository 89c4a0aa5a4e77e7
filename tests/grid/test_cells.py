"""stages/grid/cells.py: what `check` writes of a run is what the other stages read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.families.toy.data.spec import Data, Training
from stages.grid import cells
from stages.grid.cells import Cell, Grid
from tests.conftest import MEASURE


@pytest.fixture
def grid(data: Callable[..., Data], training: Callable[..., Training], monkeypatch: pytest.MonkeyPatch) -> Grid:
    """Three training sets of every form, one of them trained on twice, from a model of another's points."""
    sets = [data(T=6), data(T=9, repeated=2, copies=3), data(alike=5, left_out=2)]
    kinds = [training(), training(parent_T=5, init_seed=1)]
    pairs = ((0, 0), (1, 0), (2, 1), (0, 1))
    return Grid("toy", tuple(Cell(sets[i], kinds[k]) for i, k in pairs), MEASURE)


def test_cells_come_back_as_they_were_and_the_same_cells_are_the_same_text(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cells.write("smoke/x", grid)
    assert cells.read("smoke/x") == grid._replace(measure=None)
    assert cells.read_data("smoke/x") == ("toy", [grid.cells[i].data for i in (0, 1, 2)])  # each training set once
    assert cells.read_measure("smoke/x") == ("toy", MEASURE.model_dump())
    before = {path.name: path.read_bytes() for path in Path("data/grids/smoke/x").iterdir()}
    cells.write("smoke/x", cells.read("smoke/x")._replace(measure=MEASURE))
    assert before == {path.name: path.read_bytes() for path in Path("data/grids/smoke/x").iterdir()}
    assert before.keys() == {"data.json", "training.json", "measure.json"}


def test_each_kind_of_stage_depends_on_what_it_uses(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: Callable[..., Training]
) -> None:
    monkeypatch.chdir(tmp_path)

    def changed(other: Grid) -> set[str]:
        before = {path.name: path.read_bytes() for path in Path("data/grids/smoke/x").glob("*")}
        cells.write("smoke/x", other)
        return {
            path.name for path in Path("data/grids/smoke/x").glob("*") if path.read_bytes() != before.get(path.name)
        }

    cells.write("smoke/x", grid)
    assert changed(grid._replace(measure=MEASURE.model_copy(update={"learned": 0.3}))) == {"measure.json"}
    cells.write("smoke/x", grid)
    longer = tuple(cell._replace(training=training(steps=9)) for cell in grid.cells)
    assert changed(grid._replace(cells=longer)) == {"training.json"}
    assert changed(grid._replace(cells=longer[1:3])) == {"data.json", "training.json"}


def test_what_all_cells_have_is_written_once(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells.write("smoke/x", grid)
    content = json.loads(Path("data/grids/smoke/x/training.json").read_text())
    assert content["swept"] == ["T", "points", "trained_on", "init_seed", "parent_T"] and content["fixed"]["n"] == 120
    assert len(content["rows"]) == 4


def test_an_unknown_run_is_named_with_those_there_are(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cells.write("smoke/x", grid)
    with pytest.raises(UserError, match=r"no run smoke/y; stages/runs\.yaml has smoke/x"):
        cells.read("smoke/y")


def test_a_cell_that_starts_from_another_has_it_as_its_parent(grid: Grid) -> None:
    (parent, other) = grid.parents
    assert parent.data.T == other.data.T == 5 and parent.training.parent_T == 0 and parent.training.init_seed == 1
    assert {parent.data.alike, other.data.alike} == {1, 5}
