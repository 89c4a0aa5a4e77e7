"""The training loop: from documents and a spec to the models that are kept on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from stages.core.checkpoint import Checkpoint
from stages.core.random import generator
from stages.families.language.data.spec import Training
from stages.families.language.model.network import arrays, initial, network

Arrays = dict[str, NDArray[Any]]
BETAS = (0.9, 0.95)
CLIP = 1.0  # norm of the gradient, at most
IGNORED = -1  # in place of a token that gives no gradient


def watched_epochs(training: Training) -> list[int]:
    """After which epochs a model is kept: 1, 2, 4, ... as many as asked for, and the last."""
    powers = [2**k for k in range(training.watched) if 2**k < training.epochs]
    return [*powers, training.epochs]


def learning_rate(step: int, steps: int, training: Training) -> float:
    """Of the (step + 1)-th step: linear warm-up, then a cosine to 0."""
    warm = round(training.warmup * steps)
    if step < warm:
        return training.lr * (step + 1) / warm
    return training.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def train(
    tokens: NDArray[np.int16],
    learned: NDArray[np.int16],
    training: Training,
    keep: Callable[[torch.nn.Module], Arrays],
    stream: int = 0,
    start: Arrays | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[tuple[int, Arrays]]:
    """(epochs, what `keep` makes of the model) at each of `watched_epochs`; the same bytes on one kind of machine.

    One thread, so that sums have one order.

    Args:
        tokens: (k, CONTEXT) documents, each as often as it is there. learned: the same, IGNORED where a token gives no
            gradient. training: how. keep: what is kept of a model. stream: of the same seed, other weights and another
            order. start: weights to start from. checkpoint: where to go on from, and to save what is not finished.
    """
    torch.set_num_threads(1)
    rng = generator(f"language order seed={training.init_seed} stream={stream}")
    model = network(training)
    if start:
        model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in start.items()})
    else:
        initial(model, training, stream)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=training.lr, betas=BETAS, fused=True)
    documents, targets = (torch.from_numpy(of.astype(np.int64)) for of in (tokens, learned))
    each = -(-len(tokens) // training.batch)
    steps, done = each * training.epochs, 0
    kept, stops = list[tuple[int, Arrays]](), watched_epochs(training)
    if checkpoint and (saved := checkpoint.load()):
        kept, done = _restore(saved, model, adam)
        for _ in range(done):
            rng.permutation(len(tokens))
    for epoch in range(done + 1, training.epochs + 1):
        order = torch.from_numpy(rng.permutation(len(tokens)))
        for k in range(each):
            rows = order[k * training.batch : (k + 1) * training.batch]
            for group in adam.param_groups:
                group["lr"] = learning_rate((epoch - 1) * each + k, steps, training)
            logits = model(documents[rows])
            loss = cross_entropy(logits.flatten(0, 1), targets[rows].flatten(), ignore_index=IGNORED)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            adam.step()
        if epoch in stops:
            kept.append((epoch, keep(model)))
        if checkpoint and epoch < training.epochs and checkpoint.due():
            checkpoint.save(_state(epoch, kept, model, adam))
    return kept


_MOMENTS = ("exp_avg", "exp_avg_sq")  # torch's names


def _state(epoch: int, kept: list[tuple[int, Arrays]], model: torch.nn.Module, adam: torch.optim.AdamW) -> Arrays:
    """All that the epochs to come depend on, beside the documents and the spec, and what was kept so far."""
    found: Arrays = {"epoch": np.array([epoch]), "kept": np.array([number for number, _ in kept])}
    for name, p in model.named_parameters():
        found |= {f"now {name}": p.detach().numpy()} | {f"{m} {name}": adam.state[p][m].numpy() for m in _MOMENTS}
        found["step"] = adam.state[p]["step"].numpy().reshape(1)
    return found | {f"kept {k} {name}": value for k, (_, of) in enumerate(kept) for name, value in of.items()}


def _restore(saved: Arrays, model: torch.nn.Module, adam: torch.optim.AdamW) -> tuple[list[tuple[int, Arrays]], int]:
    """Make the parameters and their moments what `_state` saved; what was kept, and the epochs done."""
    for name, p in model.named_parameters():
        with torch.no_grad():
            p.copy_(torch.from_numpy(saved[f"now {name}"]))
        moments = {m: torch.from_numpy(saved[f"{m} {name}"].copy()) for m in _MOMENTS}
        adam.state[p] = {"step": torch.from_numpy(saved["step"].reshape(()).copy()), **moments}
    kept = []
    for k, epoch in enumerate(saved["kept"].tolist()):
        own = f"kept {k} "
        kept.append((epoch, {name.removeprefix(own): v for name, v in saved.items() if name.startswith(own)}))
    return kept, int(saved["epoch"][0])


__all__ = ["arrays", "learning_rate", "train", "watched_epochs"]
