"""Train cells that the store does not hold yet: whatever a cell is, it has a key, a job and a record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.grid import bundle
from stages.grid.bundle import Record
from stages.grid.checkpoint import Checkpoint
from stages.grid.executor import Job, run
from stages.grid.store import Store
from stages.params import Cell


class Task(NamedTuple):
    """How one cell is trained and kept."""

    job: Job | None  # None: it cannot be trained, as `refused` says
    words: str  # the cell, in a message
    about: dict[str, Any]  # what its record says of it, its key included
    side: dict[str, Any]  # what the store's side file says of it
    refused: str = ""


def task(cell: Cell, checkpoint: Checkpoint, arguments: tuple[Any, ...], work: float, refused: str = "") -> Task:
    """That of a cell: what training is called with, and how much work it is, compared with others."""
    about = {"key": checkpoint.key, "data": cell.data.model_dump(), "training": cell.training.model_dump()}
    words = " ".join(f"{axis}={value}" for axis, value in cell.axes.items())
    return Task(None if refused else Job(arguments, work), words, about, cell.axes, refused)


class Kept(NamedTuple):
    """Records by key: of cells that the store has by now, and of those that failed."""

    trained: dict[str, Record]
    failed: dict[str, Record]


def train_missing(
    title: str,
    tasks: Mapping[str, Task],
    store: Store,
    function: Callable[..., Any],
    record: Callable[[dict[str, Any], Any], Record | str],
) -> Kept:
    """Call `function` with the job of each task whose key the store lacks, and keep what becomes of it.

    `record` makes a record of a task's `about` and the function's result, or says why that is of no use. A failed
    cell's record has no arrays; its `error` says why.
    """
    trained = {key: held for key in tasks if (held := store.get(key))}
    missing = [key for key in tasks if key not in trained]
    print(f"{title}: {len(tasks)} cells, {len(trained)} in the store, {len(missing)} to train", flush=True)
    failed = {key: _failed(tasks[key], tasks[key].refused) for key in missing if tasks[key].job is None}
    waiting = [(key, job) for key in missing if (job := tasks[key].job)]
    for i, outcome in run(function, [job for _, job in waiting], title):
        key, task = waiting[i][0], tasks[waiting[i][0]]
        made = outcome.error or record(task.about, outcome.result)
        if isinstance(made, str):
            failed[key] = _failed(task, made)
            continue
        trained[key] = made
        store.put(made, {"seconds": outcome.seconds, "host": outcome.host} | task.side)
    return Kept(trained, failed)


def assemble(name: str, path: Path, tasks: Sequence[tuple[str, Task]], kept: Kept) -> None:
    """Write the records of all tasks, given with their keys, in their order, failed ones included; exit if all failed.

    Two may share a key, where two ways of asking give the same training set.
    """
    records = kept.failed | kept.trained
    # a cell kept from another experiment may have been asked for in other words (engine auto or fused)
    bundle.write(path, [Record(records[key].about | task.about, records[key].arrays) for key, task in tasks])
    failed = sum(key in kept.failed for key, _ in tasks)
    if failed:
        again = "`dvc repro -f` on this stage tries them again"
        print(f"warning: {failed} of {len(tasks)} cells failed; {again}", file=sys.stderr)
    if failed == len(tasks):
        sys.exit(f"error: every cell of {name} failed")


def _failed(task: Task, error: str) -> Record:
    print(f"warning: cell {task.words} failed: {error}", file=sys.stderr, flush=True)
    return Record(task.about | {"status": "failed", "error": error}, {})
