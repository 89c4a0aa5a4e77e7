"""Which fresh points carry test loss, how many bits a model holds, and whether one stored point can be taken out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree
from scipy.special import gammaln

from stages.core.tables import Column
from stages.experiments.middle import WORST
from stages.families.toy.data.drawing import stream
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model, point_losses
from stages.grid.cells import Cell
from stages.statistics.clusters import clusters
from stages.statistics.leverage import whitening
from stages.statistics.memorization import spearman

Floats = NDArray[np.float64]
VALUE_BITS = 2  # of a value: in quarters of its range, so that 1 / 4^(bits + 1) of its mean square is lost
GENERAL = 2000  # fresh points of which bits are counted
STORED = 0.5  # loss below which a training point counts as stored
TAKEN = 50  # stored points that are taken out, one at a time
SHOWN = 1000  # fresh points of the picture, beside the worst

COLUMNS = {
    "bits_data": Column(float, "bits that name each training point's features and their values, all points together"),
    "bits_stored": Column(
        float, "bits that say as much of training points as outputs do, less which one it is and those of fresh points"
    ),
    "stored": Column(float, "share of the training points of a loss below .5"),
    "above": Column(float, "share of fresh points of a loss above 1, that of output 0"),
    "carried": Column(float, "share of all that is above 1 which the worst carry: the 1 % of largest loss"),
    "rho_length": Column(float, "rank correlation over fresh points of loss and length of h"),
    "longer": Column(float, "share of the worst whose h is longer than every training point's"),
    "longer_all": Column(float, "the same share of all fresh points"),
    "stray": Column(float, "share of the loss of the worst that is on features that they do not have"),
    "without_one": Column(
        float, "of what they carry, share left without the feature that adds most to the length of h"
    ),
    "without_other": Column(float, "share left without the feature that adds second most"),
    "kept_trained": Column(
        float,
        "h along that feature's column, over the feature's own part in it: sums over training points that have it",
    ),
    "kept_fresh": Column(float, "the same over fresh points that have it"),
    "kept_worst": Column(float, "the same over the worst, each with its own such feature"),
    "similar_worst": Column(float, "mean over the worst of the largest cosine with a training point"),
    "similar": Column(float, "the same over all fresh points"),
    "own_without_h": Column(float, "of a stored point's explained share, left without the direction of its D* in h"),
    "others_without_h": Column(float, "of the other stored points', left without it"),
    "own_without_W": Column(float, "of a stored point's explained share, left without the point itself in W"),
    "others_without_W": Column(float, "of the other stored points', left without it"),
    "clustered": Column(float, "share of fresh points whose h is in a cluster of training points' hidden vectors"),
    "clustered_carry": Column(float, "share of all that is above 1 which these carry"),
}
PLANE = {
    "fresh": Column(bool, "a fresh point, not a training point"),
    "worst": Column(bool, "one of the worst"),
    "loss": Column("float32", "its loss"),
    "x": Column("float32", "first coordinate of its hidden vector"),
    "y": Column("float32", "second coordinate of its hidden vector"),
}


class Met(NamedTuple):
    """Points as a model meets them."""

    points: Points
    X: sparse.csr_array  # (k, n)
    h: Floats  # (k, m)
    loss: Floats  # (k,)

    @property
    def length(self) -> Floats:
        """(k,) of h."""
        length: Floats = np.linalg.norm(self.h, axis=1)
        return length


def met(model: Model, points: Points) -> Met:
    """Points with their hidden vectors and losses."""
    X = sparse.csr_array((points.value.astype(np.float64), points.feature, points.start), shape=(points.T, points.n))
    return Met(points, X, model.hidden(points), point_losses(model, points))


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """This experiment's columns of every model; of the first training set's also hidden vectors, where m = 2."""
    first = min((cell.data.data_seed for cell in cells), default=0)
    found: dict[int, dict[str, Any]] = {}
    for i, model in models.items():
        data = cells[i].data
        fresh = next(stream(points[i].n, data.S, measure.test_points, measure.test_seed, measure.test_points))
        trained, new = met(model, points[i]), met(model, fresh)
        found[i] = {**bits(trained, new), **worst(model, trained, new), **clustered(trained, new)}
        found[i] |= taken_out(model, trained)
        if model.m == 2 and data.data_seed == first:
            found[i]["plane"] = _plane(trained, new)
    return found


def by_loss(new: Met) -> NDArray[np.int64]:
    """The worst of the fresh points, those of largest loss first."""
    return np.argsort(-new.loss, kind="stable")[: max(1, round(WORST * len(new.loss)))]


def bits(trained: Met, new: Met) -> dict[str, float]:
    """Columns on what training points take to describe, and on how much of that a model holds.

    A description names k features, those of largest value, in log2 (n choose k) bits, and VALUE_BITS more a value. The
    model's output says as much of a point as the shortest description that leaves its loss. Which of the T points is
    asked for, log2 T bits, comes with h and is not held in the weights. What outputs say of fresh points in the same
    way is no memory, and does not count (Morris et al. 2025).
    """
    which = math.log2(len(trained.loss))
    (full, held), (_, general) = described(trained, len(trained.loss)), described(new, GENERAL)
    return {
        "bits_data": full.sum(),
        "bits_stored": np.maximum(held - which, 0).sum() - len(held) * np.maximum(general - which, 0).mean(),
        "stored": (trained.loss < STORED).mean(),
    }


def described(of: Met, most: int) -> tuple[Floats, Floats]:
    """(k,) bits of whole points, and of the shortest description that leaves the model's loss; of `most` points."""
    count = min(most, len(of.loss))
    full, held = np.empty(count), np.empty(count)
    for t, (first, last) in enumerate(zip(of.points.start[:count], of.points.start[1 : count + 1], strict=True)):
        value = np.sort(of.points.value[first:last].astype(np.float64))[::-1]
        left = 1 - np.concatenate([[0.0], np.cumsum(value**2)]) * (1 - 4.0 ** -(VALUE_BITS + 1))
        length = description(of.points.n, np.arange(len(left)))
        full[t], held[t] = length[-1], np.interp(of.loss[t], left[::-1], length[::-1])
    return full, held


