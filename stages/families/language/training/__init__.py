"""How a language model is trained, and what decides the bytes of the result.

VERSION is part of every cell's key. Raise it when a change alters what is trained or kept.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from stages.core.bundle import Record
from stages.core.checkpoint import Checkpoint, Trained
from stages.families.language.data import Dataset
from stages.families.language.data.spec import Data, Training
from stages.families.language.model.network import arrays, outputs
from stages.families.language.training import loop
from stages.families.language.training.cost import cost, timing

__all__ = ["VERSION", "cost", "decides", "digest", "engine", "made_by", "timing", "train", "work"]

VERSION = 1

Arrays = dict[str, NDArray[Any]]


def engine(spec: Training) -> str:
    """What trains that spec. Torch adds up in another order on another kind of processor: last digits differ there."""
    return f"torch-{version('torch')} numpy-{np.__version__}"


def made_by(spec: Training) -> str:
    """What trains that spec on this machine: engine and version, both part of the cell's key."""
    return f"{engine(spec)}, version {VERSION}"


def decides(spec: Training) -> dict[str, Any]:
    """All that decides a cell's bytes beside its documents, on one kind of machine."""
    return spec.axes | {"engine": engine(spec), "version": VERSION, "model": f"language {spec.model}"}


def digest(data: Data, dataset: Dataset) -> str:
    """What decides a cell's bytes of its documents: their tokens, how often each is there, which are trained on."""
    pool = dataset.pool
    of: Arrays = {"tokens": pool.tokens, "copies": pool.copies, "masked": pool.masked, "chosen": dataset.chosen}
    return Record(data.axes | {"tokenizer": dataset.tokenizer}, of).digest()


def work(data: Data, dataset: Dataset, spec: Training) -> float:
    """Cost of a cell, relative to other cells'."""
    return float(dataset.pool.copies[dataset.chosen].sum()) * spec.epochs


def train(
    data: Data, dataset: Dataset, spec: Training, start: Arrays | None = None, checkpoint: Checkpoint | None = None
) -> Trained:
    """Train one cell; the same bytes every time on one kind of machine.

    What is kept is of the models after each of E `watched_epochs`, along the first axis, with epoch (E,). Of weights:
    their names in `network`. Of outputs, of each token of the pool: log_probability (E, D, CONTEXT), float16, and
    whether it is the most likely, first (E, D, CONTEXT).

    Args:
        data: what the training set was drawn from. dataset: the training set. spec: how it is trained.
        start: arrays of the model that training starts from, of which the last is taken; None: from scratch.
        checkpoint: where to go on from, and to save what is not finished.
    """
    pool, chosen = dataset.pool, dataset.chosen
    several = np.repeat(np.flatnonzero(chosen), pool.copies[chosen])
    learned = np.where(pool.masked, loop.IGNORED, pool.tokens)[several]

    def said(model: nn.Module) -> Arrays:
        found = outputs(model, pool.tokens)
        return {"log_probability": found.log_probability.astype(np.float16), "first": found.first}

    first = {name: value[-1] for name, value in start.items() if name != "epoch"} if start else None
    keep = arrays if spec.keep == "weights" else said
    kept = loop.train(pool.tokens[several], learned, spec, keep, data.subset_seed, first, checkpoint)
    found = {name: np.stack([of[name] for _, of in kept]) for name in kept[0][1]}
    return Trained(
        {"status": "trained", "engine_used": engine(spec)},
        {"epoch": np.array([epoch for epoch, _ in kept]), **found},
        made_by(spec),
    )
