"""stages/grid/training.py: what is trained once, and what is written for every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from stages.core import bundle
from stages.core.checkpoint import Trained
from stages.grid.cells import Cell
from stages.grid.executor import Job, Outcome
from stages.grid.store import Store
from stages.grid.training import assemble, keys, train_missing


class Spec(NamedTuple):
    """What a cell of a made-up family is made from: a number, and words that do not matter."""

    number: float
    words: str = ""
    starts_from: float | None = None

    @property
    def axes(self) -> dict[str, Any]:
        return self._asdict()

    def parent(self, data: Spec) -> tuple[Spec, Spec] | None:
        return None if self.starts_from is None else (data, Spec(self.starts_from))


def train(data: Spec, dataset: Any, spec: Spec, start: Any = None, checkpoint: Any = None) -> Trained:
    if spec.number < 0:
        raise ValueError(f"no root of {spec.number}")
    root = spec.number**0.5 + (start["root"][0] if start else 0)
    made_by = "another" if spec.number > 1000 else "roots, version 1"
    return Trained({"status": "trained"}, {"root": np.array([root])}, made_by)


FAMILY = SimpleNamespace(
    train=train,
    decides=lambda spec: {"number": spec.number},
    digest=lambda data, dataset: f"set {data.number}",
    work=lambda data, dataset, spec: 1.0,
    made_by=lambda spec: "roots, version 1",
)
SET = Spec(1)
DATASETS = {SET: None, Spec(2): None}


@pytest.fixture(autouse=True)
def trained(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The numbers of the cells that are trained, in this process."""
    numbers: list[float] = []

    def inline(function: Callable[..., Any], jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
        for i, job in enumerate(jobs):
            numbers.append(job.arguments[2].number)
            try:
                yield i, Outcome(function(*job.arguments), None, 0.5, "here")
            except ValueError as error:
                yield i, Outcome(None, f"ValueError: {error}", 0.0, "")

    monkeypatch.setattr("stages.grid.training.run", inline)
    return numbers


def cells(*numbers: float) -> list[Cell]:
    return [Cell(SET, Spec(number)) for number in numbers]


def test_what_the_store_holds_is_not_trained_again(tmp_path: Path, trained: list[float]) -> None:
    store = Store(tmp_path)
    train_missing("first", FAMILY, cells(4, 9), DATASETS, store)
    records = train_missing("second", FAMILY, cells(9, 16), DATASETS, store)
    assert trained == [4, 9, 16]
    assert {cell.training.number: float(record.arrays["root"][0]) for cell, record in records.items()} == {9: 3, 16: 4}


def test_cells_that_share_a_key_are_trained_once_and_each_written_in_its_own_words(
    tmp_path: Path, trained: list[float]
) -> None:
    asked = [Cell(SET, Spec(4, "once")), Cell(SET, Spec(4, "in other words"))]
    records = train_missing("name", FAMILY, asked, DATASETS, Store(tmp_path / "store"))
    assemble("name", tmp_path / "models", asked, records)
    written = bundle.read(tmp_path / "models")
    assert [record.about["training"]["words"] for record in written] == ["once", "in other words"]
    assert all(record.about["status"] == "trained" and record.arrays["root"] == 2 for record in written)
    assert trained == [4]


def test_a_cell_starts_from_its_parent_s_arrays_which_its_key_holds(tmp_path: Path) -> None:
    child, alone = Cell(SET, Spec(4, "", 9)), Cell(SET, Spec(4))
    store = Store(tmp_path)
    parents = train_missing("parents", FAMILY, [child.parent], DATASETS, store)
    records = train_missing("name", FAMILY, [child, alone], DATASETS, store, parents)
    assert [float(records[cell].arrays["root"][0]) for cell in (child, alone)] == [5, 2]
    asked = [child, alone, Cell(SET, Spec(4, "", 16)), Cell(Spec(2), Spec(4))]
    key = keys(FAMILY, asked, DATASETS)
    assert len({key[cell] for cell in asked}) == 4


def test_failed_cells_are_written_counted_and_tried_again(
    tmp_path: Path, trained: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    store, asked = Store(tmp_path / "store"), [*cells(4, -1, 2000), Cell(SET, Spec(9, "", -1))]
    parents = train_missing("parents", FAMILY, [asked[3].parent], DATASETS, store)
    records = train_missing("name", FAMILY, asked, DATASETS, store, parents)
    assemble("name", tmp_path / "models", asked, records)
    assert [record.about.get("error") for record in bundle.read(tmp_path / "models")] == [
        None,
        "ValueError: no root of -1",
        "trained by another, which is not what its key says",
        "the cell that it starts from could not be trained",
    ]
    said = capsys.readouterr().err
    assert "3 of 4 cells failed" in said and "number=-1" in said
    with pytest.raises(SystemExit, match="every cell of name failed"):
        assemble("name", tmp_path / "models", asked[1:], records)
    train_missing("again", FAMILY, asked[:3], DATASETS, store)
    assert trained == [-1, 4, -1, 2000, -1, 2000]
