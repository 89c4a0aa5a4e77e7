"""Say what a run would cost before it is started: cells that are missing, and their time at this machine's own rates.

`python -m stages.plan` plans every experiment; names and `--scale` choose. Rates are measured: of every kind and size
of cell that is missing, some steps are taken, on as many processes at a time as the run would have.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from stages import selections, train, train_digits
from stages.errors import UserError
from stages.grid.executor import Job, local_workers, run
from stages.grid.store import Store
from stages.mnist.data import select
from stages.mnist.spec import IMAGES
from stages.mnist.training import train as train_classifier
from stages.params import DIGITS, SCALES, Cell, Experiment, ParamsError, load, load_all
from stages.toy.data import sample
from stages.toy.training import train as train_toy

SECONDS = 1.0  # spent on timing one kind of cell, about
MOST = 500  # steps of it, so that boxes are made new once
FEWEST = 20
TRAINING = {"steps", "lr", "warmup", "weight_decay", "beta1", "beta2", "eps", "reduction", "init_seed", "parent_T"}
FULL_T: tuple[int, ...] = (3, 5, 6, 8, 10, 15, 30, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
FULL_T += (20_000, 50_000, 100_000, 200_000, 500_000)
FULL_MAP_T = (30, 100, 300, 1000, 2000, 5000, 10_000, 20_000)
FULL_MAP_M = (2, 3, 4, 5, 6, 8, 16, 32)
ALIKE = TRAINING | {"data_seed", "subset_seed", "snapshots", "epochs", "watched", "keep", "init", "init_scale", "wrong"}


class Cost(NamedTuple):
    """Of one cell."""

    seconds: float  # of one core
    memory: int  # bytes of its arrays while it is trained
    disk: int  # bytes of its training set and of what is kept of it


class Plan(NamedTuple):
    """One experiment at one scale: its cells, and what each that the store lacks would cost."""

    name: str
    scale: str
    cells: int
    missing: list[Cost]


def schedule(seconds: Iterable[float], cores: int) -> float:
    """Seconds until the last of these is done, when the longest goes first and each to the core that is free first."""
    free = [0.0] * cores
    for length in sorted(seconds, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + length)
    return max(free)


def missing(experiment: Experiment, store: Store) -> list[Cell]:
    """Cells of an experiment, those that others start from included, that the store does not hold."""
    cells = [*experiment.parents, *experiment.cells]
    if is_digits(cells[0]):
        try:
            digits = selections.mnist().train
        except FileNotFoundError:  # their keys hang on images that are not here: as if none were trained
            return list(dict.fromkeys(cells))
        selected = {cell.data: select(cell.data, digits.label) for cell in cells}
        keys = train_digits.keys(cells, selected, digits)
    else:
        keys = train.keys(cells, {data: sample(data) for data in dict.fromkeys(cell.data for cell in cells)})
    return [cell for cell in dict.fromkeys(cells) if not store.holds(keys[cell])]


def is_digits(cell: Cell) -> bool:
    """Whether it is a classifier of digits."""
    return isinstance(cell.data, DIGITS.data)


def kind(cell: Cell) -> tuple[Any, ...]:
    """What the time of one step, or epoch, hangs on."""
    return tuple((axis, value) for axis, value in cell.axes.items() if axis not in ALIKE)


def measured(cell: Cell) -> Cost:
    """What one step of a toy model costs, or one epoch of a classifier."""
    return _epoch(cell) if is_digits(cell) else _step(cell)


def _step(cell: Cell) -> Cost:
    points = sample(cell.data)

    def seconds(steps: int) -> float:
        plain = {"steps": steps, "snapshots": 0, "init": "xavier_normal", "corners": 0, "parent_T": 0}
        start = time.perf_counter()
        train_toy(cell.data, points, cell.training.model_copy(update=plain))
        return time.perf_counter() - start

    tracemalloc.start()
    seconds(1)  # machine code is made or loaded
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    without = seconds(1)
    each = max((seconds(FEWEST) - without) / (FEWEST - 1), 1e-7)
    steps = int(np.clip(SECONDS / each, FEWEST, MOST))
    each = max((seconds(steps) - without) / (steps - 1), 1e-7)
    size = sum(array.nbytes for array in points if isinstance(array, np.ndarray))
    models = cell.data.n * 4 * (1 + cell.training.m * (1 if cell.training.tied else 2))
    return Cost(each, memory + size, size + models * (1 + 2 * cell.training.snapshots))


def _epoch(cell: Cell) -> Cost:
    images = int(min(cell.data.size, 6000))
    rng = np.random.default_rng(0)
    x, label = rng.random((images, 784)).astype(np.float32), rng.integers(0, 10, images).astype(np.uint8)
    training = cell.training.model_copy(update={"epochs": 1, "watched": 0})
    train_classifier(x[:200], label[:200], training)  # libraries are loaded
    start = time.perf_counter()
    train_classifier(x, label, training)
    seconds = (time.perf_counter() - start) * float(cell.data.size) / images
    model = 4 * (785 * training.hidden + 10 * (training.hidden + 1)) * (1 + cell.training.watched)
    kept = model if training.keep == "weights" else 5 * cell.data.pool * (1 + cell.training.watched)
    return Cost(seconds, 5 * 784 * cell.data.pool + 4 * model, 7 * cell.data.pool + kept)


def plans(experiments: dict[tuple[str, str], Experiment], store: Store) -> list[Plan]:
    """What each would cost now."""
    lacking = {of: missing(experiment, store) for of, experiment in experiments.items()}
    kinds: dict[tuple[Any, ...], Cell] = {}
    for cells in lacking.values():
        for cell in cells:
            kinds.setdefault(kind(cell), cell)
    jobs = [Job((cell,), float(cell.axes.get("T", IMAGES))) for cell in kinds.values()]
    names, costs = list(kinds), {}
    for i, outcome in run(measured, jobs, "timing"):
        if outcome.error:
            raise UserError(f"cells like {kinds[names[i]].axes} could not be timed: {outcome.error}")
        costs[names[i]] = outcome.result

    def cost(cell: Cell) -> Cost:
        one = costs[kind(cell)]
        return Cost(one.seconds * _repeats(cell), one.memory, one.disk)

    return [
        Plan(*of, len({*experiments[of].cells, *experiments[of].parents}), [cost(cell) for cell in cells])
        for of, cells in lacking.items()
    ]


def _repeats(cell: Cell) -> int:
    count: int = cell.training.epochs if is_digits(cell) else cell.training.steps
    return count


def words(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def table(found: Sequence[Plan], cores: Sequence[int]) -> str:
    """One line an experiment, and one for all: as if all their cells were one grid.

    Memory is the largest cell's, of each process beside what Python and its packages take; disk all cells'.
    """
    head = f"{'experiment':<28}{'cells':>7}{'missing':>9}{'core-hours':>12}{'MB a cell':>11}{'MB in all':>11}"
    lines = [head + "".join(f"{f'on {k} cores' if k > 1 else 'on 1 core':>14}" for k in cores)]
    every = Plan("all of these", "", sum(p.cells for p in found), [cost for p in found for cost in p.missing])
    for plan in [*found, every] if len(found) > 1 else found:
        name, seconds = f"{plan.name} {plan.scale}".strip(), [cost.seconds for cost in plan.missing]
        memory = max((cost.memory for cost in plan.missing), default=0) / 1e6
        disk = sum(cost.disk for cost in plan.missing) / 1e6
        line = f"{name:<28}{plan.cells:>7,}{len(seconds):>9,}{sum(seconds) / 3600:>12.2f}{memory:>11.0f}{disk:>11.0f}"
        lines.append(line + "".join(f"{words(schedule(seconds, k)):>14}" for k in cores))
    return "\n".join(lines)


def full_grid() -> Experiment:
    """The paper's figures at their largest: T to 500,000 and infinity at m = 2, and a T x m map, four sets each."""
    usual = load("dataset_size", "paper").cells[0]
    cells = [
        Cell(
            usual.data.model_copy(update={"T": T, "data_seed": seed, "fresh": fresh}),
            usual.training.model_copy(update={"m": m}),
        )
        for seed in range(4)
        for T, m, fresh in [
            *((T, 2, False) for T in FULL_T),
            (1000, 2, True),
            *((T, m, False) for T in FULL_MAP_T for m in FULL_MAP_M if m != 2),
        ]
    ]
    return Experiment(tuple(cells), None)


def main() -> None:
    """Read the command line; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiments", nargs="*", help="sections of params.yaml; all if none is named")
    parser.add_argument("--scale", choices=SCALES, default="laptop")
    parser.add_argument("--cores", type=int, nargs="+", default=[local_workers()], help="cores to split it over")
    parser.add_argument("--full", action="store_true", help="the paper's full grid instead, T to 500,000, T x m map")
    arguments = parser.parse_args()
    if min(arguments.cores) < 1:
        parser.error("--cores: numbers from 1")
    try:
        experiments = {of: e for of, e in load_all().items() if of[1] == arguments.scale}
        if arguments.full:
            experiments = {("full grid", "paper"): full_grid()}
        known = {name for name, _ in experiments}
        if wrong := set(arguments.experiments) - known:
            raise ParamsError(
                f"there is no experiment {', '.join(sorted(wrong))}; there are {', '.join(sorted(known))}"
            )
        wanted = {of: e for of, e in experiments.items() if of[0] in (arguments.experiments or known)}
        print(table(plans(wanted, Store()), arguments.cores))
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
