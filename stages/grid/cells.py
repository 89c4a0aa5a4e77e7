"""The cells of a run: what `check` resolves from params.yaml, and every other stage reads.

`data/grids/<run>/` holds one file for each kind of stage, so that a stage depends on just what it uses: `data.json`
(the training sets), `training.json` (the cells) and `measure.json`. Each names the family, what is fixed, and a row of
what is swept for each training set or cell, in the grid's canonical order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.core import paths
from stages.core.bundle import Record, write_bytes
from stages.core.errors import UserError
from stages.core.rooms import room


class Cell(NamedTuple):
    """One trained model: its data and how it is trained, by its family's specs."""

    data: Any
    training: Any

    @property
    def axes(self) -> dict[str, Any]:
        """Every axis of the grid by name, one column each in the tables."""
        axes: dict[str, Any] = self.data.axes | self.training.axes
        return axes

    @property
    def parent(self) -> Cell | None:
        """The cell whose model it starts from."""
        made = self.training.parent(self.data)
        return Cell(*made) if made else None


class TrainedCell(NamedTuple):
    """A cell with its training set and what became of it, as its family's measures get it."""

    cell: Cell
    dataset: Any
    record: Record

    @property
    def is_trained(self) -> bool:
        """Whether it has a model: it neither failed nor diverged."""
        return bool(self.record.about["status"] == "trained")


class Grid(NamedTuple):
    """The cells of a run in the grid's canonical order, the family that they are of, and what is measured of them."""

    family: str
    cells: tuple[Cell, ...]
    measure: Any = None  # a `Measure` of the family

    @property
    def parents(self) -> tuple[Cell, ...]:
        """Cells that others start from, each once."""
        return tuple(dict.fromkeys(cell.parent for cell in self.cells if cell.parent))


def write(run: str, grid: Grid) -> None:
    """Write the run's three files."""
    datasets = list(dict.fromkeys(cell.data for cell in grid.cells))
    rows = [cell.data.model_dump() | cell.training.model_dump() for cell in grid.cells]
    files = {
        "data": _factored([data.model_dump() for data in datasets]),
        "training": _factored(rows),
        "measure": {"measure": grid.measure.model_dump()},
    }
    for name, content in files.items():
        write_bytes(paths.grid(run) / f"{name}.json", _text({"family": grid.family} | content).encode())


def read_data(run: str) -> tuple[str, list[Any]]:
    """The run's family and what each of its training sets is drawn from, each once."""
    content = _read(run, "data")
    spec = room(content["family"], "data.spec")
    return content["family"], [spec.Data(**row) for row in _rows(content)]


def read(run: str) -> Grid:
    """The run's cells, without what is measured of them."""
    content = _read(run, "training")
    spec = room(content["family"], "data.spec")
    cells = []
    for row in _rows(content):
        data, training = ({k: row[k] for k in model.model_fields} for model in (spec.Data, spec.Training))
        cells.append(Cell(spec.Data(**data), spec.Training(**training)))
    return Grid(content["family"], tuple(cells))


def read_measure(run: str) -> tuple[str, dict[str, Any]]:
    """The run's family, and what is measured, by key."""
    content = _read(run, "measure")
    return content["family"], content["measure"]


def _read(run: str, name: str) -> dict[str, Any]:
    path = paths.grid(run) / f"{name}.json"
    if not path.exists() and (known := sorted(str(f.parent.relative_to(paths.grid(""))) for f in _every(name))):
        raise UserError(f"there is no run {run}; stages/runs.yaml has {', '.join(known)}")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _every(name: str) -> list[Path]:
    return list(paths.grid("").glob(f"*/*/{name}.json"))


def _factored(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows of the same keys as what all have in common, and a line of the rest for each."""
    swept = [key for key in rows[0] if any(row[key] != rows[0][key] for row in rows)]
    fixed = {key: value for key, value in rows[0].items() if key not in swept}
    return {"fixed": fixed, "swept": swept, "rows": [[row[key] for key in swept] for row in rows]}


def _rows(content: dict[str, Any]) -> list[dict[str, Any]]:
    """What `_factored` was made of."""
    swept = content["swept"]
    return [content["fixed"] | dict(zip(swept, row, strict=True)) for row in content["rows"]]


def _text(content: dict[str, Any]) -> str:
    """JSON of one line a key, and of one line a row."""
    rows = ["  " + json.dumps(row) for row in content.get("rows", [])]
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items() if key != "rows"]
    if rows:
        lines.append(' "rows": [\n' + ",\n".join(rows) + "\n ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"
