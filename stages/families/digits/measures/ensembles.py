"""Counterfactual memorisation of a pool, by all models that were trained on subsets of it in one way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.grid.cells import Cell, TrainedCell
from stages.statistics.memorization import counterfactual, spearman, split_half


class Memorization(NamedTuple):
    """Counterfactual memorisation of a pool of N images by K models."""

    log: NDArray[np.float64]  # (N,) by the label's log-probability
    log_even: NDArray[np.float64]  # the same by every other model
    log_odd: NDArray[np.float64]  # and by the rest
    correct: NDArray[np.float64]  # (N,) by whether the prediction is the label
    log_reliability: float  # rank correlation of two halves
    correct_reliability: float
    models: int


class Outputs(NamedTuple):
    """Of one model on the pool."""

    log_probability: NDArray[np.floating]  # (N,)
    correct: NDArray[np.bool_]  # (N,)
    trained_on: NDArray[np.bool_]  # (N,)


class Ensembles(dict[tuple[Cell, int], Memorization]):
    """Memorisation of each pool at each epoch that models of it kept outputs of, by `trained_alike` cell and epoch."""

    @classmethod
    def from_cells(cls, cells: Iterable[TrainedCell]) -> Ensembles:
        """Of all cells that kept their outputs."""
        models: dict[tuple[Cell, int], list[Outputs]] = defaultdict(list)
        for trained in cells:
            if trained.is_trained and trained.cell.training.keep == "outputs":
                for epoch, outputs in _outputs(trained).items():
                    models[trained_alike(trained.cell), epoch].append(outputs)
        return cls({key: memorization(outputs) for key, outputs in models.items()})

    def by_epoch(self, cell: Cell) -> dict[int, Memorization]:
        """What is known of a cell's training images: where it was trained on the whole of a pool, that pool's."""
        alike = trained_alike(cell)
        if alike.data != cell.data:
            return {}
        return {epoch: found for (pool, epoch), found in self.items() if pool == alike}


def trained_alike(cell: Cell) -> Cell:
    """What models of one pool that are trained in one way share, whichever subset of it and seed they take."""
    data = cell.data.model_copy(update={"subset": 1.0, "subset_seed": 0})
    return Cell(data, cell.training.model_copy(update={"init_seed": 0, "watched": 0, "keep": "weights"}))


def memorization(models: list[Outputs]) -> Memorization:
    """By K models of one pool, each trained on a part of it."""
    log, correct, trained_on = (np.stack([model[field] for model in models]) for field in range(3))
    even, odd = (counterfactual(log[half::2], trained_on[half::2]) for half in (0, 1))
    return Memorization(
        log=counterfactual(log, trained_on),
        log_even=even,
        log_odd=odd,
        correct=counterfactual(correct, trained_on),
        log_reliability=spearman(even, odd),
        correct_reliability=split_half(correct, trained_on),
        models=len(models),
    )


def memorization_columns(found: Memorization, wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """How much of a pool is memorised, and how reliable that is; (N,) `wrong` says which labels are."""
    return {
        "models": found.models,
        "reliability_log": found.log_reliability,
        "reliability_correct": found.correct_reliability,
        "memorization_log": np.nanmean(found.log),
        "memorization_correct": np.nanmean(found.correct),
        "memorization_wrong_log": np.nanmean(found.log[wrong]) if wrong.any() else None,
        "memorization_wrong_correct": np.nanmean(found.correct[wrong]) if wrong.any() else None,
    }


def _outputs(trained: TrainedCell) -> dict[int, Outputs]:
    """A cell's outputs by epoch."""
    selection, arrays = trained.dataset.selection, trained.record.arrays
    correct = arrays["prediction"] == selection.label
    return {
        epoch: Outputs(arrays["log_probability"][k], correct[k], selection.chosen)
        for k, epoch in enumerate(arrays["epoch"].tolist())
    }
