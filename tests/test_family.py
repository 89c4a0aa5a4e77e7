"""A third family of models, of a few lines, goes through every verb and touches nothing but the list of runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, Project
from tests.test_smoke import ran, trained

pytestmark = pytest.mark.slow

THIRD = ROOT / "tests/third"
DEFAULTS = {"points": 30, "data_seed": 0, "degree": 3, "test_points": 100}
SECTION = {"grid": {"points": [4, 30], "degree": [1, 3, 5], "data_seed": {"count": 2}}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of the third family alone, which `fetch` fetches for."""
    project = Project(tmp_path, ())
    project.init()
    project.commit()
    for name, room in (("polynomials", "families"), ("overfitting", "experiments")):
        shutil.copytree(THIRD / name, tmp_path / "stages" / room / name, ignore=shutil.ignore_patterns("__pycache__"))
    params = YAML(typ="safe").load(tmp_path / "params.yaml")
    project.write("params.yaml", params | {"polynomials": DEFAULTS, "overfitting": SECTION})
    runs = {"families": ["polynomials"], "smoke": {"overfitting": {"family": "polynomials"}}}
    runs |= {"paper": {}, "held_out": {}}
    project.write("stages/runs.yaml", runs)
    pipeline, whole = (YAML(typ="safe").load(folder / "dvc.yaml") for folder in (tmp_path, ROOT))
    project.write("dvc.yaml", pipeline | {"stages": {"fetch": whole["stages"]["fetch"]} | pipeline["stages"]})
    return project


def test_a_third_family_goes_through_every_verb_and_touches_nothing(project: Project) -> None:
    output = project.succeed("dvc", "repro")
    verbs = ("fetch@polynomials", *(f"{verb}@overfitting" for verb in ("generate", "train", "extract", "render")))
    assert sorted(ran(output)) == sorted(("check", *verbs, "report"))
    assert trained(output) == [12] and "2 of 12 cells failed" in output
    cells = pd.read_parquet(project.folder / "data/tables/smoke/overfitting/cells.parquet")
    failed = cells[cells.status == "failed"]
    assert set(failed.error) == {"ValueError: 4 points are too few for degree 5"} and len(failed) == 2
    assert cells[cells.status == "trained"].test_loss.notna().all()
    assert ran(project.succeed("dvc", "repro")) == []
    changed = project.git("status", "--porcelain", "-uall", "stages").split("\n")
    new = re.compile(r" M stages/runs.yaml|\?\? stages/(families/polynomials|experiments/overfitting)/.*|")
    assert all(new.fullmatch(line) for line in changed), changed

    project.set("overfitting.grid.degree", [1, 3, 5, 7])  # finished cells are kept, those that failed tried again
    assert trained(project.succeed("dvc", "repro")) == [6]
    (project.folder / "data/models/smoke/overfitting.safetensors").unlink()
    assert trained(project.succeed("train", "overfitting")) == [4]

    planned = project.succeed("plan", "overfitting", "--scale", "smoke")
    assert "smoke/overfitting" in planned and "cost law of polynomials" in planned


@pytest.mark.parametrize(
    ("degree", "says"),
    [
        (-1, "overfitting.grid.degree is -1; allowed: greater than or equal to 0"),
        (2.5, "overfitting.grid.degree is 2.5; allowed: a valid integer"),
    ],
)
def test_what_is_wrong_with_its_parameters_is_said_in_one_line(project: Project, degree: float, says: str) -> None:
    project.set("overfitting.grid.degree", degree)
    done = project.run("check")
    assert done.returncode == 1 and done.stderr == f"error: params.yaml: {says}\n"


def test_a_family_that_is_not_there_is_named_with_those_there_are(project: Project) -> None:
    project.write("stages/runs.yaml", {"smoke": {"overfitting": {"family": "splines"}}})
    done = project.run("check")
    assert "overfitting.family is 'splines'; allowed: digits, language, polynomials, toy" in done.stderr
    assert done.stderr.count("\n") == 1
