"""What a cell's training takes, as its family knows it before anything is timed, and what one timing found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Features = dict[str, float]


class Cost(NamedTuple):
    """Of one cell. Its seconds are those of one step (or epoch), a sum of a rate times each feature, times `steps`."""

    features: Features  # what the time of a step goes with, by name
    steps: int
    memory: float  # bytes of its arrays while it is trained
    disk: float  # bytes of its training set and of what is kept of it


class Timing(NamedTuple):
    """Seconds that one step of these features took."""

    features: Features
    seconds: float


def timed(train: Callable[[int], None], most: int, *, after: int = 1, own: bool = True, budget: float = 0.3) -> float:
    """Seconds that one step of `train(steps)` takes beside what the call itself does, in about `budget` seconds.

    Processor time, of which a busy machine takes little away, and the best of a few times; with `own` False the
    clock's, for what is computed elsewhere. Never more than `most` steps at a time. Steps up to the `after`-th, from 1,
    are not timed where they are unlike later ones, unless they would take longer than the budget.
    """
    clock = time.thread_time if own else time.perf_counter

    def seconds(steps: int) -> float:
        start = clock()
        train(steps)
        return clock() - start

    seconds(1)  # machine code is made or loaded
    call, few = seconds(1), min(6, most)
    while (longer := seconds(few) - call) < budget / 50 and few < most:  # what noise hides would seem to take no time
        few = min(2 * few, most)
    each = max(longer / (few - 1), 1e-7)
    if each > budget / 4:
        return each
    if 1 < after < budget / each:
        repeats, steps = 1, int(max(budget / each, after))
    else:
        repeats, after = 5, 1
        steps = int(np.clip(budget / each / repeats, few, most))
    without = min(seconds(after) for _ in range(repeats))
    return max(min(seconds(after + steps) - without for _ in range(repeats)) / steps, 1e-8)
