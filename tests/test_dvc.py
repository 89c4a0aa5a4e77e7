"""What users do with DVC around the pipeline: the paper's file, experiments, a fresh clone. Tens of seconds each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project
from tests.test_smoke import ran

pytestmark = pytest.mark.slow


@pytest.fixture
def committed(tmp_path: Path) -> Project:
    """A project of one experiment at smoke scale, reproduced and committed."""
    project = Project(tmp_path / "project", ("geometry",))
    project.init()
    project.succeed("dvc", "repro", "render@geometry")
    project.commit()
    return project


def test_the_paper_s_pipeline_runs_from_its_own_file_and_leaves_the_other_alone(tmp_path: Path) -> None:
    """Here with smoke's grids in place of the paper's."""
    project = Project(tmp_path)
    runs = YAML(typ="safe").load(tmp_path / "stages/runs.yaml")
    project.write("stages/runs.yaml", runs | {"paper": {"geometry": {"family": "toy"}}})
    content = YAML(typ="safe").load(tmp_path / "params.yaml")
    for section in (content["scales"], *(content[x] for x in runs["smoke"])):
        section["paper"] = section["smoke"]
    project.write("params.yaml", content)
    project.init()
    project.succeed("dvc", "repro", "stages/paper/dvc.yaml")
    results = {name for name in project.outputs() if not name.startswith("data/grids/")}
    assert {name.split("/")[2 if name.startswith("data/") else 1] for name in results} == {"paper"}
    assert "data/metrics/paper/geometry.json" in results
    assert (tmp_path / "stages/paper/dvc.lock").exists()
    assert "up to date" in project.succeed("dvc", "repro", "stages/paper/dvc.yaml")


def test_an_experiment_is_run_compared_and_left_behind(committed: Project) -> None:
    output = committed.succeed(
        "dvc", "exp", "run", "-n", "fewer", "-S", "geometry.smoke.grid.T=[3,5]", "dvc.yaml:render@geometry"
    )
    assert "0 to train" in output  # the store has all of them
    shown = json.loads(re.search(r"\[.*\]", committed.succeed("dvc", "exp", "show", "--json"), re.DOTALL).group())  # type: ignore[union-attr]
    assert len(shown) == 2
    of = "data/metrics/smoke/geometry.json"  # which is no metrics file by itself
    assert "polygons_random" in committed.succeed("dvc", "metrics", "diff", "--all", "--targets", of)
    committed.git("checkout", "-q", ".")
    committed.succeed("dvc", "checkout", "--with-deps", "render@geometry")
    back = committed.succeed("dvc", "repro", "render@geometry")
    assert ran(back) == [] and "up to date" in back
    assert committed.git("status", "--porcelain") == ""


def test_a_fresh_clone_redraws_a_restyled_figure_without_training(committed: Project, tmp_path: Path) -> None:
    clone = committed.clone(tmp_path / "clone")
    plan = clone.succeed("dvc", "repro", "--allow-missing", "--dry", "render@geometry")
    assert "Running" not in plan
    clone.append("stages/experiments/geometry/figure.py", "# restyled")
    output = clone.succeed("dvc", "repro", "--allow-missing", "render@geometry")
    assert ran(output) == ["check", "render@geometry"]
