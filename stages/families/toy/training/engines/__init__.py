"""Engines train one model each: same arguments, same methods, same mathematics, different speed.

An engine is made from the training set, the model it starts from (`model.Model`, any variant) and an
`adamw.Optimiser`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.model.model import Model
from stages.families.toy.training.schedule import Schedule

State = dict[str, NDArray[np.floating]]


def check_fresh(points: Points, fresh: Points | None, steps: int) -> None:
    """Raise ValueError unless `fresh` can stand in for the training set over so many steps."""
    if fresh is None:
        return
    if (fresh.n, fresh.T) != (points.n, points.T * steps):
        raise ValueError(f"{fresh.T} fresh points of {fresh.n} features; allowed: {points.T * steps} of {points.n}")
    if any(p.weight is not None or p.masked is not None for p in (points, fresh)):
        raise ValueError("fresh points cannot be weighted or masked")


class Engine(Protocol):
    """A model in training."""

    def advance(self, schedule: Schedule, fresh: Points | None = None) -> NDArray[np.float64]:
        """Take the schedule's AdamW steps; the loss before each step that it records comes back, NaN elsewhere.

        The loss is the weighted mean over points of the error summed over features, whatever the reduction trained
        on. A loss that is not finite stops the training there; what comes back then ends with it.

        `fresh` has as many points for each of the steps, one step's after another's, as the training set, in whose
        place they are trained on; all points then count once, and whole.
        """

    def gradient(self) -> Model:
        """Gradient of the loss that is trained on, by each parameter of the model where it now stands."""

    def state(self) -> State:
        """All that the steps to come hang on, beside what the engine was made from: parameters and AdamW's moments."""

    def restore(self, state: State, step: int) -> None:
        """Stand where another engine of the same making stood after so many steps, a multiple of orders.REORDER."""

    @property
    def model(self) -> Model:
        """The model as it now stands."""
