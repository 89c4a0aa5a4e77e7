"""Say what a run would cost before it is started: cells that are missing, and their time at this machine's own rates.

`python -m stages.plan` plans every experiment; names and `--scale` choose. Rates are measured: of every kind and size
of cell that is missing, some steps are taken, on as many processes at a time as the run would have.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import time
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
from stages.params import DIGITS, SCALES, Cell, Experiment, ParamsError, load_all
from stages.toy.data import sample
from stages.toy.training import train as train_toy

SECONDS = 1.0  # spent on timing one kind of cell, about
MOST = 500  # steps of it, so that boxes are made new once
FEWEST = 20
TRAINING = {"steps", "lr", "warmup", "weight_decay", "beta1", "beta2", "eps", "reduction", "init_seed", "parent_T"}
ALIKE = TRAINING | {"data_seed", "subset_seed", "snapshots", "epochs", "watched", "keep", "init", "init_scale", "wrong"}


class Plan(NamedTuple):
    """One experiment at one scale: its cells, and the core-seconds of each that the store lacks."""

    name: str
    scale: str
    cells: int
    seconds: list[float]


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
        except FileNotFoundError:  # not fetched yet, so nothing was trained
            return cells
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


def rate(cell: Cell) -> float:
    """Seconds of one step of a toy model, or of one epoch of a classifier, measured."""
    return _epoch(cell) if is_digits(cell) else _step(cell)


def _step(cell: Cell) -> float:
    points = sample(cell.data)

    def seconds(steps: int) -> float:
        plain = {"steps": steps, "snapshots": 0, "init": "xavier_normal", "corners": 0, "parent_T": 0}
        start = time.perf_counter()
        train_toy(cell.data, points, cell.training.model_copy(update=plain))
        return time.perf_counter() - start

    seconds(1)  # machine code is made or loaded
    without = seconds(1)
    each = max((seconds(FEWEST) - without) / (FEWEST - 1), 1e-7)
    steps = int(np.clip(SECONDS / each, FEWEST, MOST))
    return max((seconds(steps) - without) / (steps - 1), 1e-7)


def _epoch(cell: Cell) -> float:
    images = int(min(cell.data.size, 6000))
    rng = np.random.default_rng(0)
    x, label = rng.random((images, 784)).astype(np.float32), rng.integers(0, 10, images).astype(np.uint8)
    training = cell.training.model_copy(update={"epochs": 1, "watched": 0})
    train_classifier(x[:200], label[:200], training)  # libraries are loaded
    start = time.perf_counter()
    train_classifier(x, label, training)
    return (time.perf_counter() - start) * float(cell.data.size) / images


def plans(experiments: dict[tuple[str, str], Experiment], store: Store) -> list[Plan]:
    """What each would cost now."""
    lacking = {of: missing(experiment, store) for of, experiment in experiments.items()}
    kinds: dict[tuple[Any, ...], Cell] = {}
    for cells in lacking.values():
        for cell in cells:
            kinds.setdefault(kind(cell), cell)
    jobs = [Job((cell,), float(cell.axes.get("T", IMAGES))) for cell in kinds.values()]
    names, rates = list(kinds), {}
    for i, outcome in run(rate, jobs, "timing"):
        if outcome.error:
            raise UserError(f"cells like {kinds[names[i]].axes} could not be timed: {outcome.error}")
        rates[names[i]] = outcome.result
    return [
        Plan(*of, len(experiments[of].cells), [rates[kind(cell)] * _repeats(cell) for cell in cells])
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
    """One line an experiment, and one for all: as if all their cells were one grid."""
    head = f"{'experiment':<28}{'cells':>7}{'missing':>9}{'core-hours':>12}"
    lines = [head + "".join(f"{f'on {k} cores' if k > 1 else 'on 1 core':>14}" for k in cores)]
    every = Plan("all of these", "", sum(p.cells for p in found), [s for p in found for s in p.seconds])
    for plan in [*found, every] if len(found) > 1 else found:
        name = f"{plan.name} {plan.scale}".strip()
        line = f"{name:<28}{plan.cells:>7,}{len(plan.seconds):>9,}{sum(plan.seconds) / 3600:>12.2f}"
        lines.append(line + "".join(f"{words(schedule(plan.seconds, k)):>14}" for k in cores))
    return "\n".join(lines)


def main() -> None:
    """Read the command line; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiments", nargs="*", help="sections of params.yaml; all if none is named")
    parser.add_argument("--scale", choices=SCALES, default="laptop")
    parser.add_argument("--cores", type=int, nargs="+", default=[local_workers()], help="cores to split it over")
    arguments = parser.parse_args()
    if min(arguments.cores) < 1:
        parser.error("--cores: numbers from 1")
    try:
        experiments = {of: e for of, e in load_all().items() if of[1] == arguments.scale}
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
