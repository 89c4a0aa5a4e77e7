"""Train the cells of a run that the store does not hold yet, and put all of them together in the grid's order."""

from __future__ import annotations

from stages.core import paths
from stages.core.command import main
from stages.core.rooms import room
from stages.grid import cells
from stages.grid.datasets import Datasets
from stages.grid.store import Store
from stages.grid.training import assemble, train_missing


def train(run: str) -> None:
    """Write one record a cell. Cells that failed have no arrays, and say why; if all did, so does the stage."""
    grid = cells.read(run)
    family = room(grid.family, "training")
    datasets = Datasets(grid.family, run, grid.cells)
    store = Store()
    store.tidy()
    parents = train_missing(f"{run}'s parents", family, grid.parents, datasets, store) if grid.parents else {}
    trained = train_missing(run, family, grid.cells, datasets, store, parents)
    assemble(run, paths.models(run), grid.cells, trained)


if __name__ == "__main__":
    main(train)
