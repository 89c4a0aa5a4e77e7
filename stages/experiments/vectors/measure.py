"""What hidden and feature vectors are like: their lengths, how much points overlap, which arms they lie on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model
from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import leverage, whitening

ALIKE = 0.05  # lengths within this share of each other are about one
SHORT = 0.1  # of the longest: a hidden vector at the origin
HALF = 0.5  # of the longest: a feature vector whose length is compared
LONG, ARM = 0.25, math.radians(12)  # of the longest, and from every arm: a hidden vector off the arms

COLUMNS = {
    "longest_h": Column(float, "length of the longest hidden vector of a training point"),
    "longest_W": Column(float, "length of the longest feature vector, a column of W"),
    "alike_W": Column(float, "largest share of the long feature vectors that are of about one length"),
    "overlap": Column(float, "mean squared cosine of two training points"),
    "at_origin": Column(float, "share of the training points whose hidden vectors are at the origin"),
    "circle_ratio": Column(float, "median over the others of D_x T / m"),
    "D_star_ratio_median": Column(float, "median over training points of D* T / m"),
    "D_f_alone": Column(float, "mean dimensionality of the learned features among themselves"),
    "several": Column(float, "share of the training points with two learned features or more"),
    "off_arm": Column(float, "share of the training points whose hidden vectors are off the learned features' arms"),
    "off_arm_several": Column(float, "share of these with two learned features or more"),
}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    W, h = model.W.T.astype(np.float64), model.hidden(points)
    length, lengths = np.linalg.norm(h, axis=1), np.linalg.norm(W, axis=1)
    on_circle = length >= SHORT * length.max()
    return {
        "longest_h": length.max(),
        "longest_W": lengths.max(),
        "alike_W": most_alike(lengths[lengths >= HALF * lengths.max()]),
        "overlap": overlap(points),
        "at_origin": 1 - on_circle.mean(),
        "circle_ratio": np.median(dimensionality(h)[on_circle]) * points.T / model.m,
        "D_star_ratio_median": np.median(leverage(h, whitening(h))) * points.T / model.m,
    } | _arms(W, h, points, measure.learned)


def most_alike(lengths: NDArray[np.float64]) -> float:
    """The largest share of (k,) lengths that are within ALIKE of each other."""
    ascending = np.sort(lengths)
    return float((np.searchsorted(ascending, ascending * (1 + ALIKE), "right") - np.arange(len(lengths))).max()) / len(
        lengths
    )


def overlap(points: Points) -> float | None:
    """Mean squared cosine of two different points, which have length 1; None of a single one."""
    if points.T < 2:
        return None
    X = sparse.csr_array((points.value.astype(np.float64), points.feature, points.start), shape=(points.T, points.n))
    of_all, of_itself = (X @ X.T).power(2).sum(), (X.power(2).sum(axis=1) ** 2).sum()
    return float((of_all - of_itself) / (points.T * (points.T - 1)))


def _arms(W: NDArray[np.float64], h: NDArray[np.float64], points: Points, learned: float) -> dict[str, float]:
    """What the (n, m) feature vectors above `learned` leave of (T, m) hidden vectors; nothing where there are none."""
    is_arm = dimensionality(W) > learned
    if not is_arm.any():
        return {}
    length = np.linalg.norm(h, axis=1)
    along = h @ (W[is_arm] / np.linalg.norm(W[is_arm], axis=1, keepdims=True)).T
    off = (length > LONG * length.max()) & (along.max(axis=1) < np.cos(ARM) * length)
    several = np.add.reduceat(is_arm[points.feature].astype(int), points.start[:-1]) > 1
    found = {"D_f_alone": dimensionality(W[is_arm]).mean(), "several": several.mean(), "off_arm": off.mean()}
    return found | ({"off_arm_several": several[off].mean()} if off.any() else {})


OWN = Own(columns=COLUMNS, cell=cell)
