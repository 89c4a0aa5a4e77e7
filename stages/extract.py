"""Measure a run's trained cells: tables of cells, of their history and of what they store."""

from __future__ import annotations

import importlib

from stages.core import bundle, paths, tables
from stages.core.command import main
from stages.core.errors import UserError
from stages.core.rooms import room
from stages.grid import cells
from stages.grid.cells import TrainedCell
from stages.grid.datasets import Datasets
from stages.grid.executor import run as execute


def extract(run: str) -> None:
    """Write the run's tables, the curves that `dvc plots` draws, and the long table of every item.

    Raises:
        UserError: the models are of other cells than the run's.
    """
    grid = cells.read(run)
    datasets = Datasets(grid.family, run, grid.cells)
    records = bundle.read(paths.models(run))
    of = [(record.about.get("data"), record.about.get("training")) for record in records]
    if of != [(cell.data.axes, cell.training.axes) for cell in grid.cells]:
        raise UserError(f"{paths.models(run)}: is not of params.yaml's grid; train it first")
    _, measure = cells.read_measure(run)
    spec, measures = (room(grid.family, name) for name in ("data.spec", "measures"))
    own = importlib.import_module(f"stages.experiments.{run.partition('/')[2]}.measure").OWN
    trained = [TrainedCell(cell, datasets[cell.data], r) for cell, r in zip(grid.cells, records, strict=True)]
    measured = measures.measure(trained, spec.Measure(**measure), own, datasets.raw, execute)
    for name, table in measured.tables.items():
        tables.write_shown(paths.tables(run) / f"{name}.parquet", table, own.shown if name == "items" else None)
    tables.write(paths.items(run), measured.every_item)
    found = tables.read(paths.tables(run))
    tables.write_curves(paths.tables(run) / "curves.csv", measures.curves(found.cells))


if __name__ == "__main__":
    main(extract)
