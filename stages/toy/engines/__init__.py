"""Engines train one model each: same arguments, same methods, same mathematics, different speed.

An engine is made from the training set, the initial W of shape (m, n) and b of shape (n,), and an `adamw.Optimiser`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.toy.schedule import Schedule


class Engine(Protocol):
    """A model in training."""

    def advance(self, schedule: Schedule) -> NDArray[np.float64]:
        """Take the schedule's AdamW steps; the loss before each step that it records comes back, NaN elsewhere.

        The loss is the mean over points of the error summed over features, whatever the reduction trained on.
        A loss that is not finite stops the training there; what comes back then ends with it.
        """

    def gradient(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """((m, n), (n,)) gradient of the loss that is trained on, by W and b where the model now stands."""

    @property
    def W(self) -> NDArray[Any]:
        """(m, n) weights."""

    @property
    def b(self) -> NDArray[Any]:
        """(n,) biases."""
