"""stages/train.py: cells that start from other cells, and snapshots on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from stages import paths
from stages.generate import generate
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.params import load
from stages.train import train_cells
from tests.conftest import ROOT


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, **training: object) -> list[Record]:
    """The records of geometry at smoke scale on T = 3 and 6, with this training."""
    content = YAML().load(ROOT / "params.yaml")
    content["geometry"]["smoke"]["data"] = {"T": [3, 6]}
    content["geometry"]["smoke"]["training"] = training
    YAML().dump(content, folder / "params.yaml")
    monkeypatch.chdir(folder)
    experiment = load("geometry", "smoke")
    generate("geometry", "smoke", experiment)
    train_cells("geometry", "smoke", experiment)
    return bundle.read(paths.models("geometry", "smoke"))


def test_cells_start_from_the_model_of_their_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = trained(tmp_path, monkeypatch)
    capsys.readouterr()
    records = trained(tmp_path, monkeypatch, parent_T=6)
    assert "geometry's parents: 1 cells, 1 in the store, 0 to train" in capsys.readouterr().out  # trained before
    again, goes_on = records
    assert goes_on.about["training"]["parent_T"] == 6 and goes_on.about["key"] != alone[1].about["key"]
    assert goes_on.arrays["history_loss"][0] == pytest.approx(alone[1].arrays["history_loss"][-1], rel=1e-4, abs=1e-6)
    assert not np.array_equal(again.arrays["W"], alone[0].arrays["W"])


def test_where_the_parent_diverged_its_cells_fail_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="every cell of geometry failed"):
        trained(tmp_path, monkeypatch, parent_T=6, weight_decay=1e30)
    records = bundle.read(paths.models("geometry", "smoke"))
    assert {record.about["error"] for record in records} == {"the cell that it starts from could not be trained"}


def test_snapshots_are_the_models_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, watched = trained(tmp_path, monkeypatch), trained(tmp_path, monkeypatch, snapshots=10)
    for alone, record in zip(plain, watched, strict=True):
        steps = record.arrays["snapshot_step"]
        assert steps[0] == 0 and steps[-1] == 2000 and {200, 1800} <= set(steps.tolist()) and (np.diff(steps) > 0).all()
        assert record.arrays["snapshot_W"].shape == (len(steps), 2, 120)
        assert record.arrays["snapshot_b"][0].any() == 0
        for arrays in (record.arrays["snapshot_W"][-1], record.arrays["W"]):  # watching changes no byte
            assert arrays.tobytes() == alone.arrays["W"].tobytes()
