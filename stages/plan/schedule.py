"""What cells would cost, and how they split over cores."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Needs(NamedTuple):
    """Of one cell."""

    seconds: float  # of one core
    memory: float  # bytes of its arrays while it is trained
    disk: float  # bytes of its training set and of what is kept of it


class Plan(NamedTuple):
    """One run: its cells, and what each that the store lacks would cost."""

    run: str
    cells: Sequence[Hashable]
    missing: Mapping[Any, Needs]  # by cell


def schedule(seconds: Iterable[float], cores: int) -> float:
    """Seconds until the last of these is done, when the longest goes first and each to the core that is free first."""
    free = [0.0] * cores
    for length in sorted(seconds, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + length)
    return max(free)


def words(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def table(plans: Sequence[Plan], cores: Sequence[int]) -> str:
    """One line a run, and one for all, in which a cell that several runs have counts once.

    Memory is the largest cell's, of each process beside what Python and its packages take; disk all cells'.
    """
    head = f"{'run':<28}{'cells':>7}{'missing':>9}{'core-hours':>12}{'MB a cell':>11}{'MB in all':>11}"
    lines = [head + "".join(f"{f'on {k} cores' if k > 1 else 'on 1 core':>14}" for k in cores)]
    cells = dict.fromkeys(cell for plan in plans for cell in plan.cells)
    every = Plan("all of these", list(cells), {cell: one for plan in plans for cell, one in plan.missing.items()})
    for plan in [*plans, every] if len(plans) > 1 else plans:
        seconds = [one.seconds for one in plan.missing.values()]
        memory = max((one.memory for one in plan.missing.values()), default=0) / 1e6
        disk = sum(one.disk for one in plan.missing.values()) / 1e6
        line = f"{plan.run:<28}{len(plan.cells):>7,}{len(seconds):>9,}{sum(seconds) / 3600:>12.2f}"
        line += f"{memory:>11.0f}{disk:>11.0f}"
        lines.append(line + "".join(f"{words(schedule(seconds, k)):>14}" for k in cores))
    return "\n".join(lines)
