"""stages/plan.py: what is missing, what it costs, and how it splits over cores."""

from __future__ import annotations

import pytest

from stages import plan
from stages.grid.store import Store
from stages.params import load
from stages.plan import Cost, Plan, full_grid, kind, missing, schedule, table, words
from tests.conftest import Project


@pytest.mark.parametrize(
    ("seconds", "cores", "expected"),
    [([5, 4, 3, 3, 3], 2, 10), ([5, 4, 3, 3, 3], 1, 18), ([5, 4, 3, 3, 3], 9, 5), ([], 3, 0), ([7], 2, 7)],
)
def test_the_longest_cell_goes_first_to_the_core_that_is_free_first(
    seconds: list[float], cores: int, expected: float
) -> None:
    assert schedule(seconds, cores) == expected


def test_times_are_in_the_unit_that_people_use() -> None:
    assert [words(s) for s in (3, 89, 120, 5399, 7200)] == ["3 s", "89 s", "2 min", "90 min", "2.0 h"]


def test_the_table_adds_up() -> None:
    costs = [Cost(3600, 2_000_000, 1_000_000), Cost(1800, 5_000_000, 3_000_000)]
    lines = table([Plan("a", "laptop", 4, costs), Plan("b", "laptop", 1, [])], [1, 2]).splitlines()
    assert lines[0].split("MB")[0].split() == ["experiment", "cells", "missing", "core-hours"]
    assert lines[1].split() == ["a", "laptop", "4", "2", "1.50", "5", "4", "1.5", "h", "60", "min"]
    assert lines[2].split() == ["b", "laptop", "1", "0", "0.00", "0", "0", "0", "s", "0", "s"]
    assert lines[3].split()[:6] == ["all", "of", "these", "5", "2", "1.50"]


def test_cells_that_differ_in_seeds_or_rates_are_timed_once() -> None:
    assert len({kind(cell) for cell in load("geometry", "smoke").cells}) == 6  # T and supports
    assert len({kind(cell) for cell in full_grid().cells}) == len(full_grid().cells) // 4


@pytest.fixture
def folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(project.folder)
    return project


def test_what_the_store_holds_is_not_missing(folder: Project) -> None:
    folder.set("geometry.smoke.data.T", [3])
    folder.succeed("generate", "geometry")
    before = load("geometry", "smoke")
    assert len(missing(before, Store())) == len(before.cells) == 16
    folder.succeed("train", "geometry")
    assert missing(before, Store()) == []
    folder.set("geometry.smoke.data.T", [3, 5])
    assert {cell.data.T for cell in missing(load("geometry", "smoke"), Store())} == {5}


def test_parents_are_planned_too_and_digits_by_epoch(folder: Project) -> None:
    crossover = load("crossover", "smoke")
    assert set(missing(crossover, Store())) == {*crossover.cells, *crossover.parents} > set(crossover.cells)
    found = plan.plans({("memorization", "smoke"): load("memorization", "smoke")}, Store())
    assert len(found[0].missing) == found[0].cells == 14 and all(cost.seconds > 0 for cost in found[0].missing)


def test_an_unknown_experiment_is_named_and_a_known_one_planned(folder: Project) -> None:
    done = folder.run("plan", "nonsense")
    assert done.returncode == 1 and "there is no experiment nonsense; there are" in done.stderr
    output = folder.succeed("plan", "geometry", "--cores", "1", "4")
    assert "geometry smoke" in output and "on 1 core" in output and "on 4 cores" in output
