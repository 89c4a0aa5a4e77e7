"""How a classifier is trained, and what decides the bytes of the result.

VERSION is part of every cell's key. Raise it when a change alters what is trained or kept.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.bundle import Record
from stages.core.checkpoint import Checkpoint, Trained
from stages.families.digits.data import Dataset
from stages.families.digits.data.spec import Data, Training
from stages.families.digits.model.classifier import Classifier, pixels
from stages.families.digits.training import loop
from stages.families.digits.training.cost import cost, timing

__all__ = ["VERSION", "cost", "decides", "digest", "engine", "made_by", "timing", "train", "work"]

VERSION = 3

Arrays = dict[str, NDArray[Any]]


def engine(spec: Training) -> str:
    """What trains that spec. Torch adds up in another order on another kind of processor: last digits differ there."""
    return f"torch-{version('torch')} numpy-{np.__version__}"


def made_by(spec: Training) -> str:
    """What trains that spec on this machine: engine and version, both part of the cell's key."""
    return f"{engine(spec)}, version {VERSION}"


def decides(spec: Training) -> dict[str, Any]:
    """All that decides a cell's bytes beside its images, on one kind of machine."""
    return spec.axes | {"engine": engine(spec), "version": VERSION, "model": "classifier"}


def digest(data: Data, dataset: Dataset) -> str:
    """What decides a cell's bytes of its images: what they were drawn from, which ones, their labels and pixels."""
    return Record(data.axes | {"pixels": dataset.pixels}, dataset.selection._asdict()).digest()


def work(data: Data, dataset: Dataset, spec: Training) -> float:
    """Cost of a cell, relative to other cells'."""
    return float(data.size) * spec.epochs * spec.hidden


def train(
    data: Data, dataset: Dataset, spec: Training, start: Arrays | None = None, checkpoint: Checkpoint | None = None
) -> Trained:
    """Train one cell; the same bytes every time on one kind of machine.

    What is kept is of the models after each of E `watched_epochs`, along the first axis, with epoch (E,). Of weights:
    the fields of `Classifier`. Of outputs: log_probability (E, pool) of each label of the pool, and prediction
    (E, pool).

    Args:
        data: what the training set was drawn from. dataset: the training set. spec: how it is trained.
        start: no classifier starts from another. checkpoint: where to go on from, and to save what is not finished.
    """
    x, selection = pixels(dataset.pool), dataset.selection
    label = selection.label[selection.chosen]
    kept = loop.train(x[selection.chosen], label, spec, data.subset_seed, checkpoint)
    arrays: Arrays = {"epoch": np.array([epoch for epoch, _ in kept])}
    models = [model for _, model in kept]
    arrays |= _weights(models) if spec.keep == "weights" else _outputs(models, x, selection.label)
    return Trained({"status": "trained", "engine_used": engine(spec)}, arrays, made_by(spec))


def _weights(models: list[Classifier]) -> Arrays:
    return {name: np.stack([getattr(model, name) for model in models]) for name in Classifier._fields}


def _outputs(models: list[Classifier], x: NDArray[np.float32], label: NDArray[np.uint8]) -> Arrays:
    outputs = [model.log_probabilities(x) for model in models]
    return {
        "log_probability": np.stack([logs[np.arange(len(x)), label] for logs in outputs]).astype(np.float32),
        "prediction": np.stack([logs.argmax(axis=1) for logs in outputs]).astype(np.uint8),
    }
