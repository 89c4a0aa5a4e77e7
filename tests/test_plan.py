"""stages/plan: what is missing, what it costs by a law fitted to short timings, and how it splits over cores."""

from __future__ import annotations

import numpy as np
import pytest

from stages.core.cost import Timing
from stages.grid.store import Store
from stages.params import load_all
from stages.plan.costs import cells_of, missing, plans
from stages.plan.full import full_grid
from stages.plan.law import FITTED, HELD_OUT, chosen, law
from stages.plan.schedule import Needs, Plan, schedule, table, words
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
    needs = {"first": Needs(3600, 2_000_000, 1_000_000), "second": Needs(1800, 5_000_000, 3_000_000)}
    plans = [Plan("laptop/a", [*needs, "third", "fourth"], needs), Plan("laptop/b", ["own"], {})]
    lines = table(plans, [1, 2]).splitlines()
    assert lines[0].split("MB")[0].split() == ["run", "cells", "missing", "core-hours"]
    assert lines[1].split() == ["laptop/a", "4", "2", "1.50", "5", "4", "1.5", "h", "60", "min"]
    assert lines[2].split() == ["laptop/b", "1", "0", "0.00", "0", "0", "0", "s", "0", "s"]
    assert lines[3].split()[:6] == ["all", "of", "these", "5", "2", "1.50"]


def test_a_cell_that_two_runs_have_is_counted_once_in_all() -> None:
    shared, own = {"shared": Needs(3600, 1, 1)}, {"own": Needs(1800, 1, 1)}
    plans = [Plan("laptop/a", [*shared], shared), Plan("laptop/b", [*shared, *own], shared | own)]
    lines = table(plans, [1]).splitlines()
    cells_missing_hours = [line[28:].split()[:3] for line in lines[1:]]
    assert cells_missing_hours == [["1", "1", "1.00"], ["2", "2", "1.50"], ["2", "2", "1.50"]]


def steps(seed: int, count: int) -> list[dict[str, float]]:
    """So many steps of other sizes; some have pairs of another kind."""
    rng = np.random.default_rng(seed)
    pairs, kinds = 10 ** rng.uniform(3, 7, count), rng.random(count) < 0.3
    return [
        {"step": 1.0, "pairs": float(p)} | ({"boxes": float(p) ** 0.5} if kind else {})
        for p, kind in zip(pairs, kinds, strict=True)
    ]


def test_the_law_finds_the_rates_that_made_the_timings_and_says_how_far_it_is_off() -> None:
    rates = {"step": 1e-5, "pairs": 2e-9, "boxes": 1e-6}

    def timings(seed: int, noise: float) -> list[Timing]:
        rng = np.random.default_rng(seed)
        every = steps(seed, 20)
        exact = [sum(rates[name] * value for name, value in step.items()) for step in every]
        return [Timing(s, e * (1 + noise * rng.normal())) for s, e in zip(every, exact, strict=True)]

    found = law(timings(0, 0.0), timings(1, 0.0))
    assert found.rates == pytest.approx(rates, rel=1e-6) and max(map(abs, found.errors)) < 1e-6
    noisy = law(timings(0, 0.05), timings(1, 0.05))
    assert 0.01 < np.median(np.abs(noisy.errors)) < 0.15
    assert min(noisy.rates.values()) >= 0 and noisy.seconds({"never timed": 5.0}) == 0


def test_timings_span_all_sizes_and_features_and_some_are_held_out() -> None:
    every = steps(2, 200)
    fitted, held_out = chosen(every, [1.0] * 200)
    assert 2 <= len(fitted) <= FITTED and len(held_out) == HELD_OUT and not set(fitted) & set(held_out)
    assert {name for i in fitted for name in every[i]} == {"step", "pairs", "boxes"}
    smallest, largest = (f(every[i]["pairs"] for i in fitted) for f in (min, max))
    assert smallest < 1e4 and largest > 1e6
    assert chosen(every[:1] * 5, [1.0] * 5) == ([0], [])  # one kind of step is timed once


def test_the_full_grid_is_four_sets_of_the_paper_s_figures_and_a_map() -> None:
    cells = full_grid().cells
    assert len(cells) == len(set(cells)) == 4 * (20 + 1 + 8 * 7)
    assert max(cell.data.T for cell in cells) == 500_000 and {cell.data.n for cell in cells} == {10_000}


@pytest.fixture
def folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(project.folder)
    return project


def test_what_the_store_holds_is_not_missing(folder: Project) -> None:
    folder.set("geometry.smoke.grid.T", [3])
    folder.succeed("check")
    folder.succeed("generate", "geometry")
    run, before = "smoke/geometry", load_all()["smoke/geometry"]
    assert len(missing({run: before}, Store())[run]) == len(before.cells) == 16
    folder.succeed("train", "geometry")
    assert missing({run: before}, Store())[run] == []
    folder.set("geometry.smoke.grid.T", [3, 5])
    assert {cell.data.T for cell in missing({run: load_all()[run]}, Store())[run]} == {5}


def test_digits_are_planned_by_epoch(folder: Project) -> None:
    experiment = load_all()["smoke/memorization"]
    (found,), laws = plans({"smoke/memorization": experiment}, Store())
    assert len(found.missing) == len(found.cells) == 14
    assert all(needs.seconds > 0 for needs in found.missing.values())
    assert laws.keys() == {"digits"}


def test_cells_that_others_start_from_are_planned_too() -> None:
    crossover = load_all()["laptop/crossover"]
    assert set(cells_of(crossover)) == {*crossover.cells, *crossover.parents} > set(crossover.cells)


def test_an_unknown_experiment_is_named(folder: Project) -> None:
    done = folder.run("plan", "smoke/nonsense")
    assert done.returncode == 1 and "there is no experiment smoke/nonsense; there are" in done.stderr