def description(n: int, k: NDArray[np.integer]) -> Floats:
    """(l,) bits that name (l,) k of n features, and their values."""
    subsets: Floats = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)) / math.log(2)
    return subsets + VALUE_BITS * k


def worst(model: Model, trained: Met, new: Met) -> dict[str, float | None]:
    """Columns on the fresh points of largest loss."""
    above, of = np.maximum(new.loss - 1, 0), by_loss(new)
    cosine = (new.X @ trained.X.T).max(axis=1).toarray().ravel()
    found = {
        "above": (new.loss > 1).mean(),
        "carried": above[of].sum() / above.sum() if above.any() else None,
        "rho_length": spearman(new.loss, new.length),
        "longer": (new.length[of] > trained.length.max()).mean(),
        "longer_all": (new.length > trained.length.max()).mean(),
        "similar_worst": cosine[of].mean(),
        "similar": cosine.mean(),
    }
    return found | _one_feature(model, trained, new, of)


def _one_feature(model: Model, trained: Met, new: Met, of: NDArray[np.int64]) -> dict[str, float | None]:
    """What the worst lose with one feature, and whether other features add to it or cancel it."""
    W, X, along = model.W.T.astype(np.float64), new.X[of].toarray(), new.h[of]
    has, part = X > 0, X * (along @ W.T)  # of each feature in |h|^2
    most = part.argmax(axis=1)
    rest = np.where(has, part, -np.inf)
    rest[np.arange(len(of)), most] = -np.inf
    other = np.where(np.isfinite(rest.max(axis=1)), rest.argmax(axis=1), most)  # a point's only feature is both
    length = np.linalg.norm(W[most], axis=1)
    own = (X[np.arange(len(of)), most] * length).sum()
    stray = (np.where(has, 0, _outputs(model, X)) ** 2).sum()
    carried = np.maximum(new.loss[of] - 1, 0).sum()
    left = {"without_one": _above(model, X, most), "without_other": _above(model, X, other)}
    return {
        "stray": stray / new.loss[of].sum(),
        **{name: excess / carried if carried > 0 else None for name, excess in left.items()},
        "kept_trained": kept(W, trained, most),
        "kept_fresh": kept(W, new, most),
        "kept_worst": ((along * W[most]).sum(axis=1) / length).sum() / own if own > 0 else None,
    }


