"""Models of one pool that are trained in one way, on different documents of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.families.language.data import whole
from stages.families.language.data.documents import Pool
from stages.families.language.data.subsets import rules
from stages.grid.cells import Cell, TrainedCell


class Ensemble(NamedTuple):
    """K models and what each says of the pool's D documents at their end."""

    cells: list[int]  # (K,) positions in the grid
    pool: Pool
    chosen: NDArray[np.bool_]  # (K, D) trained on
    loss: NDArray[np.float32]  # (K, D, CONTEXT) nats
    first: NDArray[np.bool_]  # (K, D, CONTEXT) whether the token is the most likely one
    rules: NDArray[np.int64] | None  # (K, groups) of a pool of rules

    def halves(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
        """Losses and `chosen` of even models, then of odd ones."""
        yield from ((self.loss[k::2], self.chosen[k::2]) for k in (0, 1))


def ensembles(cells: Iterable[TrainedCell]) -> dict[tuple[Cell, int], Ensemble]:
    """Of all cells that kept their outputs, by `trained_alike` cell and epoch."""
    members: dict[Cell, list[tuple[int, TrainedCell]]] = defaultdict(list)
    for i, trained in enumerate(cells):
        if trained.is_trained and trained.cell.training.keep == "outputs":
            members[trained_alike(trained.cell)].append((i, trained))
    found = {}
    for alike, models in members.items():
        for k, epoch in enumerate(models[0][1].record.arrays["epoch"].tolist()):
            found[alike, epoch] = _ensemble(models, k)
    return found


def trained_alike(cell: Cell) -> Cell:
    """What models of one ensemble share, and with them models that kept their weights."""
    return Cell(whole(cell.data), cell.training.model_copy(update={"keep": "outputs"}))


def _ensemble(models: list[tuple[int, TrainedCell]], k: int) -> Ensemble:
    data = models[0][1].cell.data
    return Ensemble(
        [i for i, _ in models],
        models[0][1].dataset.pool,
        np.stack([trained.dataset.chosen for _, trained in models]),
        -np.stack([trained.record.arrays["log_probability"][k] for _, trained in models]).astype(np.float32),
        np.stack([trained.record.arrays["first"][k] for _, trained in models]),
        np.stack([rules(trained.cell.data) for _, trained in models]) if data.pool == "rules" else None,
    )
