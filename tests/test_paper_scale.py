"""The paper's pipeline file, run through DVC on a grid shrunk to seconds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project


@pytest.mark.slow
def test_the_paper_s_pipeline_runs_from_its_own_file_and_leaves_the_other_alone(tmp_path: Path) -> None:
    project = Project(tmp_path)
    smoke = YAML(typ="safe").load(tmp_path / "params.yaml")
    for section in smoke:
        project.set(f"{section}.paper", smoke[section]["smoke"])
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    project.succeed("dvc", "init", "-q")
    project.succeed("dvc", "repro", "stages/paper/dvc.yaml")
    names = set(project.outputs())
    assert {name.split("/")[2] for name in names if name.startswith("data/")} == {"paper"}
    assert "data/metrics/paper/geometry.json" in names and any(n.startswith("figures/paper/geometry/") for n in names)
    assert (tmp_path / "stages/paper/dvc.lock").exists() and not (tmp_path / "dvc.lock").exists()
    assert "up to date" in project.succeed("dvc", "repro", "stages/paper/dvc.yaml")
