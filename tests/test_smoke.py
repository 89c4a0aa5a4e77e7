"""The whole pipeline at smoke scale through DVC, and what a change, a kill or a harmed file makes of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import Project


def ran(output: str) -> list[str]:
    """Stages that `dvc repro` ran."""
    return re.findall(r"Running stage '([^']+)'", output)


def trained(output: str) -> list[int]:
    """Cells that each train stage had to train."""
    return [int(number) for number in re.findall(r"(\d+) to train", output)]


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A git and DVC project after one `dvc repro`."""
    project = Project(tmp_path_factory.mktemp("project"))
    (project.folder / ".gitignore").write_text("__pycache__/\n/.cells/\n")
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    project.succeed("dvc", "init", "-q")
    project.succeed("dvc", "config", "core.analytics", "false")
    output = project.succeed("dvc", "repro")
    assert len(ran(output)) == 14, output
    return project


@pytest.fixture
def changed(reproduced: Project, tmp_path: Path) -> Project:
    """A copy of the reproduced project to change; its store, cache and lock included."""
    copy = Project.__new__(Project)
    copy.folder = tmp_path / "copy"
    shutil.copytree(reproduced.folder, copy.folder, symlinks=True)
    return copy


def test_repro_makes_every_declared_file_and_then_has_nothing_to_do(reproduced: Project) -> None:
    names = set(reproduced.outputs())
    for x in ("geometry", "dataset_size"):
        assert f"data/datasets/smoke/{x}.safetensors" in names and f"data/models/smoke/{x}.safetensors" in names
        assert {
            f"data/metrics/smoke/{x}{end}" for end in (".parquet", ".history.parquet", ".vectors.parquet", ".json")
        } <= names
        assert any(name.startswith(f"figures/smoke/{x}/") for name in names)
    output = reproduced.succeed("dvc", "repro")
    assert ran(output) == [] and "up to date" in output


def test_tables_are_documented_and_one_row_a_cell(reproduced: Project) -> None:
    table = pq.read_table(reproduced.folder / "data/metrics/smoke/geometry.parquet")
    assert table.num_rows == 48 and all(field.metadata[b"meaning"] for field in table.schema)
    rows = table.to_pandas()
    assert (rows.status == "trained").all() and rows.test_loss.notna().all()
    assert rows[rows.selected].groupby(["T", "supports", "data_seed", "weight_decay"]).size().eq(1).all()
    best = rows.groupby(["T", "supports", "data_seed", "weight_decay"]).train_loss.min()
    chosen = rows[rows.selected].set_index(best.index.names).train_loss.sort_index()
    assert (best == chosen).all()


def test_summary_holds_numbers_that_dvc_shows_and_claims_that_it_does_not(reproduced: Project) -> None:
    summary = json.loads((reproduced.folder / "data/metrics/smoke/geometry.json").read_text())
    claims = summary.pop("claims")
    assert summary and all(isinstance(value, int | float) for value in summary.values())
    assert len(claims) == 4 and summary["held"] == sum(c["holds"] is True for c in claims)
    for claim in claims:
        assert claim.keys() == {"claim", "source", "paper", "measured", "spread", "holds", "note"}
        assert claim["holds"] in (True, False, None)
    shown = reproduced.succeed("dvc", "metrics", "show")
    assert "dataset_size.json" in shown and "held" in shown and "spread" not in shown
    assert max(map(len, shown.splitlines())) <= 80  # the few that matter


def test_one_more_T_trains_only_its_cells(changed: Project) -> None:
    changed.set("dataset_size.smoke.grids.0.data.T", [3, 5, 10, 30, 100, 200, 300])
    output = changed.succeed("dvc", "repro")
    own = [f"{stage}@dataset_size" for stage in ("generate", "train", "extract", "render")]
    assert ran(output) == ["check", *own, "report"]
    assert trained(output) == [2]


def test_restyling_a_figure_draws_it_and_writes_the_page_and_no_more(changed: Project) -> None:
    figure = changed.folder / "stages/experiments/geometry/figure.py"
    figure.write_text(figure.read_text().replace("Few data points", "A few data points"))
    assert ran(changed.succeed("dvc", "repro")) == ["render@geometry", "report"]


def test_a_measure_s_parameter_extracts_again_and_trains_nothing(changed: Project) -> None:
    changed.set("geometry.smoke.measure", {"learned": 0.3})
    assert ran(changed.succeed("dvc", "repro")) == ["check", "extract@geometry", "render@geometry", "report"]


