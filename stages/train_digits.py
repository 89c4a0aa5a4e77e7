"""Train the classifiers of an experiment that the store does not hold yet, and assemble all of them in grid order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from stages import paths, selections
from stages.command import main
from stages.grid.bundle import BundleError, Record
from stages.grid.cells import assemble, task, train_missing
from stages.grid.store import Store, key_of
from stages.mnist.data import Selection
from stages.mnist.digits import Digits
from stages.mnist.spec import Data
from stages.mnist.training import Arrays, decides, engine_name, train_cell, work
from stages.params import Cell, Experiment


def train_cells(name: str, scale: str, experiment: Experiment) -> None:
    """Write one record a cell. Cells that failed have no arrays, and say why; if all did, so does the stage."""
    sets = selections.read(name, scale)
    if sets.keys() != {cell.data for cell in experiment.cells}:
        raise BundleError(f"{paths.datasets(name, scale)}: is not of params.yaml's grid; generate it first")
    digits = selections.mnist().train
    key = keys(experiment.cells, sets, digits)
    store = Store()
    store.tidy()
    pools = {(data.pool, data.data_seed): digits.image[chosen.image] for data, chosen in sets.items()}
    tasks = []
    for cell in experiment.cells:
        checkpoint, image = store.checkpoint(key[cell]), pools[cell.data.pool, cell.data.data_seed]
        arguments = image, sets[cell.data], cell.data, cell.training, checkpoint
        tasks.append((checkpoint.key, task(cell, checkpoint, arguments, work(cell.data, cell.training))))
    kept = train_missing(name, dict(tasks), store, train_cell, _record)
    assemble(name, paths.models(name, scale), tasks, kept)


def keys(cells: Iterable[Cell], sets: Mapping[Data, Selection], digits: Digits) -> dict[Cell, str]:
    """Each cell's key in the store."""
    pixels = {"pixels": hashlib.sha256(digits.image.tobytes()).hexdigest()}
    digests = {data: Record(data.model_dump() | pixels, chosen._asdict()).digest() for data, chosen in sets.items()}
    return {cell: key_of(decides(cell.training) | {"dataset": digests[cell.data]}) for cell in cells}


def _record(about: dict[str, Any], arrays: Arrays) -> Record:
    return Record(about | {"status": "trained", "engine_used": engine_name()}, arrays)


if __name__ == "__main__":
    main(train_cells)
