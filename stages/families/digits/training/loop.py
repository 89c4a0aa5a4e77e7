"""The training loop: from images, labels and a spec to the classifiers that are kept on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from stages.core.checkpoint import Checkpoint
from stages.core.random import generator
from stages.families.digits.data.spec import Training
from stages.families.digits.model.classifier import Classifier

Arrays = dict[str, NDArray[Any]]


def watched_epochs(training: Training) -> list[int]:
    """After which epochs a model is kept: 1, 2, 4, ... as many as asked for, and the last."""
    powers = [2**k for k in range(training.watched) if 2**k < training.epochs]
    return [*powers, training.epochs]


def train(
    x: NDArray[np.float32],
    label: NDArray[np.uint8],
    training: Training,
    stream: int = 0,
    checkpoint: Checkpoint | None = None,
) -> list[tuple[int, Classifier]]:
    """(epochs, model) at each of `watched_epochs`; the same bytes every time on one kind of machine.

    One thread, so that sums have one order. Weights start as torch.nn.Linear's do: uniform within 1 / sqrt(inputs).
    The learning rate falls linearly to 0, so that where training ends does not depend on the last few batches.
    Streams of the same seed start from other weights, and meet the images in another order.
    """
    torch.set_num_threads(1)
    rng = generator(f"mnist weights hidden={training.hidden} seed={training.init_seed} stream={stream}")

    def uniform(*shape: int, inputs: int) -> torch.Tensor:
        bound = inputs**-0.5
        return torch.tensor(rng.uniform(-bound, bound, shape).astype(np.float32), requires_grad=True)

    hidden = training.hidden
    W, b = uniform(hidden, x.shape[1], inputs=x.shape[1]), uniform(hidden, inputs=x.shape[1])
    V, c = uniform(10, hidden, inputs=hidden), uniform(10, inputs=hidden)
    # fused: one pass over the parameters, so that a step takes three quarters of the time
    parameters = [W, b, V, c]
    adam = torch.optim.AdamW(parameters, lr=training.lr, weight_decay=training.weight_decay, fused=True)
    steps, taken = training.epochs * -(-len(x) // training.batch), 0
    images, labels = torch.from_numpy(x), torch.from_numpy(label.astype(np.int64))
    kept, stops, done = list[tuple[int, Classifier]](), watched_epochs(training), 0
    if checkpoint and (saved := checkpoint.load()):
        kept, done = _restore(saved, parameters, adam)
        taken = done * (steps // training.epochs)
        for _ in range(done):
            rng.permutation(len(x))
    for epoch in range(done + 1, training.epochs + 1):
        order = torch.from_numpy(rng.permutation(len(x)))
        for first in range(0, len(x), training.batch):
            batch = order[first : first + training.batch]
            h = torch.relu(torch.addmm(b, images[batch], W.T))
            loss = cross_entropy(torch.addmm(c, h, V.T), labels[batch])
            adam.param_groups[0]["lr"] = training.lr * (1 - taken / steps)
            taken += 1
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        if epoch in stops:
            kept.append((epoch, Classifier(*(p.detach().numpy().copy() for p in parameters))))
        if checkpoint and epoch < training.epochs and checkpoint.due():
            checkpoint.save(_state(epoch, kept, parameters, adam))
    return kept


_MOMENTS = ("exp_avg", "exp_avg_sq")  # torch's names


def _state(
    epoch: int, kept: list[tuple[int, Classifier]], parameters: list[torch.Tensor], adam: torch.optim.AdamW
) -> Arrays:
    """All that the epochs to come depend on, beside the images and the spec, and the models kept so far."""
    arrays: Arrays = {"epoch": np.array([epoch]), "kept": np.array([number for number, _ in kept])}
    for name, p in zip(Classifier._fields, parameters, strict=True):
        arrays |= {name: p.detach().numpy()} | {f"{m}_{name}": adam.state[p][m].numpy() for m in _MOMENTS}
        arrays |= {f"kept_{name}_{k}": getattr(model, name) for k, (_, model) in enumerate(kept)}
        arrays["step"] = adam.state[p]["step"].numpy().reshape(1)
    return arrays


def _restore(
    arrays: Arrays, parameters: list[torch.Tensor], adam: torch.optim.AdamW
) -> tuple[list[tuple[int, Classifier]], int]:
    """Make the parameters and their moments what `_state` saved; the models kept, and the epochs done."""
    for name, p in zip(Classifier._fields, parameters, strict=True):
        with torch.no_grad():
            p.copy_(torch.from_numpy(arrays[name]))
        moments = {m: torch.from_numpy(arrays[f"{m}_{name}"].copy()) for m in _MOMENTS}
        adam.state[p] = {"step": torch.from_numpy(arrays["step"].reshape(()).copy()), **moments}
    kept = [
        (epoch, Classifier(*(arrays[f"kept_{name}_{k}"] for name in Classifier._fields)))
        for k, epoch in enumerate(arrays["kept"].tolist())
    ]
    return kept, int(arrays["epoch"][0])
