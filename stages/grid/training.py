"""Train the cells that the store does not hold yet: whatever a cell is, it has a key, a job and a record."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.core import bundle
from stages.core.bundle import Record
from stages.core.checkpoint import Trained
from stages.grid.cells import Cell
from stages.grid.executor import Job, run
from stages.grid.store import Store, key_of

Records = dict[Cell, Record]


class _Waiting(NamedTuple):
    """A cell that the store lacks: its key and what training is called with."""

    cell: Cell
    key: str
    job: Job


def keys(family: Any, cells: Iterable[Cell], datasets: Mapping[Any, Any]) -> dict[Cell, str]:
    """Each cell's key in the store, parents included.

    It digests all that decides the cell's bytes: its training set, its spec, the engine and version of the code, and
    the key of the cell that it starts from.

    Args:
        family: a family's training room. cells: in any order. datasets: training sets by what they are drawn from.
    """
    digests: dict[Any, str] = {}
    found: dict[Cell, str] = {}

    def key(cell: Cell) -> str:
        if cell not in found:
            if cell.data not in digests:
                digests[cell.data] = family.digest(cell.data, datasets[cell.data])
            parent = {"parent": key(cell.parent)} if cell.parent else {}
            found[cell] = key_of(family.decides(cell.training) | {"dataset": digests[cell.data]} | parent)
        return found[cell]

    for cell in cells:
        key(cell)
    return found


def train_missing(
    title: str,
    family: Any,
    cells: Sequence[Cell],
    datasets: Mapping[Any, Any],
    store: Store,
    parents: Mapping[Cell, Record] | None = None,
) -> Records:
    """The record of each cell: from the store, or trained now and kept there.

    Two cells may share a key, where two ways of asking give the same training set. A cell that failed has a record
    without arrays, whose `error` says why.
    """
    key = keys(family, cells, datasets)
    of_key = {key[cell]: cell for cell in cells}
    by_key = {k: held for k in of_key if (held := store.get(k))}
    missing = [k for k in of_key if k not in by_key]
    print(f"{title}: {len(of_key)} cells, {len(by_key)} in the store, {len(missing)} to train", flush=True)
    waiting = []
    for k in missing:
        cell, start = of_key[k], None
        if cell.parent:
            parent = (parents or {}).get(cell.parent)
            if parent is None or parent.about["status"] != "trained":
                by_key[k] = _failed(cell, k, "the cell that it starts from could not be trained")
                continue
            start = parent.arrays
        dataset = datasets[cell.data]
        arguments = cell.data, dataset, cell.training, start, store.checkpoint(k)
        waiting.append(_Waiting(cell, k, Job(arguments, family.work(cell.data, dataset, cell.training))))
    for i, outcome in run(family.train, [one.job for one in waiting], title):
        cell, k, _ = waiting[i]
        error = outcome.error or _not_as_asked(outcome.result, family.made_by(cell.training))
        if error:
            by_key[k] = _failed(cell, k, error)
            continue
        by_key[k] = Record(_about(cell, k) | outcome.result.about, outcome.result.arrays)
        store.put(by_key[k], {"seconds": outcome.seconds, "host": outcome.host} | cell.axes)
    # a cell kept from another run may have been asked for in other words (engine auto or fused)
    return {cell: Record(by_key[key[cell]].about | _about(cell, key[cell]), by_key[key[cell]].arrays) for cell in cells}


def assemble(name: str, path: Path, cells: Sequence[Cell], records: Records) -> None:
    """Write the cells' records in their order, failed ones included; exit if all failed."""
    bundle.write(path, [records[cell] for cell in cells])
    failed = sum(records[cell].about["status"] == "failed" for cell in cells)
    if failed:
        again = "`dvc repro -f` on this stage tries them again"
        print(f"warning: {failed} of {len(cells)} cells failed; {again}", file=sys.stderr)
    diverged = sum(records[cell].about["status"] == "diverged" for cell in cells)
    if diverged:
        why = "their loss stopped being finite, and nothing is measured of them"
        print(f"warning: {diverged} of {len(cells)} cells diverged: {why}", file=sys.stderr)
    if failed == len(cells):
        sys.exit(f"error: every cell of {name} failed")


def _about(cell: Cell, key: str) -> dict[str, Any]:
    return {"key": key, "data": cell.data.axes, "training": cell.training.axes}


def _not_as_asked(trained: Trained, made_by: str) -> str:
    """Why a result is of no use: a worker of other code, or another kind of machine, made it."""
    return "" if trained.made_by == made_by else f"trained by {trained.made_by}, which is not what its key says"


def _failed(cell: Cell, key: str, error: str) -> Record:
    words = " ".join(f"{axis}={value}" for axis, value in cell.axes.items())
    print(f"warning: cell {words} failed: {error}", file=sys.stderr, flush=True)
    return Record(_about(cell, key) | {"status": "failed", "error": error}, {})
