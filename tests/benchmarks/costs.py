"""How far `python -m stages.plan` is off: some cells are trained whole, on all cores, and compared with the law.

`python -m tests.benchmarks.costs 12` draws a cell of each of twelve laptop runs of toy models: minutes. Prints, for
each, the law's seconds, the processor's and the clock's; then of all together. On a busy machine the clock runs ahead.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stages.core.rooms import room
from stages.grid.cells import Cell
from stages.grid.executor import Job, run
from stages.grid.store import Store
from stages.plan.__main__ import goodness, wanted
from stages.plan.costs import cells_of, plans

SHOWN = ("n", "S", "T", "m", "steps", "power", "hidden", "tied", "importance", "copies", "fresh")


class Seconds(NamedTuple):
    """Of training a cell."""

    processor: float
    clock: float


def trained(cell: Cell) -> Seconds:
    """Train a toy cell from its own start, whatever it should start from."""
    data, training = (room("toy", name) for name in ("data", "training"))
    dataset = data.restore(data.sample(cell.data, None), None)
    own, clock = time.thread_time(), time.perf_counter()
    training.train(cell.data, dataset, cell.training.model_copy(update={"parent_T": 0}))
    return Seconds(time.thread_time() - own, time.perf_counter() - clock)


def main() -> None:
    """Read the command line, plan, train, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, help="number of laptop runs of which a cell is trained")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of runs and cells")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    experiments = {run: e for run, e in wanted([], "laptop").items() if e.family == "toy"}
    start = time.perf_counter()
    with TemporaryDirectory() as nothing:
        found, laws = plans(experiments, Store(Path(nothing)))
    print(f"planned in {time.perf_counter() - start:.0f} s; {goodness(laws['toy'])}")
    picked = []
    for plan in rng.sample(found, min(arguments.runs, len(found))):
        cell = rng.choice(cells_of(experiments[plan.run]))
        picked.append((cell, plan.missing[cell].seconds))
    total = [0.0, 0.0, 0.0]
    for i, outcome in run(trained, [Job((cell,), seconds) for cell, seconds in picked], "training"):
        cell, law = picked[i]
        words = " ".join(f"{name}={cell.axes[name]}" for name in SHOWN)
        times = (law, *outcome.result)
        total = [a + b for a, b in zip(total, times, strict=True)]
        print("law {:.1f} s, processor {:.1f} s, clock {:.1f} s".format(*times), words, flush=True)
    print("all: law {:.0f} s, processor {:.0f} s, clock {:.0f} s".format(*total), f"on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
