"""Engines train one model each: same arguments, same methods, same mathematics, different speed."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """A model in training."""

    def advance(
        self,
        rates: NDArray[np.float64],
        corrections: tuple[NDArray[np.float64], NDArray[np.float64]],
        record: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Take len(rates) AdamW steps; the loss before each step that `record` marks comes back, NaN elsewhere.

        `rates` are learning rates, `corrections` Adam's 1 - beta1^s and 1 - beta2^s of the same steps, (steps,) each.
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
