"""Which points that are in the training set several times are memorised, by two tests.

    top         Jermyn's: its D_x, that of each copy, is among the highest .1 % of all points
    recalled    ours: the model's error on the point is below half of what an output of 0 would make

The first always finds someone at the top, and a copy's D_x is at most 1 / R; the second says what the network does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.core.tables import Column
from stages.experiments.repeats import HIGHEST
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model, point_losses
from stages.statistics.dimensionality import dimensionality

COLUMNS = {
    "repeated_loss": Column(float, "mean error on the repeated points"),
    "repeated_top": Column(float, "share of the repeated points whose D_x is among the highest .1 % of all points"),
    "repeated_recalled": Column(float, "share of the repeated points with an error below half of that of output 0"),
    "others_recalled": Column(float, "share of the other points with an error below half of that of output 0"),
}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell; the repeated points are those that weigh more."""
    repeated = np.arange(points.T) < 1 if points.weight is None else points.weight > 1
    D, loss = dimensionality(model.hidden(points), points.weight), point_losses(model, points)
    zero = np.add.reduceat(points.value.astype(np.float64) ** 2, points.start[:-1])
    rank = (D[None, :] > D[repeated, None]).sum(axis=1)
    recalled = loss < zero / 2
    return {
        "repeated_loss": loss[repeated].mean(),
        "repeated_top": (rank < max(1.0, 1e-3 * points.T)).mean(),
        "repeated_recalled": recalled[repeated].mean(),
        "others_recalled": recalled[~repeated].mean() if not repeated.all() else None,
    }


def shown(items: pd.DataFrame) -> pd.Series:
    """Of the first watched run of each kind: the trained model, and on the way the vectors whose D is drawn.

    These are the repeated points (which are kept of all other watched runs too), and the HIGHEST features of largest D
    at some time.
    """
    watched = items[items.snapshots > 0]
    runs = watched.drop_duplicates("cell").sort_values("data_seed").groupby(["repeated", "copies"]).cell.first()
    last = items.step == items.groupby("cell").step.transform("max")
    moving = watched[(watched.kind == "feature") & (watched.step > 0)]
    highest = moving.groupby(["cell", "item"]).D.max().groupby("cell", group_keys=False).nlargest(HIGHEST)
    drawn = pd.MultiIndex.from_frame(items[["cell", "item"]]).isin(highest.index) & (items.kind == "feature")
    again = (items.snapshots > 0) & (items.kind == "point") & (items["item"] < items.repeated)
    on_the_way = (items.step > 0) & (again | (drawn & items.cell.isin(runs)))
    chosen: pd.Series = on_the_way | (items.cell.isin(runs) & last)
    return chosen


OWN = Own(columns=COLUMNS, cell=cell, shown=shown)
