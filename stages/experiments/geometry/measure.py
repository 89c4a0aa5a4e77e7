"""Whether a run ends in a regular polygon, and how close to the exact one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import norms_in_span
from stages.statistics.dimensionality import dimensionality
from stages.statistics.polygon import is_regular

COLUMNS = {
    "regular": Column(bool, "the hidden vectors form a regular T-gon, within measure.regular"),
    "radius": Column(float, "mean length of the hidden vectors"),
    "D_x_deviation": Column(float, "largest |D_x T / m - 1| among the points"),
    "norm_W_span": Column(float, "Frobenius norm of W within the span of the points"),
    "norm_b_span": Column(float, "norm of b within the span of the points"),
}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    h = model.hidden(points)
    norm_W, norm_b = norms_in_span(model.W, model.b, points)
    return {
        "regular": model.m == 2 and points.T > 2 and is_regular(h, measure.regular),
        "radius": np.linalg.norm(h, axis=1).mean(),
        "D_x_deviation": np.abs(dimensionality(h) * points.T / model.m - 1).max(),
        "norm_W_span": norm_W,
        "norm_b_span": norm_b,
    }


def shown(items: pd.DataFrame) -> pd.Series:
    """At the paper's decay every point's hidden vector, and the features beside the first training set of each T."""
    of_paper = (items.weight_decay == items.weight_decay.min()) & (items["T"] > 2)
    random = items[of_paper & (items.supports == "random")]
    first = random[random.data_seed == random.groupby("T").data_seed.transform("min")]
    drawn: pd.Series = of_paper & ((items.kind == "point") | items.index.isin(first.index))
    return drawn


OWN = Own(columns=COLUMNS, cell=cell, shown=shown)
