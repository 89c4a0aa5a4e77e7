"""Train the cells of an experiment that the store does not hold yet, and assemble all of them in grid order."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from stages import datasets, paths
from stages.command import main
from stages.grid import bundle
from stages.grid.bundle import BundleError, Record
from stages.grid.executor import Job, run
from stages.grid.store import Store, cell_key
from stages.params import Cell, Experiment
from stages.toy.data import Points, dataset_digest, sample
from stages.toy.model import Model, model
from stages.toy.spec import Data, Training
from stages.toy.training import VERSION, Trained, engine_name, train, work


def train_cells(name: str, scale: str, experiment: Experiment) -> None:
    """Write one record a cell. Cells that failed have no arrays, and say why; if all did, so does the stage."""
    sets = datasets.read(name, scale)
    if sets.keys() != {cell.data for cell in experiment.cells}:
        raise BundleError(f"{paths.datasets(name, scale)}: is not of params.yaml's grid; generate it first")
    sets |= {cell.data: sample(cell.data) for cell in experiment.parents if cell.data not in sets}
    digests = {data: dataset_digest(data, points) for data, points in sets.items()}

    def key_of(cell: Cell) -> str:
        return cell_key(digests[cell.data], cell.training, key_of(cell.parent) if cell.parent else "")

    store = Store()
    store.tidy()
    if experiment.parents:
        _train_missing(f"{name}'s parents", {key_of(cell): cell for cell in experiment.parents}, sets, store, {})
    cells = {key_of(cell): cell for cell in experiment.cells}
    parents = {key: key_of(cell.parent) for key, cell in cells.items() if cell.parent}
    records, failed = _train_missing(name, cells, sets, store, parents)

    # a cell kept from another experiment may have been asked for in other words (engine auto or fused)
    kept = {key: Record(record.about | _about(key, cells[key]), record.arrays) for key, record in records.items()}
    bundle.write(paths.models(name, scale), [kept.get(key) or failed[key] for key in cells])
    if failed:
        again = "`dvc repro -f` on this stage tries them again"
        print(f"warning: {len(failed)} of {len(cells)} cells failed; {again}", file=sys.stderr)
    if len(failed) == len(cells):
        sys.exit(f"error: every cell of {name} failed")


def _train_missing(
    name: str, cells: dict[str, Cell], sets: dict[Data, Points], store: Store, parents: dict[str, str]
) -> tuple[dict[str, Record], dict[str, Record]]:
    """Records by key of the cells that could be trained, and of those that failed; trains what the store lacks."""
    records = {key: record for key in cells if (record := store.get(key))}
    missing = [key for key in cells if key not in records]
    print(f"{name}: {len(cells)} cells, {len(records)} in the store, {len(missing)} to train", flush=True)

    failed = {}
    starts = {key: _start(store.get(parents[key]), cells[key].training) for key in missing if key in parents}
    for key in [key for key in missing if starts.get(key, True) is None]:
        missing.remove(key)
        failed[key] = _failed(key, cells[key], "the cell that it starts from could not be trained")
    for i, outcome in run(train, [_job(cells[key], sets, starts.get(key)) for key in missing], name):
        key, cell, trained = missing[i], cells[missing[i]], outcome.result
        error = outcome.error
        if trained and (trained.engine, trained.version) != (engine_name(cell.training), VERSION):
            error = f"trained by {trained.engine}, version {trained.version}, which is not what its key says"
        if error:
            failed[key] = _failed(key, cell, error)
            continue
        records[key] = _record(key, cell, trained)
        store.put(records[key], {"seconds": outcome.seconds, "host": outcome.host} | cell.axes)
    return records, failed


def _job(cell: Cell, sets: dict[Data, Points], start: Model | None) -> Job:
    points = sets[cell.data]
    return Job((cell.data, points, cell.training, start), work(points, cell.training))


def _start(parent: Record | None, training: Training) -> Model | None:
    """The model of a trained parent."""
    if parent is None or parent.about["status"] != "trained":
        return None
    return model(parent.arrays["W"], parent.arrays["b"], parent.arrays.get("U"), training)


def _failed(key: str, cell: Cell, error: str) -> Record:
    print(f"warning: cell {_words(cell)} failed: {error}", file=sys.stderr, flush=True)
    return Record(_about(key, cell) | {"status": "failed", "error": error}, {})


def _record(key: str, cell: Cell, trained: Trained) -> Record:
    status = "diverged" if trained.diverged else "trained"
    about = _about(key, cell) | {"status": status, "steps_taken": trained.steps, "engine_used": trained.engine}
    arrays = {name: getattr(trained.model, name) for name in ("W", "b", "U")}
    arrays |= {name: getattr(trained, name) for name in ("history_step", "history_loss")}
    if trained.snapshots:
        steps, models = zip(*trained.snapshots, strict=True)
        arrays["snapshot_step"] = np.array(steps)
        arrays |= {
            f"snapshot_{name}": np.stack([getattr(m, name) for m in models])
            for name in ("W", "b", "U")[: 2 if models[0].U is None else 3]
        }
    return Record(about, {name: array for name, array in arrays.items() if array is not None})


def _about(key: str, cell: Cell) -> dict[str, Any]:
    return {"key": key, "data": cell.data.model_dump(), "training": cell.training.model_dump()}


def _words(cell: Cell) -> str:
    return " ".join(f"{axis}={value}" for axis, value in cell.axes.items())


if __name__ == "__main__":
    main(train_cells)
