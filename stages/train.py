"""Train the cells of an experiment that the store does not hold yet, and assemble all of them in grid order."""

from __future__ import annotations

import sys
from typing import Any

from stages import paths
from stages.command import main
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.grid.executor import Job, run
from stages.grid.store import Store, cell_key
from stages.params import Cell, Experiment
from stages.toy.data import Points
from stages.toy.spec import Data
from stages.toy.training import Trained, train, work


def train_cells(name: str, scale: str, experiment: Experiment) -> None:
    """Write one record a cell. Cells that failed have no arrays, and say why; if all did, so does the stage."""
    datasets = {
        Data(**record.about): Points(record.about["n"], **record.arrays)
        for record in bundle.read(paths.datasets(name, scale))
    }
    digests = {data: points.digest() for data, points in datasets.items()}
    cells = {cell_key(digests[cell.data], cell.training): cell for cell in experiment.cells}
    store = Store()
    records = {key: record for key in cells if (record := store.get(key))}
    missing = [key for key in cells if key not in records]
    print(f"{name}: {len(cells)} cells, {len(records)} in the store, {len(missing)} to train", flush=True)

    jobs = [
        Job((points := datasets[cells[key].data], cells[key].training), work(points, cells[key].training))
        for key in missing
    ]
    failed = {}
    for i, outcome in run(train, jobs, name):
        key = missing[i]
        if outcome.error:
            failed[key] = Record(_about(key, cells[key]) | {"status": "failed", "error": outcome.error}, {})
            print(f"warning: cell {_words(cells[key])} failed: {outcome.error}", file=sys.stderr, flush=True)
            continue
        records[key] = _record(key, cells[key], outcome.result)
        store.put(records[key], {"seconds": outcome.seconds, "host": outcome.host} | cells[key].axes)

    bundle.write(paths.models(name, scale), [records.get(key) or failed[key] for key in cells])
    if failed:
        print(
            f"warning: {len(failed)} of {len(cells)} cells failed; `dvc repro -f` on this stage tries them again",
            file=sys.stderr,
        )
    if len(failed) == len(cells):
        sys.exit(f"error: every cell of {name} failed")


def _record(key: str, cell: Cell, trained: Trained) -> Record:
    arrays = trained._asdict()
    steps = arrays.pop("steps")
    status = "trained" if steps == cell.training.steps else "diverged"
    return Record(_about(key, cell) | {"status": status, "steps_taken": steps}, arrays)


def _about(key: str, cell: Cell) -> dict[str, Any]:
    return {"key": key, "data": cell.data.model_dump(), "training": cell.training.model_dump()}


def _words(cell: Cell) -> str:
    return " ".join(f"{axis}={value}" for axis, value in cell.axes.items())


if __name__ == "__main__":
    main(train_cells)
