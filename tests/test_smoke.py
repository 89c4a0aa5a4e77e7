"""The whole pipeline at smoke scale through DVC, and what a wrong parameter or a harmed file makes of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from stages.claims import VERDICTS
from tests.conftest import Project

DIVERGES = 1e6  # a weight decay at which nothing is learned


def ran(output: str) -> list[str]:
    """Stages that `dvc repro` ran."""
    return re.findall(r"Running stage '([^']+)'", output)


def trained(output: str) -> list[int]:
    """Cells that each train stage had to train."""
    return [int(number) for number in re.findall(r"(\d+) to train", output)]


CLAIM = {"id", "claim", "source", "says", "verdict", "would_take", "parts", "shown", "note"}


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A git and DVC project after one `dvc repro`, by two workers."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.init()
    output = project.succeed("dvc", "repro", WORKERS="2")
    assert len(ran(output)) == 14, output
    return project


@pytest.fixture
def changed(reproduced: Project, tmp_path: Path) -> Project:
    """A copy of the reproduced project to change."""
    return reproduced.copy(tmp_path / "copy")


def test_repro_makes_every_declared_file_and_then_has_nothing_to_do(reproduced: Project) -> None:
    names = set(reproduced.outputs())
    for x in ("geometry", "dataset_size", "memorization"):
        whole = {f"data/{kind}/smoke/{x}.safetensors" for kind in ("datasets", "models")}
        whole |= {f"data/items/smoke/{x}.parquet", f"data/metrics/smoke/{x}.json", f"data/tables/smoke/{x}/curves.csv"}
        whole |= {f"data/tables/smoke/{x}/{table}.parquet" for table in ("cells", "history", "items")}
        whole |= {f"data/grids/smoke/{x}/{kind}.json" for kind in ("data", "training", "measure")}
        assert whole <= names, whole - names
        assert any(name.startswith(f"figures/smoke/{x}/") for name in names)
    output = reproduced.succeed("dvc", "repro")
    assert ran(output) == [] and "up to date" in output


def test_tables_are_documented_and_one_row_a_cell(reproduced: Project) -> None:
    for path in (reproduced.folder / "data").rglob("*.parquet"):
        assert all(field.metadata[b"meaning"] for field in pq.read_schema(path)), path
    table = pq.read_table(reproduced.folder / "data/tables/smoke/geometry/cells.parquet")
    assert table.num_rows == 48
    rows = table.to_pandas()
    assert (rows.status == "trained").all() and rows.test_loss.notna().all()
    assert rows[rows.selected].groupby(["T", "supports", "data_seed", "weight_decay"]).size().eq(1).all()
    best = rows.groupby(["T", "supports", "data_seed", "weight_decay"]).train_loss.min()
    chosen = rows[rows.selected].set_index(best.index.names).train_loss.sort_index()
    assert (best == chosen).all()


def test_what_git_keeps_of_the_items_is_part_of_what_dvc_keeps(reproduced: Project) -> None:
    for x in ("geometry", "dataset_size", "memorization"):
        every = pd.read_parquet(reproduced.folder / f"data/items/smoke/{x}.parquet")
        shown = pd.read_parquet(reproduced.folder / f"data/tables/smoke/{x}/items.parquet")
        key = [name for name in ("cell", "set", "image", "step", "kind", "D") if name in shown]
        assert 0 < len(shown) <= len(every) and len(shown.merge(every[key].drop_duplicates())) == len(shown)


def test_summary_holds_numbers_that_dvc_shows_and_claims_that_it_does_not(reproduced: Project) -> None:
    summary = json.loads((reproduced.folder / "data/metrics/smoke/geometry.json").read_text())
    claims, questions = summary.pop("claims"), summary.pop("questions")
    assert summary and all(isinstance(value, int | float) for value in summary.values())
    counts = [summary[name] for name in ("held", "failed", "undecided")]
    assert counts == [sum(claim["verdict"] == verdict for claim in claims) for verdict in VERDICTS] and sum(counts) > 0
    assert all(claim.keys() == CLAIM for claim in claims)
    assert all(of.keys() == {"question", "source", "parts", "shown", "note"} for of in questions)
    shown = reproduced.succeed("dvc", "metrics", "show")
    assert "dataset_size.json" in shown and "held" in shown and "verdict" not in shown
    assert max(map(len, shown.splitlines())) <= 80  # the few that matter


@pytest.mark.parametrize("target", [[], ["render@dataset_size"]], ids=str)
def test_a_wrong_parameter_stops_everything_and_changes_nothing(changed: Project, target: list[str]) -> None:
    """DVC clears a stage's outputs away before it runs: the gate before all stages keeps them."""
    before = changed.outputs()
    changed.set("dataset_size.smoke.grid.S", 1.2)
    changed.set("geometry.smoke.measure", {"learned": 0.3})
    done = changed.run("dvc", "repro", *target)
    assert done.returncode != 0
    assert "error: params.yaml: dataset_size.smoke.grid.S is 1.2; allowed: less than 1" in done.stdout + done.stderr
    kept = {name: content for name, content in before.items() if not name.startswith("data/grids/")}
    assert {name: content for name, content in changed.outputs().items() if name in kept} == kept


