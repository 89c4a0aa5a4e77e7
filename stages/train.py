"""Train the cells of an experiment that the store does not hold yet, and assemble all of them in grid order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stages import datasets, paths
from stages.command import main
from stages.grid.bundle import BundleError, Record
from stages.grid.cells import Task, assemble, task, train_missing
from stages.grid.checkpoint import Checkpoint
from stages.grid.store import Store, key_of
from stages.params import Cell, Experiment
from stages.toy.data import Points, dataset_digest, sample
from stages.toy.model import Model, model
from stages.toy.spec import Data, Training
from stages.toy.training import VERSION, Trained, decides, engine_name, snapshot_arrays, train, work


def train_cells(name: str, scale: str, experiment: Experiment) -> None:
    """Write one record a cell. Cells that failed have no arrays, and say why; if all did, so does the stage."""
    sets = datasets.read(name, scale)
    if sets.keys() != {cell.data for cell in experiment.cells}:
        raise BundleError(f"{paths.datasets(name, scale)}: is not of params.yaml's grid; generate it first")
    sets |= {cell.data: sample(cell.data) for cell in experiment.parents if cell.data not in sets}
    key = keys([*experiment.parents, *experiment.cells], sets)
    store = Store()
    store.tidy()
    parents: dict[str, Record] = {}
    if experiment.parents:
        of = [(cell, store.checkpoint(key[cell])) for cell in experiment.parents]
        first = {checkpoint.key: _task(cell, sets[cell.data], checkpoint) for cell, checkpoint in of}
        parents = train_missing(f"{name}'s parents", first, store, train, _record).trained

    tasks = []
    for cell in experiment.cells:
        start = _start(parents.get(key[cell.parent]), cell.training) if cell.parent else None
        refused = "the cell that it starts from could not be trained" if cell.parent and start is None else ""
        checkpoint = store.checkpoint(key[cell])
        tasks.append((checkpoint.key, _task(cell, sets[cell.data], checkpoint, start, refused)))
    assemble(name, paths.models(name, scale), tasks, train_missing(name, dict(tasks), store, train, _record))


def keys(cells: Iterable[Cell], sets: Mapping[Data, Points]) -> dict[Cell, str]:
    """Each cell's key in the store; cells come after the ones that they start from."""
    digests = {data: dataset_digest(data, points) for data, points in sets.items()}
    found: dict[Cell, str] = {}
    for cell in cells:
        parent = {"parent": found[cell.parent]} if cell.parent else {}
        found[cell] = key_of(decides(cell.training) | {"dataset": digests[cell.data]} | parent)
    return found


def _task(cell: Cell, points: Points, checkpoint: Checkpoint, start: Model | None = None, refused: str = "") -> Task:
    arguments = cell.data, points, cell.training, start, checkpoint
    return task(cell, checkpoint, arguments, work(points, cell.training), refused)


def _start(parent: Record | None, training: Training) -> Model | None:
    """The model of a trained parent."""
    if parent is None or parent.about["status"] != "trained":
        return None
    return model(parent.arrays["W"], parent.arrays["b"], parent.arrays.get("U"), training)


def _record(about: dict[str, Any], trained: Trained) -> Record | str:
    wanted = engine_name(Training(**about["training"])), VERSION
    if (trained.engine, trained.version) != wanted:
        return f"trained by {trained.engine}, version {trained.version}, which is not what its key says"
    status = "diverged" if trained.diverged else "trained"
    about = about | {"status": status, "steps_taken": trained.steps, "engine_used": trained.engine}
    arrays = {name: getattr(trained.model, name) for name in ("W", "b", "U")}
    arrays |= {name: getattr(trained, name) for name in ("history_step", "history_loss")}
    arrays |= snapshot_arrays(trained.snapshots)
    return Record(about, {name: array for name, array in arrays.items() if array is not None})


if __name__ == "__main__":
    main(train_cells)
