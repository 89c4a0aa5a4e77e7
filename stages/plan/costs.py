"""Which cells of a run are missing, and what each would cost here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.core import paths
from stages.core.cost import Cost, Timing
from stages.core.errors import UserError
from stages.core.rooms import room
from stages.grid.cells import Cell, Grid
from stages.grid.executor import Job, run
from stages.grid.store import Store
from stages.grid.training import keys
from stages.plan.law import Law, chosen, law
from stages.plan.schedule import Needs, Plan


class _Drawn(dict[Any, Any]):
    """A family's training sets, each drawn when it is asked for, and not kept."""

    def __init__(self, family: str) -> None:
        super().__init__()
        self._room = room(family, "data")
        self._raw = self._room.read(paths.raw(family))

    def __missing__(self, spec: Any) -> Any:
        return self._room.restore(self._room.sample(spec, self._raw), self._raw)


def cells_of(grid: Grid) -> list[Cell]:
    """Its cells, and those that others start from first."""
    return list(dict.fromkeys([*grid.parents, *grid.cells]))


def missing(grids: Mapping[str, Grid], store: Store) -> dict[str, list[Cell]]:
    """The cells of each run that the store does not hold. Of an empty store no cell's key is asked for."""
    lacking = {run: cells_of(grid) for run, grid in grids.items()}
    if not any(store.folder.glob("*/*.safetensors")):
        return lacking
    for family in {grid.family for grid in grids.values()}:
        runs = [run for run, grid in grids.items() if grid.family == family]
        try:
            datasets = _Drawn(family)
        except FileNotFoundError:  # keys depend on what is not fetched yet: as if none were trained
            continue
        key = keys(room(family, "training"), [cell for run in runs for cell in lacking[run]], datasets)
        for run_ in runs:
            lacking[run_] = [cell for cell in lacking[run_] if not store.holds(key[cell])]
    return lacking


def timing(family: str, cell: Cell) -> Timing:
    """A step of that cell, timed here."""
    timed: Timing = room(family, "training").timing(cell.data, cell.training)
    return timed


def laws(cells: Mapping[str, list[Cell]], costs: Mapping[Cell, Cost]) -> dict[str, Law]:
    """The cost law of each family, from short timings of some of its cells."""
    wanted, jobs = [], list[Job]()
    for family, own in cells.items():
        steps = [costs[cell].features for cell in own]
        work = [costs[cell].steps * max(costs[cell].features.values()) for cell in own]
        for held_out, places in enumerate(chosen(steps, work)):
            wanted += [(family, bool(held_out))] * len(places)
            jobs += [Job((family, own[i]), 1.0) for i in places]
    found: dict[tuple[str, bool], list[Timing]] = {(family, out): [] for family in cells for out in (False, True)}
    for i, outcome in run(timing, jobs, "timing"):
        if outcome.error:
            raise UserError(f"cells like {jobs[i].arguments[1].axes} could not be timed: {outcome.error}")
        found[wanted[i]].append(outcome.result)
    return {family: law(found[family, False], found[family, True]) for family in cells}


def plans(grids: Mapping[str, Grid], store: Store) -> tuple[list[Plan], dict[str, Law]]:
    """What each run would cost now, and the laws by which."""
    lacking = missing(grids, store)
    cells: dict[str, list[Cell]] = {}
    costs: dict[Cell, Cost] = {}
    for name, own in lacking.items():
        family = grids[name].family
        cells.setdefault(family, []).extend(own)
        costs |= {cell: room(family, "training").cost(cell.data, cell.training) for cell in own}
    found = laws({family: own for family, own in cells.items() if own}, costs)

    def needs(family: str, cost: Cost) -> Needs:
        return Needs(found[family].seconds(cost.features) * cost.steps, cost.memory, cost.disk)

    return [
        Plan(name, cells_of(grids[name]), {cell: needs(grids[name].family, costs[cell]) for cell in own})
        for name, own in lacking.items()
    ], found
