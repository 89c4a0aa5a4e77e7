"""Every experiment at smoke scale, from its section of params.yaml to its figures, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from stages.check import check
from stages.claims import HOLDS
from stages.core import paths
from stages.extract import extract
from stages.generate import generate
from stages.grid import cells
from stages.grid.executor import Job, Outcome
from stages.render import render
from stages.train import train
from tests.conftest import RUNS, THREE, make_raw
from tests.smoke import merged_params

FAST = {"counterfactual", "history"}  # the most that experiments ask of their family; of digits, see below
OTHERS = [x for x in RUNS["laptop"] if x not in THREE]  # which test_smoke.py runs through DVC


def inline(function: Callable[..., Any], jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
    """What the executor does, one job after another in this process."""
    for i, job in enumerate(jobs):
        yield i, Outcome(function(*job.arguments), None, 0.0, "")


@pytest.fixture
def through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Run an experiment from params.yaml to its figures, in a folder of its own; its run."""
    monkeypatch.chdir(tmp_path)
    for name in ("stages.grid.training.run", "stages.extract.execute"):  # workers are met in test_smoke.py
        monkeypatch.setattr(name, inline)
    make_raw(tmp_path)

    def run_through(x: str) -> str:
        run = f"smoke/{x}"
        YAML().dump(merged_params([x]), tmp_path / "params.yaml")
        (tmp_path / "stages").mkdir()
        YAML().dump({"families": RUNS["families"], "smoke": {x: RUNS["laptop"][x]}}, tmp_path / "stages/runs.yaml")
        check()
        for verb in (generate, train, extract, render):
            verb(run)
        return run

    return run_through


@pytest.mark.parametrize("x", [pytest.param(x, marks=[] if x in FAST else pytest.mark.slow) for x in OTHERS])
def test_an_experiment_runs_from_its_parameters_to_its_figures(x: str, through: Callable[[str], str]) -> None:
    run = through(x)
    of = pd.read_parquet(paths.tables(run) / "cells.parquet")
    assert len(of) == len(cells.read(run).cells) and (of.status == "trained").all()
    summary = json.loads(paths.summary(run).read_text())
    assert summary["held"] == sum(claim["verdict"] == HOLDS for claim in summary["claims"])
    assert all(claim["claim"] and claim["source"] and claim["says"] for claim in summary["claims"])
    assert all(of["question"].endswith("?") and of["source"] for of in summary["questions"])
    assert summary["claims"] or summary["questions"]
    assert list(paths.figures(run).iterdir())
    assert len(pd.read_csv(paths.tables(run) / "curves.csv")) > 0


def test_of_digits_every_training_and_validation_image_is_listed_once(through: Callable[[str], str]) -> None:
    run = through("mnist")
    of = pd.read_parquet(paths.tables(run) / "cells.parquet").set_index("cell")
    images = pd.read_parquet(paths.items(run))
    inside = images[images.set == "training"]
    sums = inside.groupby("cell").D_after.sum()
    assert (sums - of["rank"].loc[sums.index]).abs().max() < 1e-3  # each listed whole, kept as float32
    assert inside.groupby("cell").size().eq(of["T"].loc[sums.index]).all()
    assert (inside.label != inside.true_label).groupby(inside.wrong).mean().round(2).to_dict() == {0.0: 0.0, 0.1: 0.1}
    assert images[images.set == "validation"].groupby("cell").size().eq(80).all()
