"""What families say that training takes (core/cost.py), and how a step is timed."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.core.bundle import Record
from stages.core.cost import Timing, timed
from stages.core.errors import UserError
from stages.core.rooms import room
from stages.grid.cells import Cell, Grid
from stages.grid.executor import Job, Outcome
from stages.grid.store import Store
from stages.grid.training import keys
from stages.params import ParamsError, load_all
from stages.plan import __main__ as command
from stages.plan import costs, law
from stages.plan.costs import missing, plans
from tests.conftest import ROOT, RUNS

Make = Callable[..., Any]
TOY = room("toy", "training")


def test_a_step_is_timed_beside_what_a_call_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], []

    def train(steps: int) -> None:
        calls.append(steps)
        now[0] += 5 + 0.1 * min(steps, 250) + 0.0001 * steps

    monkeypatch.setattr(time, "thread_time", lambda: now[0])
    late = timed(lambda steps: train(250 + steps), 1000, after=250)
    assert late == pytest.approx(0.0001) and max(calls) > 500
    assert timed(train, 3) == pytest.approx(0.1001)  # too long for the budget: from a few steps


def test_noise_that_hides_a_step_does_not_make_timing_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], []

    def train(steps: int) -> None:
        calls.append(steps)
        now[0] += 0.01 * steps + (0.1 if len(calls) == 2 else 0)  # a call of one step, held up

    monkeypatch.setattr(time, "thread_time", lambda: now[0])
    assert timed(train, 10**6) == pytest.approx(0.01, rel=0.5) and max(calls) < 100


def test_a_step_of_more_points_takes_longer(data: Make, training: Make) -> None:
    one, many = (TOY.timing(data(n=500, S=0.98, T=T), training(m=2)) for T in (100, 1500))
    assert 3 < many.seconds / one.seconds < 60
    assert one.features == TOY.cost(data(n=500, S=0.98, T=100), training(m=2)).features


def test_a_cell_too_large_to_time_is_timed_with_fewer_points(
    data: Make, training: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("stages.families.toy.training.cost")
    monkeypatch.setattr(module, "timed", lambda *_, **__: 1.0)
    found = TOY.timing(data(n=1000, S=0.99, T=3_000_000), training(m=8))
    assert 1000 < found.features["fused: points"] < 100_000


def test_what_a_variant_adds_is_a_feature(data: Make, training: Make) -> None:
    def added(of: Any, **changes: Any) -> set[str]:
        return set(TOY.cost(of, training(m=2, **changes)).features) - plain

    plain = set(TOY.cost(data(), training(m=2)).features)
    assert added(data(), power=4) == {"pairs at p = 4"}
    assert added(data(), importance=0.9) == {"pairs with importance"}
    assert added(data(repeated=1, copies=3)) == {"pairs with weights"}
    assert added(data(fresh=True)) == {"values drawn"}
    assert added(data(n=1000, T=5000)) == {"boxes: pairs"}
    assert "sorted pairs at m up to 2" in added(data(T=100))
    assert all(name.startswith("tiled") for name in TOY.cost(data(), training(m=16)).features)


def test_a_cell_of_fewer_points_takes_less_of_all(data: Make, training: Make) -> None:
    whole, part = (TOY.cost(data(T=40, left_out=left_out), training(m=2, steps=70)) for left_out in (0, 30))
    assert whole.steps == part.steps == 70 and part.memory < whole.memory and part.disk < whole.disk
    assert part.features["fused: points"] == 10


@pytest.fixture
def timed_here(monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """Cells are not timed but have made-up rates; the list gets those that would be timed."""
    asked: list[Cell] = []

    def run(function: Make, jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
        for i, job in enumerate(jobs):
            family, cell = job.arguments
            asked.append(cell)
            features = room(family, "training").cost(cell.data, cell.training).features
            yield i, Outcome(Timing(features, 1e-9 * sum(features.values())), None, 0.0, "")

    monkeypatch.setattr(costs, "run", run)
    monkeypatch.chdir(ROOT)
    return asked


def test_every_laptop_run_is_planned_from_few_timings(tmp_path: Path, timed_here: list[Cell]) -> None:
    experiments = command.wanted([], "laptop")
    found, laws = plans(experiments, Store(tmp_path))
    assert [one.run for one in found] == list(experiments) and set(laws) == set(RUNS["families"])
    assert all([*one.missing] == one.cells and all(n.seconds > 0 for n in one.missing.values()) for one in found)
    assert 20 <= len(timed_here) <= 2 * (law.FITTED + law.HELD_OUT)
    assert max(map(abs, laws["toy"].errors)) < 0.3


def test_a_cell_that_cannot_be_timed_is_named(
    data: Make, training: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "run", lambda *_: iter([(0, Outcome(None, "MemoryError: no", 0.0, ""))]))
    with pytest.raises(UserError, match="could not be timed: MemoryError: no"):
        plans({"a": Grid("toy", (Cell(data(), training()),))}, Store(tmp_path))


def test_what_the_store_lacks_is_found_without_training(data: Make, training: Make, tmp_path: Path) -> None:
    cells = tuple(Cell(data(T=T), training(init_seed=seed, parent_T=5)) for T in (10, 20) for seed in range(3))
    grid, store = Grid("toy", cells), Store(tmp_path)
    every = [*grid.parents, *cells]
    assert missing({"a": grid}, store) == {"a": every} and len(every) == 9
    key = keys(TOY, every, costs._Drawn("toy"))
    for cell in cells[:2]:
        store.put(Record({"key": key[cell]}, {"x": np.zeros(1)}), {})
    own = Grid("toy", cells[:1])
    assert missing({"a": grid, "b": own}, store) == {"a": [*grid.parents, *cells[2:]], "b": list(own.parents)}


def test_nothing_is_drawn_for_an_empty_store(
    data: Make, training: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "_Drawn", None)
    grid = Grid("toy", (Cell(data(), training()),))
    assert missing({"a": grid}, Store(tmp_path)) == {"a": list(grid.cells)}


def test_without_their_images_no_digits_are_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load_all()["laptop/memorization"]
    Store(tmp_path).put(Record({"key": "00"}, {"x": np.zeros(1)}), {})
    monkeypatch.chdir(tmp_path)
    assert missing({"a": experiment}, Store(tmp_path)) == {"a": list(experiment.cells)}


def test_the_command_plans_runs_and_experiments(
    tmp_path: Path, timed_here: list[Cell], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(command, "end_in_one_line", lambda work: work())
    monkeypatch.setattr("sys.argv", ["plan", "geometry", "paper/dataset_size", "--cores", "1", "4"])
    command.main()
    output = capsys.readouterr().out
    assert all(words in output for words in ("laptop/geometry", "paper/dataset_size", "on 1 core", "on 4 cores"))
    assert "cost law of toy: off by" in output
    with pytest.raises(
        ParamsError, match=r"there is no experiment laptop/nonsense; there are attractors, closed_form, "
    ):
        command.wanted(["nonsense"], "laptop")


def test_how_good_the_law_is_is_said() -> None:
    said = command.goodness(law.Law({}, [0.1, -0.3, 0.02]))
    assert said == "off by 10% (median) and 30% (most) on 3 timings it was not fitted to"
    assert command.goodness(law.Law({})) == "every kind of step was timed"
