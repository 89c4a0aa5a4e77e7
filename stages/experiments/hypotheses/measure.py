"""Two worlds that explain finite data equally well, and what exchanging points and features does.

World of features: fresh points, sparse in the n features. World of points: sparse non-negative mixtures of the T
training points. A loss of 1 is that of output 0 in either world, whose inputs all have unit length.

Where points are orthonormal and non-negative, the model W = W' X^T, b = X b' has the loss of the model (W', b') on T
one-hot points, and so have their gradients: gradient descent from there trains both alike. Adam does not follow
gradients, and other points are not orthonormal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Data, Measure
from stages.families.toy.measures import Own
from stages.families.toy.measures.losses import loss_on_mixtures
from stages.families.toy.model.model import Model, mean_loss
from stages.grid.cells import Cell
from stages.statistics.dimensionality import dimensionality
from stages.statistics.memorization import spearman

COLUMNS = {
    "mixture_loss": Column(float, "mean error on mixtures of two training points or more, see measure.mixed"),
    "mixture_loss_se": Column(float, "its standard error over the mixtures"),
    "mixture_constant_loss": Column(float, "error there of the best constant output"),
    "twin_distance": Column(float, "relative distance of the points' Gram matrix in h from that of one-hot points"),
    "twin_loss_ratio": Column(float, "train loss over that of one-hot points"),
    "swap_rho_points": Column(float, "of transposed points: rank correlation of D_f with the D_x of the same points"),
    "swap_rho_features": Column(float, "the same of D_x with the D_f of the same features"),
}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    loss = loss_on_mixtures(model, points, measure.mixed, measure.test_seed)
    return {
        "mixture_loss": loss.mean,
        "mixture_loss_se": loss.standard_error,
        "mixture_constant_loss": loss.constant,
    }


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """Columns that compare a model with its twin on one-hot points, or on the transposed points."""
    position = {cell: i for i, cell in enumerate(cells) if i in models}
    trained = {i: (model, points[i]) for i, model in models.items()}
    exchanged = {_but_for_eps(cell.data, cell): i for cell, i in position.items()}
    found: dict[int, dict[str, Any]] = {}
    for cell, i in position.items():
        data = cell.data
        if data.transposed:
            plain = data.model_copy(update={"n": data.T, "T": data.n, "points": "random"})
            if (other := exchanged.get(_but_for_eps(plain, cell))) is not None:
                found[i] = _exchanged(trained[i], trained[other])
        elif cell.training.init == "xavier_points" and data.alike == 1:
            one_hot = data.model_copy(update={"n": data.T, "S": 1 - 1 / data.T, "points": "disjoint"})
            if (twin := position.get(cell._replace(data=one_hot), i)) != i:
                found[i] = _twins(trained[i], trained[twin])
    return found


def _but_for_eps(data: Data, cell: Cell) -> Cell:
    """That data with a cell's training, at whatever eps: n features and n points want eps of their own."""
    return cell._replace(data=data, training=cell.training.model_copy(update={"eps": 1.0}))


def _twins(points: tuple[Model, Points], one_hot: tuple[Model, Points]) -> dict[str, float]:
    """How far apart two models are that store T points each, by the (T, T) Gram matrices of these in hidden space."""
    h, twin_h = (model.hidden(inputs) for model, inputs in (points, one_hot))
    loss, twin_loss = (mean_loss(model, inputs) for model, inputs in (points, one_hot))
    gram = twin_h @ twin_h.T
    return {
        "twin_distance": float(np.linalg.norm(h @ h.T - gram) / np.linalg.norm(gram)),
        "twin_loss_ratio": loss / twin_loss,
    }


def _exchanged(transposed: tuple[Model, Points], other: tuple[Model, Points]) -> dict[str, float]:
    """Rank correlations over the T points, and over the features that any of them holds, of D in the two models."""
    (D_f, D_x), (other_f, other_x) = (
        (dimensionality(model.W.T), dimensionality(model.hidden(points))) for model, points in (transposed, other)
    )
    held = np.unique(other[1].feature)  # those of which transposing makes points, in their order
    return {"swap_rho_points": spearman(D_f, other_x), "swap_rho_features": spearman(D_x, other_f[held])}


def shown(items: pd.DataFrame) -> pd.Series:
    """The largest D of the first transposed set that is not square, and of the set that it is of."""
    chosen = pd.Series(False, index=items.index)
    lopsided = items[items.transposed & (items.n != items["T"])].sort_values(["n", "data_seed", "cell"]).head(1)
    for swapped in lopsided.itertuples():
        usual = ~items.transposed & (items.supports == "random") & (items.alike == 1)
        shape = (items.n == swapped.T) & (items["T"] == swapped.n) & (items.data_seed == swapped.data_seed)
        plain = items[usual & shape & (items.m == swapped.m) & (items["init"] == swapped.init)].cell.head(1)
        chosen |= ~items.sampled & items.cell.isin([swapped.cell, *plain])
    return chosen


OWN = Own(columns=COLUMNS, cell=cell, across=across, shown=shown)
