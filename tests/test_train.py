"""stages/train.py: cells that start from other cells, and snapshots on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.core import bundle, paths
from stages.core.bundle import Record
from stages.core.errors import UserError
from stages.extract import extract
from stages.families.toy.data.spec import Data, Training
from stages.generate import generate
from stages.grid import cells
from stages.grid.cells import Cell, Grid
from stages.train import train
from tests.conftest import MEASURE

RUN = "smoke/x"
Records = Callable[..., list[Record]]


@pytest.fixture
def trained(
    data: Callable[..., Data], training: Callable[..., Training], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Records:
    """The records of two cells, of T = 3 and 6, with that training: by the stages, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def records(**changes: object) -> list[Record]:
        grid = Grid("toy", tuple(Cell(data(T=T), training(**changes)) for T in (3, 6)))
        cells.write(RUN, grid._replace(measure=MEASURE))
        generate(RUN)
        train(RUN)
        return bundle.read(paths.models(RUN))

    return records


def test_cells_start_from_the_model_of_their_parent(trained: Records, capsys: pytest.CaptureFixture[str]) -> None:
    alone = trained()
    capsys.readouterr()
    again, goes_on = trained(parent_T=6)
    assert "smoke/x's parents: 1 cells, 1 in the store, 0 to train" in capsys.readouterr().out  # trained before
    assert goes_on.about["training"]["parent_T"] == 6 and goes_on.about["key"] != alone[1].about["key"]
    assert goes_on.arrays["history_loss"][0] == pytest.approx(alone[1].arrays["history_loss"][-1], rel=1e-4, abs=1e-6)
    assert not np.array_equal(again.arrays["W"], alone[0].arrays["W"])


def test_where_the_parent_diverged_its_cells_fail_and_say_so(trained: Records) -> None:
    with pytest.raises(SystemExit, match=f"every cell of {RUN} failed"):
        trained(parent_T=6, weight_decay=1e6)
    records = bundle.read(paths.models(RUN))
    assert [record.about["error"] for record in records] == ["the cell that it starts from could not be trained"] * 2


def test_cells_that_diverged_are_counted_in_one_line(trained: Records, capsys: pytest.CaptureFixture[str]) -> None:
    assert [record.about["status"] for record in trained(weight_decay=1e6)] == ["diverged"] * 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("warning: 2 of 2 cells diverged: their loss stopped being finite")
    trained()
    assert "diverged" not in capsys.readouterr().err


def test_models_of_another_grid_are_refused_by_extract(trained: Records) -> None:
    records, path = trained(), paths.models(RUN)
    for other in (records[::-1], records[:1]):
        bundle.write(path, other)
        with pytest.raises(UserError, match=r"smoke/x\.safetensors: is not of params\.yaml's grid; train it first"):
            extract(RUN)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match=r"models/smoke/x\.safetensors: "):
        extract(RUN)
    path.unlink()
    with pytest.raises(UserError, match=r"x\.safetensors: no such file; run the stages before this one first"):
        extract(RUN)


def test_snapshots_are_the_models_on_the_way(trained: Records) -> None:
    plain, watched = trained(), trained(snapshots=10)
    for alone, record in zip(plain, watched, strict=True):
        steps = record.arrays["snapshot_step"]
        assert steps[0] == 0 and steps[-1] == 2000 and {200, 1800} <= set(steps.tolist()) and (np.diff(steps) > 0).all()
        assert record.arrays["snapshot_W"].shape == (len(steps), 2, 120)
        assert not record.arrays["snapshot_b"][0].any()
        for arrays in (record.arrays["snapshot_W"][-1], record.arrays["W"]):  # watching changes no byte
            assert arrays.tobytes() == alone.arrays["W"].tobytes()
