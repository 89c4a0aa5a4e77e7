"""Every experiment at smoke scale, from its section of params.yaml to its figures, in one process."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from stages import paths
from stages.extract import extract
from stages.generate import generate
from stages.params import load, load_all
from stages.render import render
from stages.train import train_cells
from tests.conftest import ROOT

OTHERS = sorted(
    {name for name, _ in load_all()} - {"geometry", "dataset_size"}
)  # those go through DVC in test_smoke.py


@pytest.mark.parametrize("name", OTHERS)
def test_an_experiment_runs_from_its_parameters_to_its_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    experiment = load(name, "smoke")
    for stage in (generate, train_cells, extract, render):
        stage(name, "smoke", experiment)
    cells = pd.read_parquet(paths.cells(name, "smoke"))
    assert len(cells) == len(experiment.cells) and (cells.status == "trained").all()
    summary = json.loads(paths.metrics(name, "smoke").read_text())
    assert summary["claims_made"] == len(summary["claims"]) > 0
    assert all(claim["claim"] and claim["source"] and claim["note"] for claim in summary["claims"])
    assert list(paths.figures(name, "smoke").iterdir())
