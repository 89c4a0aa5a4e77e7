"""Every experiment at smoke scale, from its section of params.yaml to its figures, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages import extract, extract_digits, generate, generate_digits, paths, train, train_digits
from stages.command import Stage
from stages.grid.executor import Job, Outcome
from stages.params import load, load_all
from stages.render import render
from tests.conftest import ROOT, make_digits

THROUGH_DVC = {"geometry", "dataset_size", "memorization"}  # in test_smoke.py
DIGITS = ["mnist"]
OTHERS = sorted({name for name, _ in load_all()} - THROUGH_DVC - set(DIGITS))


@pytest.mark.parametrize("name", OTHERS)
def test_an_experiment_runs_from_its_parameters_to_its_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_through(name, tmp_path, monkeypatch, [generate.generate, train.train_cells, extract.extract])


@pytest.mark.parametrize("name", DIGITS)
def test_an_experiment_on_digits_runs_likewise(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_digits(tmp_path / paths.MNIST)
    stages = [generate_digits.generate, train_digits.train_cells, extract_digits.extract]
    runs_through(name, tmp_path, monkeypatch, stages)
    images = pd.read_parquet(paths.images(name, "smoke"))
    inside = images[images.set == "training"]
    sums = inside.groupby("cell").D_after.sum()
    cells = pd.read_parquet(paths.cells(name, "smoke")).set_index("cell")
    assert (sums - cells["rank"].loc[sums.index]).abs().max() < 1e-3  # each listed whole, kept as float32
    assert inside.groupby("cell").size().eq(cells["T"].loc[sums.index]).all()
    assert (inside.label != inside.true_label).groupby(inside.wrong).mean().round(2).to_dict() == {0.0: 0.0, 0.1: 0.1}
    assert images[images.set == "validation"].groupby("cell").size().eq(80).all()


def inline(function: Callable[..., Any], jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
    """What the executor does, one job after another in this process."""
    for i, job in enumerate(jobs):
        yield i, Outcome(function(*job.arguments), None, 0.0, "")


def runs_through(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, stages: list[Stage]) -> None:
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(folder)
    for module in ("stages.grid.cells", "stages.extract_digits"):  # workers are met in test_smoke.py
        monkeypatch.setattr(f"{module}.run", inline)
    experiment = load(name, "smoke")
    for stage in (*stages, render):
        stage(name, "smoke", experiment)
    cells = pd.read_parquet(paths.cells(name, "smoke"))
    assert len(cells) == len(experiment.cells) and (cells.status == "trained").all()
    summary = json.loads(paths.metrics(name, "smoke").read_text())
    assert 0 <= summary["held"] <= len(summary["claims"]) > 0
    assert all(claim["claim"] and claim["source"] and claim["note"] for claim in summary["claims"])
    assert list(paths.figures(name, "smoke").iterdir())