def kept(W: Floats, of: Met, features: NDArray[np.int64]) -> float | None:
    """H along each feature's column over the feature's own part: sums over points that have one of these features.

    1 where the other features of these points add nothing along the column on balance, less where they cancel it.
    """
    chosen = np.unique(features)
    held = of.X[:, chosen].toarray()
    unit = W[chosen] / np.linalg.norm(W[chosen], axis=1, keepdims=True)
    own = (held * np.linalg.norm(W[chosen], axis=1)).sum()
    along = ((of.h @ unit.T) * (held > 0)).sum()
    return float(along / own) if own > 0 else None


def _outputs(model: Model, X: Floats) -> Floats:
    h = X @ model.W.T.astype(np.float64)
    return np.maximum(h @ model.W.astype(np.float64) + model.b, 0)


def _above(model: Model, X: Floats, without: NDArray[np.int64]) -> float:
    """By how much losses are above 1 without a feature each, at unit length again; a point of no feature has none."""
    left = X.copy()
    left[np.arange(len(X)), without] = 0
    length = np.linalg.norm(left, axis=1)
    left = left[length > 0] / length[length > 0, None]
    loss = ((left - _outputs(model, left)) ** 2).sum(axis=1)
    return float(np.maximum(loss - 1, 0).sum())


def taken_out(model: Model, trained: Met) -> dict[str, float]:
    """Columns on taking out one stored point: from h the direction of which it has most to itself, or from W the point.

    From W: W (1 - x x^T), so that the point's own hidden vector is 0. Of the first TAKEN stored points, each against
    the others of these; nothing where there is one at most.
    """
    stored = np.flatnonzero(trained.loss < STORED)[:TAKEN]
    if len(stored) < 2:
        return {}
    X, h, W = trained.X[stored].toarray(), trained.h[stored], model.W.astype(np.float64)
    of = whitening(trained.h)
    before = 1 - trained.loss[stored]
    left: dict[str, list[float]] = {name: [] for name in ("own_without_h", "others_without_h")}
    left |= {name: [] for name in ("own_without_W", "others_without_W")}
    for k in range(len(stored)):
        v = of.matrix @ (h[k] @ of.matrix)
        v /= np.linalg.norm(v)
        W_left = W - np.outer(W @ X[k], X[k])
        for what, hidden, decoder in (("h", h - np.outer(h @ v, v), W), ("W", X @ W_left.T, W_left)):
            loss = ((X - np.maximum(hidden @ decoder + model.b, 0)) ** 2).sum(axis=1)
            share = np.maximum(1 - loss, 0) / before
            left[f"own_without_{what}"].append(float(share[k]))
            left[f"others_without_{what}"].append(float(np.delete(share, k).mean()))
    return {name: float(np.mean(values)) for name, values in left.items()}


def clustered(trained: Met, new: Met) -> dict[str, float | None]:
    """Columns on clusters of training points.

    A fresh point is in the cluster of the training point nearest to it if it is no farther from that than the training
    point nearest to that is.
    """
    labels, tree = clusters(trained.h), cKDTree(trained.h)
    apart = tree.query(trained.h, k=2)[0][:, 1]
    distance, nearest = tree.query(new.h)
    inside = (labels[nearest] >= 0) & (distance <= apart[nearest])
    above = np.maximum(new.loss - 1, 0)
    return {
        "clustered": inside.mean(),
        "clustered_carry": above[inside].sum() / above.sum() if above.any() else None,
    }


def _plane(trained: Met, new: Met) -> list[dict[str, Any]]:
    """Rows of PLANE: training points, the worst, and the first of the others."""
    of = by_loss(new)
    others = np.setdiff1d(np.arange(min(SHOWN, len(new.loss))), of)
    rows = []
    for points, which, fresh, is_worst in (
        (trained, np.arange(min(SHOWN, len(trained.loss))), False, False),
        (new, others, True, False),
        (new, of, True, True),
    ):
        rows += [
            {"fresh": fresh, "worst": is_worst, "loss": points.loss[k], "x": points.h[k, 0], "y": points.h[k, 1]}
            for k in which.tolist()
        ]
    return rows


OWN = Own(columns=COLUMNS, across=across, tables={"plane": PLANE}, shown=lambda items: items.item < 0)
