"""Whether solutions that learn no feature store points in clusters, and how alike the points of a cluster are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from stages.core.tables import Column
from stages.experiments.crossover import DRAWN_T
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model
from stages.statistics.clusters import clusters, cosine_within
from stages.statistics.dimensionality import dimensionality

COLUMNS = {
    "clusters": Column(int, "clusters of hidden vectors, where no feature is learned"),
    "clustered": Column(float, "share of the training points in them"),
    "cosine_within": Column(float, "mean cosine of two points of one cluster"),
    "clustered_permuted": Column(float, "clustered, if the columns of W are permuted"),
    "cosine_permuted": Column(float, "cosine_within, if the columns of W are permuted"),
}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell.

    Similar points have similar hidden vectors under any W, and chance makes clusters too: what the model adds to that
    is what is lost if its columns are permuted.
    """
    if (dimensionality(model.W.T) > measure.learned).any():
        return {}
    X = sparse.csr_array((points.value.astype(np.float64), points.feature, points.start), shape=(points.T, points.n))
    found: dict[str, Any] = {}
    orders = np.arange(points.n), np.random.default_rng(0).permutation(points.n)
    for order, clustered, cosine in zip(
        orders, ("clustered", "clustered_permuted"), ("cosine_within", "cosine_permuted"), strict=True
    ):
        labels = clusters(X @ model.W.T[order].astype(np.float64))
        found |= {clustered: float((labels >= 0).mean()), cosine: cosine_within(labels, X)}
        found.setdefault("clusters", int(labels.max(initial=-1)) + 1)
    return found


def shown(items: pd.DataFrame) -> pd.Series:
    """Points of the runs that the figure chooses from: one T of the first training set of the largest n."""
    of = (
        (items.n == items.n.max())
        & (items["T"] == DRAWN_T)
        & (items.data_seed == items.data_seed.min())
        & (items.parent_T > 0)
    )
    chosen: pd.Series = of & (items.kind == "point")
    return chosen


OWN = Own(columns=COLUMNS, cell=cell, shown=shown)
