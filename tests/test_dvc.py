"""What users do with DVC around the pipeline: the paper's file, experiments, a fresh clone. Tens of seconds each."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project

pytestmark = pytest.mark.slow


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def committed(tmp_path: Path) -> Project:
    """A project of one experiment at smoke scale, reproduced and committed."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder)
    (folder / ".gitignore").write_text("__pycache__/\n/.cells/\n/dvc_plots/\n")
    git(folder, "init", "-q")
    project.succeed("dvc", "init", "-q")
    project.succeed("dvc", "config", "core.analytics", "false")
    project.succeed("dvc", "repro", "render@geometry")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "results")
    return project


def test_the_paper_s_pipeline_runs_from_its_own_file_and_leaves_the_other_alone(tmp_path: Path) -> None:
    project = Project(tmp_path)
    smoke = YAML(typ="safe").load(tmp_path / "params.yaml")
    for section in smoke:
        project.set(f"{section}.paper", smoke[section]["smoke"])
    git(tmp_path, "init", "-q")
    project.succeed("dvc", "init", "-q")
    project.succeed("dvc", "repro", "stages/paper/dvc.yaml")
    results = {name for name in project.outputs() if name != "data/params.checked"}
    assert {name.split("/")[2 if name.startswith("data/") else 1] for name in results} == {"paper"}
    assert "data/metrics/paper/geometry.json" in results
    assert (tmp_path / "stages/paper/dvc.lock").exists()
    assert "up to date" in project.succeed("dvc", "repro", "stages/paper/dvc.yaml")


def test_an_experiment_is_run_compared_and_left_behind(committed: Project) -> None:
    output = committed.succeed(
        "dvc", "exp", "run", "-n", "fewer", "-S", "geometry.smoke.data.T=[3,5]", "dvc.yaml:render@geometry"
    )
    assert "0 to train" in output  # the store has all of them
    shown = json.loads(re.search(r"\[.*\]", committed.succeed("dvc", "exp", "show", "--json"), re.DOTALL).group())  # type: ignore[union-attr]
    assert len(shown) == 2
    of = "data/metrics/smoke/geometry.json"  # which is no metrics file by itself
    assert "polygons_random" in committed.succeed("dvc", "metrics", "diff", "--all", "--targets", of)
    git(committed.folder, "checkout", "-q", ".")
    back = committed.succeed("dvc", "repro", "render@geometry")
    assert "Running stage" not in back and "checking out outputs" in back
    assert git(committed.folder, "status", "--porcelain") == ""


def test_a_fresh_clone_redraws_a_restyled_figure_without_training(committed: Project, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(committed.folder), "clone")
    clone = Project.__new__(Project)
    clone.folder = tmp_path / "clone"
    plan = clone.succeed("dvc", "repro", "--allow-missing", "--dry", "render@geometry")
    assert "Running" not in plan
    figure = clone.folder / "stages/experiments/geometry/figure.py"
    figure.write_text(figure.read_text().replace("Few data points", "A few data points"))
    output = clone.succeed("dvc", "repro", "--allow-missing", "render@geometry")
    assert re.findall(r"Running stage '([^']+)'", output) == ["render@geometry"]
