"""784 pixels -> hidden ReLU units -> 10 digits: the model, and what it computes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Classifier(NamedTuple):
    """Weights as arrays, float32."""

    W: NDArray[np.float32]  # (hidden, 784)
    b: NDArray[np.float32]  # (hidden,)
    V: NDArray[np.float32]  # (10, hidden)
    c: NDArray[np.float32]  # (10,)

    def before(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(k, hidden) what the ReLU gets, of (k, 784) pixels."""
        h: NDArray[np.float32] = x @ self.W.T + self.b
        return h

    def after(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(k, hidden) what the ReLU gives: the hidden vectors."""
        h: NDArray[np.float32] = np.maximum(self.before(x), 0)
        return h

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """(k, 10) unnormalised log-probabilities."""
        z: NDArray[np.float64] = (self.after(x) @ self.V.T + self.c).astype(np.float64)
        return z

    def log_probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """(k, 10) log-probabilities of the ten digits."""
        z = self.logits(x)
        z -= z.max(axis=1, keepdims=True)
        logs: NDArray[np.float64] = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return logs


def pixels(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(k, 784) in [0, 1], of (k, 28, 28) bytes."""
    return image.reshape(len(image), -1).astype(np.float32) / np.float32(255)
