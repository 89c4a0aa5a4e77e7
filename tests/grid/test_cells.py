"""stages/grid/cells.py: what is trained once, and what is written for every cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.grid import bundle
from stages.grid.bundle import Record
from stages.grid.cells import Kept, Task, assemble


def task(name: str) -> Task:
    return Task(None, name, {"key": "ab12", "data": name}, {})


def test_cells_that_share_a_key_are_each_written_in_their_own_words(tmp_path: Path) -> None:
    held = Record({"key": "ab12", "data": "as it was asked for then", "status": "trained"}, {"W": np.ones(2)})
    asked = [("ab12", task("once")), ("ab12", task("in other words"))]
    assemble("name", tmp_path / "models", asked, Kept({"ab12": held}, {}))
    records = bundle.read(tmp_path / "models")
    assert [record.about["data"] for record in records] == ["once", "in other words"]
    assert all(record.about["status"] == "trained" and (record.arrays["W"] == 1).all() for record in records)


def test_failed_cells_are_written_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed, held = Record({"key": "cd34", "status": "failed"}, {}), Record({"key": "ab12", "status": "trained"}, {})
    asked = [("ab12", task("one")), ("cd34", task("two")._replace(about={"key": "cd34"}))]
    assemble("name", tmp_path / "models", asked, Kept({"ab12": held}, {"cd34": failed}))
    assert [record.about["status"] for record in bundle.read(tmp_path / "models")] == ["trained", "failed"]
    assert "1 of 2 cells failed" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="every cell of name failed"):
        assemble("name", tmp_path / "models", asked[1:], Kept({}, {"cd34": failed}))