@pytest.mark.parametrize("target", [[], ["render@dataset_size"], ["stages/paper/dvc.yaml"]], ids=str)
def test_a_wrong_parameter_stops_everything_and_changes_nothing(changed: Project, target: list[str]) -> None:
    """DVC clears a stage's outputs away before it runs: the gate before all stages keeps them."""
    before = changed.outputs()
    changed.set("dataset_size.smoke.data.S", 1.2)
    changed.set("dataset_size.smoke.measure", {"learned": 0.3})
    done = changed.run("dvc", "repro", *target)
    assert done.returncode != 0
    assert "error: params.yaml: dataset_size.smoke.data.S is 1.2; allowed: less than 1" in done.stdout + done.stderr
    after = changed.outputs()
    assert {name: after.get(name) for name in before if name != "data/params.checked"} == {
        name: content for name, content in before.items() if name != "data/params.checked"
    }


def test_order_of_the_grid_and_number_of_workers_change_no_byte(changed: Project, reproduced: Project) -> None:
    changed.set("dataset_size.smoke.grids.0.data.T", [300, 100, 30, 10, 5, 3])
    changed.set("dataset_size.smoke.data.data_seed", [1, 0])
    shutil.rmtree(changed.folder / ".cells")
    for stage in ("generate", "train", "extract", "render"):
        changed.succeed(stage, "dataset_size", WORKERS="1")
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
    outputs = [changed.succeed("train", x) for x in ("geometry", "dataset_size")]
    assert 1 <= sum(count for output in outputs for count in trained(output)) <= 2
    assert changed.outputs() == reproduced.outputs()


def test_killed_in_the_middle_finished_cells_are_kept_and_the_end_is_the_same(project: Project) -> None:
    project.set("dataset_size.smoke.training", {"steps": 40_000})  # a tenth of a second and more a cell
    project.succeed("generate", "dataset_size")
    cells, models = project.folder / ".cells", project.folder / "data/models/smoke/dataset_size.safetensors"
    command, options = project.command("train", "dataset_size", WORKERS="1")
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options)
    deadline = time.monotonic() + 60
    while len(list(cells.rglob("[0-9a-f]*.safetensors"))) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(list(cells.rglob("[0-9a-f]*.safetensors")))
    assert 3 <= kept < 14 and not models.exists()
    assert trained(project.succeed("train", "dataset_size")) == [14 - kept]
    resumed = models.read_bytes()
    shutil.rmtree(cells)
    assert trained(project.succeed("train", "dataset_size")) == [14]
    assert models.read_bytes() == resumed


def test_cells_that_diverge_or_fail_are_shown_and_the_others_go_on(project: Project) -> None:
    """A weight decay of 1e30 diverges; T = 6 is made to fail inside its worker."""
    code = project.folder / "stages/toy/training.py"
    first = "    first = initial_model(points, spec)\n"
    assert code.read_text().count(first) == 1
    failing = '    if points.T == 6:\n        raise MemoryError("none left")\n'
    code.write_text(code.read_text().replace(first, failing + first))
    project.set("geometry.smoke.training", {"weight_decay": [1e-2, 1e30]})
    output = [project.succeed(stage, "geometry") for stage in ("generate", "train", "extract", "render")][1]
    assert "8 of 24 cells failed" in output and "MemoryError: none left" in output
    rows = pq.read_table(project.folder / "data/metrics/smoke/geometry.parquet").to_pandas()
    rows["expected"] = rows.weight_decay.map({1e-2: "trained", 1e30: "diverged"}).mask(rows["T"] == 6, "failed")
    assert (rows.status == rows.expected).all()
    assert set(rows[rows.status == "failed"].error) == {"MemoryError: none left"}
    assert rows[rows.status == "diverged"].steps_taken.lt(2000).all()
    assert set(rows[rows.selected].status) == {"trained"}


def test_stages_run_by_hand_in_the_wrong_order_say_so_in_one_line(project: Project) -> None:
    project.succeed("generate", "geometry")
    project.set("geometry.smoke.data.T", [3, 5])
    for stage, says in (
        ("train", "is not of params.yaml's grid"),
        ("extract", "no such file"),
        ("render", "no such file"),
    ):
        done = project.run(stage, "geometry")
        assert done.returncode == 1 and says in done.stderr.lower() and done.stderr.count("\n") == 1, done.stderr


def test_an_unknown_experiment_is_named(project: Project) -> None:
    done = project.run("generate", "nonsense")
    assert (
        done.returncode == 1 and "there is no section nonsense.smoke" in done.stderr and "Traceback" not in done.stderr
    )
