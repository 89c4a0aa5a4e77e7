"""What a run that started from a polygon of points, or of features, has become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import norms_in_span, polygon_model
from stages.statistics.dimensionality import dimensionality
from stages.statistics.polygon import is_regular

COLUMNS = {
    "regular": Column(
        bool, "the hidden vectors (or the learned features) form a regular polygon within measure.regular"
    ),
    "radius": Column(float, "mean length of the hidden vectors (or of the learned features' columns)"),
    "bias": Column(float, "mean entry of b at the learned features, where points are fresh"),
    "norm_W_span": Column(float, "Frobenius norm of W within the span of the points, where they are orthonormal"),
    "norm_b_span": Column(float, "norm of b within the span of the points, where they are orthonormal"),
    "b_exact": Column(float, "largest entry of the exact polygon's b, where points are orthonormal, in absolute value"),
    "norm_others": Column(float, "Frobenius norm of the columns of W that are not learned features, as a share of W's"),
}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    if len(np.unique(points.feature)) == len(points.feature):  # disjoint supports
        h = model.hidden(points)
        norm_W, norm_b = norms_in_span(model.W, model.b, points)
        return {
            "regular": is_regular(h, measure.regular),
            "radius": np.linalg.norm(h, axis=1).mean(),
            "norm_W_span": norm_W,
            "norm_b_span": norm_b,
            "b_exact": np.abs(polygon_model(points)[1]).max(),
        }
    learned = dimensionality(model.W.T) > measure.learned
    vectors = model.W.T[learned].astype(np.float64)
    if not len(vectors):
        return {}
    return {
        "regular": len(vectors) > 2 and is_regular(vectors, measure.regular),
        "radius": np.linalg.norm(vectors, axis=1).mean(),
        "bias": model.b[learned].mean(),
        "norm_others": np.linalg.norm(model.W[:, ~learned]) / np.linalg.norm(model.W),
    }


def shown(items: pd.DataFrame) -> pd.Series:
    """None: the figures draw runs, not their features or points."""
    return pd.Series(False, index=items.index)


OWN = Own(columns=COLUMNS, cell=cell, shown=shown)