def test_order_of_the_grid_and_number_of_workers_change_no_byte(changed: Project, reproduced: Project) -> None:
    changed.set("dataset_size.smoke.grids.0.T", [300, 100, 30, 10, 5, 3])
    changed.set("dataset_size.smoke.grid.data_seed", [1, 0])
    shutil.rmtree(changed.folder / ".cells")
    changed.through("dataset_size", "generate", "train", "extract", "render", WORKERS="1")
    assert changed.outputs() == reproduced.outputs()


def test_a_harmed_model_is_noticed_and_made_again(changed: Project, reproduced: Project) -> None:
    models = changed.folder / "data/models/smoke/geometry.safetensors"
    intact = models.read_bytes()
    models.write_bytes(intact[:-100])
    done = changed.run("extract", "geometry")
    assert done.returncode == 1 and str(models.relative_to(changed.folder)) in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    # in the store as well: just that cell is trained again, and the result is the same
    cell = next(iter(sorted((changed.folder / ".cells").rglob("*.safetensors"))))
    cell.write_bytes(cell.read_bytes()[:-1])
    outputs = [changed.succeed("train", x) for x in ("geometry", "dataset_size", "memorization")]
    assert 1 <= sum(count for output in outputs for count in trained(output)) <= 2
    assert changed.outputs() == reproduced.outputs()


def test_cells_that_diverge_or_fail_are_shown_and_the_others_go_on(project: Project) -> None:
    """A weight decay of 1e30 diverges, and T = 6 fails inside its worker."""
    project.patch(
        """
import importlib

loop = importlib.import_module("stages.families.toy.training.loop")
initial_model = loop.initial_model


def failing(points, spec, data_seed):
    if points.T == 6:
        raise MemoryError("none left")
    return initial_model(points, spec, data_seed)


loop.initial_model = failing
"""
    )
    project.set("geometry.smoke.grid.weight_decay", [1e-2, DIVERGES])
    output = project.through("geometry", "generate", "train", "extract", "render")["train"]
    assert "16 of 48 cells failed" in output and "MemoryError: none left" in output
    rows = pd.read_parquet(project.folder / "data/tables/smoke/geometry/cells.parquet")
    rows["expected"] = rows.weight_decay.map({1e-2: "trained", DIVERGES: "diverged"}).mask(rows["T"] == 6, "failed")
    assert (rows.status == rows.expected).all()
    assert set(rows[rows.status == "failed"].error) == {"MemoryError: none left"}
    assert rows[rows.status == "diverged"].steps_taken.lt(2000).all()
    assert set(rows[rows.selected].status) == {"trained"}


def test_stages_run_by_hand_in_the_wrong_order_say_so_in_one_line(project: Project) -> None:
    project.through("geometry", "generate")
    project.set("geometry.smoke.grid.T", [3, 5])
    project.succeed("check")
    grid = "is not of params.yaml's grid"
    for stage, says in (("train", grid), ("extract", grid), ("render", "no such file")):
        done = project.run(stage, "geometry")
        assert done.returncode == 1 and says in done.stderr.lower() and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("checked", [True, False])
def test_an_unknown_run_is_named(project: Project, checked: bool) -> None:
    if checked:
        project.succeed("check")
    done = project.run("generate", "nonsense")
    says = "there is no run smoke/nonsense; stages/runs.yaml has smoke/dataset_size" if checked else "no such file"
    assert done.returncode == 1 and says in done.stderr and done.stderr.count("\n") == 1, done.stderr
