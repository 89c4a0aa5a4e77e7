"""What each kind of change costs: the stages that run again, and the cells that are trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project
from tests.test_smoke import ran, trained

pytestmark = pytest.mark.slow

GEOMETRY = {"T": [3, 5], "points": "random", "data_seed": 0, "init_seed": 0, "weight_decay": 1e-2, "steps": 500}
CELLS = 2  # of geometry
EXPERIMENTS, FAMILIES = "stages/experiments", "stages/families"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One small experiment a family, after `dvc repro`."""
    project = Project(tmp_path_factory.mktemp("project"), ("geometry", "memorization"))
    project.set("geometry.smoke.grid", GEOMETRY)
    project.set("memorization.smoke.grids.0.subset_seed.count", 6)
    project.init()
    assert len(ran(project.succeed("dvc", "repro"))) == 10
    return project


SETTLED = {"one more T", "another experiment"}  # where most runs: the test then asks whether anything is left to run


class Change(NamedTuple):
    """A kind of change, the stages that it should run, in any order, and the cells that each `train` should train."""

    name: str
    make: Callable[[Project], None]
    stages: str
    cells: list[int]


def geometry(**grid: object) -> Callable[[Project], None]:
    return lambda project: project.set("geometry.smoke.grid", GEOMETRY | grid)


def appended(name: str, text: str = "# a remark") -> Callable[[Project], None]:
    return lambda project: project.append(name, text)


def another_experiment(project: Project) -> None:
    """The same cells under another name."""
    shutil.copytree(project.folder / EXPERIMENTS / "geometry", project.folder / EXPERIMENTS / "another")
    section = YAML(typ="safe").load(project.folder / "params.yaml")["geometry"]
    project.add("another", section, {"family": "toy"})


def words_and_order(project: Project) -> None:
    """What decides no result: a comment in params.yaml, the order of the list, an experiment's story."""
    for name in ("params.yaml", f"{EXPERIMENTS}/geometry/README.md"):
        project.append(name, "# a remark")
    runs = YAML(typ="safe").load(project.folder / "stages/runs.yaml")
    project.write("stages/runs.yaml", runs | {"smoke": dict(reversed(runs["smoke"].items()))})


def drawing_and_judging(project: Project) -> None:
    for name in ("claims", "figure"):
        project.append(f"{EXPERIMENTS}/geometry/{name}.py", "# a remark")


AFTER = "extract@geometry render@geometry report"
CHANGES = [
    Change("one more T", geometry(T=[3, 5, 8]), f"check generate@geometry train@geometry {AFTER}", [1]),
    Change("one more seed", geometry(init_seed={"count": 2}), f"check train@geometry {AFTER}", [CELLS]),
    Change("a measure", lambda of: of.set("geometry.smoke.measure", {"learned": 0.3}), f"check {AFTER}", []),
    Change("a default", lambda of: of.set("toy.beta2", 0.99), f"check train@geometry {AFTER}", [CELLS]),
    Change("a comment, an order and a story", words_and_order, "check report", []),
    Change("a figure and a claim's words", drawing_and_judging, "check render@geometry report", []),
    Change("a number", appended(f"{EXPERIMENTS}/geometry/measure.py"), "check extract@geometry report", []),
    Change(
        "another experiment",
        another_experiment,
        "check generate@another train@another extract@another render@another report",
        [0],
    ),
    Change("a toy engine", appended(f"{FAMILIES}/toy/training/engines/fused.py"), "check train@geometry", [0]),
    Change("digits' training", appended(f"{FAMILIES}/digits/training/loop.py"), "check train@memorization", [0]),
    Change("a README", lambda of: (of.folder / FAMILIES / "toy/README.md").write_text("mine") and None, "", []),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_runs_what_depends_on_it_and_no_more(change: Change, reproduced: Project, tmp_path: Path) -> None:
    project = reproduced.copy(tmp_path / "copy")
    change.make(project)
    output = project.succeed("dvc", "repro")
    assert sorted(ran(output)) == sorted(change.stages.split())
    assert trained(output) == change.cells
    if change.name in SETTLED:
        assert ran(project.succeed("dvc", "repro")) == []
