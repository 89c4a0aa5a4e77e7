"""784 pixels -> hidden ReLU units -> 10 digits: the model, how it is trained, and what it computes.

VERSION is part of every cell's key: raise it when a change here alters what is trained.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from stages.mnist.spec import Training

VERSION = 1


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


def watched_epochs(training: Training) -> list[int]:
    """After which epochs a model is kept: 1, 2, 4, ... as many as asked for, and the last."""
    powers = [2**k for k in range(training.watched) if 2**k < training.epochs]
    return [*powers, training.epochs]


def train(x: NDArray[np.float32], label: NDArray[np.uint8], training: Training) -> list[tuple[int, Classifier]]:
    """(epochs, model) at each of `watched_epochs`; the same bytes every time on one machine.

    One thread, so that sums have one order. Weights start as torch.nn.Linear's do: uniform within 1 / sqrt(inputs).
    """
    torch.set_num_threads(1)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([784, training.hidden, training.init_seed])))

    def uniform(*shape: int, inputs: int) -> torch.Tensor:
        bound = inputs**-0.5
        return torch.tensor(rng.uniform(-bound, bound, shape).astype(np.float32), requires_grad=True)

    hidden = training.hidden
    W, b = uniform(hidden, x.shape[1], inputs=x.shape[1]), uniform(hidden, inputs=x.shape[1])
    V, c = uniform(10, hidden, inputs=hidden), uniform(10, inputs=hidden)
    adam = torch.optim.AdamW([W, b, V, c], lr=training.lr, weight_decay=training.weight_decay)
    images, labels = torch.from_numpy(x), torch.from_numpy(label.astype(np.int64))
    kept, stops = [], watched_epochs(training)
    for epoch in range(1, training.epochs + 1):
        order = torch.from_numpy(rng.permutation(len(x)))
        for first in range(0, len(x), training.batch):
            batch = order[first : first + training.batch]
            h = torch.relu(torch.addmm(b, images[batch], W.T))
            loss = cross_entropy(torch.addmm(c, h, V.T), labels[batch])
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        if epoch in stops:
            kept.append((epoch, Classifier(*(p.detach().numpy().copy() for p in (W, b, V, c)))))
    return kept
