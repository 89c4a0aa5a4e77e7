"""Where a model's inputs end when its output, scaled to unit length, is its input again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import nnls

from stages.core.random import generator
from stages.core.tables import Column
from stages.experiments.attractors import KINDS, STARTS
from stages.families.toy.data.drawing import stream
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.iteration import Ends, dense, hidden, iterate, outputs, unscaled
from stages.families.toy.model.model import Model
from stages.grid.cells import Cell
from stages.statistics.dimensionality import dimensionality

COUNT = 100  # inputs of each kind
MOST = 3000  # steps
NEAR = 0.8  # cosine from which on a vector counts as another: between two equal ones that are orthogonal it is .71
ONE = 0.999  # and two ends as one attractor
FEW = 3  # training points, or features, in a mixture
CONTROLS = 20000  # fresh points
PATHS, PATH_STEPS = 48, 12  # of the picture of a model of two hidden dimensions

MADE_OF = {"point": "training points", "fresh": "fresh points, of which there are as many", "feature": "features"}
COLUMNS = {
    "attractors": Column(int, "different vectors at which inputs of any kind ended"),
    **{f"attractors_{kind}": Column(int, f"of these, {words}") for kind, words in KINDS.items()},
    "points_answered": Column(float, "share of training points at cosine above .8 with the model's output for them"),
    "points_kept": Column(float, "share of training points that end at cosine above .8 with themselves"),
    "features_kept": Column(float, "share of learned features that end at cosine above .8 with the first output"),
    **{
        f"{start}_to_{kind}": Column(float, f"share of {words} that end at {of}")
        for start, words in STARTS.items()
        for kind, of in KINDS.items()
    },
    "settled": Column(float, "share of all inputs that moved no more"),
    "unscaled_grow": Column(float, "share of training points that grow without end where nothing is scaled"),
    "unscaled_length": Column(float, "median length that the others come to"),
}
ENDS = {
    "attractor": Column(int, "which, by the inputs that end there, most first"),
    "kind": Column(str, "; ".join(f"{kind}: {words}" for kind, words in KINDS.items())),
    **{
        f"{what}_{k}": Column(float, f"cosine with the nearest mixture of {k} {words}, chosen one by one")
        for what, words in MADE_OF.items()
        for k in range(1, FEW + 1)
    },
    **{
        f"mean_{start}": Column(float, f"cosine with the mean of the {STARTS[start]} that end there")
        for start in ("points", "fresh")
    },
    "balance": Column(float, "smallest over largest weight in the mixture of two training points, or features"),
    **{f"from_{start}": Column(float, f"share of {words} that end there") for start, words in STARTS.items()},
    "x": Column("float32", "first coordinate of its hidden vector, where m = 2"),
    "y": Column("float32", "second coordinate of its hidden vector, where m = 2"),
}
STEPS = {
    "path": Column(int, "which start, by the angle of its hidden vector"),
    "moment": Column(int, "steps taken"),
    "x": Column("float32", "first coordinate of the hidden vector"),
    "y": Column("float32", "second coordinate of the hidden vector"),
}


class Attractors(NamedTuple):
    """The different vectors that inputs end at: (a, n) vectors, and (k,) which of them each input ends at, -1 at 0."""

    x: NDArray[np.float64]
    of: NDArray[np.int64]


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """Attractors of each trained model; of the first training set's also paths to them, where m = 2."""
    first = min((cell.data.data_seed for cell in cells), default=0)
    found = {}
    for i, model in models.items():
        found[i] = _ended(cells[i], points[i], model, measure)
        drawn = cells[i].data.data_seed == first and cells[i].data.points == "random"
        if model.m == 2 and drawn:
            found[i]["paths"] = _paths(model)
    return found


def starts(cell: Cell, points: Points, model: Model, measure: Measure) -> dict[str, NDArray[np.float64]]:
    """(k, n) inputs of each kind but noise."""
    rng = generator(" ".join(f"{name}={value!r}" for name, value in cell.axes.items()))
    pairs = rng.integers(points.T, size=(COUNT, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    mean = dense(points.take(pairs[:, 0])) + dense(points.take(pairs[:, 1]))
    return {
        "points": dense(points.part(0, min(COUNT, points.T))),
        "mixtures": mean / np.linalg.norm(mean, axis=1, keepdims=True),
        "fresh": dense(next(stream(points.n, cell.data.S, COUNT, measure.test_seed + 1, COUNT))),
        "features": np.eye(points.n)[by_dimensionality(model)[:COUNT]],
    }


def noise(model: Model, count: int = COUNT) -> NDArray[np.float64]:
    """(count, m) hidden vectors of random directions, so long that b decides nothing."""
    directions = generator(f"noise m={model.m}").standard_normal((count, model.m))
    return _far(model, directions)


def _far(model: Model, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hidden vectors so long that b decides nothing, in these directions."""
    length = 1e3 * (1 + np.abs(model.b).max()) / np.abs(model.W).max()
    far: NDArray[np.float64] = length * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return far


def by_dimensionality(model: Model) -> NDArray[np.int64]:
    """Features, those of largest D_f first."""
    return np.argsort(-dimensionality(model.W.T), kind="stable")


def _ended(cell: Cell, points: Points, model: Model, measure: Measure) -> dict[str, Any]:
    """This experiment's columns for one cell, and rows of its attractors."""
    inputs = starts(cell, points, model, measure)
    h = {kind: hidden(model, x) for kind, x in inputs.items()} | {"noise": noise(model)}
    ends = {kind: iterate(model, of, MOST) for kind, of in h.items()}
    found = grouped(np.concatenate([of.x for of in ends.values()]))
    of_kind = dict(zip(ends, np.split(found.of, np.cumsum([len(of.x) for of in ends.values()])[:-1]), strict=True))
    rows = described(found.x, cell, points, model, measure.test_seed)
    for a, row in enumerate(rows):
        row |= {f"from_{start}": float((of == a).mean()) for start, of in of_kind.items()}
        for start in ("points", "fresh"):
            mean = inputs[start][of_kind[start] == a].sum(axis=0)
            row[f"mean_{start}"] = float(found.x[a] @ mean / np.linalg.norm(mean)) if mean.any() else None
    kinds = np.array([*(row["kind"] for row in rows), "rest"], dtype=object)  # the last is of ends of length 0
    lengths = unscaled(model, h["points"], MOST)
    ended = lengths[np.isfinite(lengths)]
    shares = {
        f"{start}_to_{kind}": float((kinds[of] == kind).mean()) for start, of in of_kind.items() for kind in KINDS
    }
    return {
        "attractors": len(rows),
        **{f"attractors_{kind}": int((kinds[:-1] == kind).sum()) for kind in KINDS},
        **_kept(ends, points, model, measure.learned),
        **shares,
        "settled": float(np.concatenate([of.settled for of in ends.values()]).mean()),
        "unscaled_grow": float(np.isinf(lengths).mean()),
        "unscaled_length": float(np.median(ended)) if len(ended) else None,
        "ends": rows,
    }


def _kept(ends: Mapping[str, Ends], points: Points, model: Model, learned: float) -> dict[str, float | None]:
    """Columns on inputs that end where they start, or at what the model answers at once."""
    own = dense(points.part(0, len(ends["points"].x)))
    features = ends["features"]
    count = int((np.sort(-dimensionality(model.W.T))[: len(features.x)] < -learned).sum())
    to_answer = (features.x * features.first).sum(axis=1)[:count]
    return {
        "points_answered": float(((ends["points"].first * own).sum(axis=1) > NEAR).mean()),
        "points_kept": float(((ends["points"].x * own).sum(axis=1) > NEAR).mean()),
        "features_kept": float((to_answer > NEAR).mean()) if count else None,
    }


def grouped(x: NDArray[np.float64]) -> Attractors:
    """The different vectors among (k, n) ends of length 1 or 0, those where most end first."""
    of = np.full(len(x), -1)
    kept: list[int] = []
    for i in np.flatnonzero(x.any(axis=1)).tolist():
        if of[i] < 0:
            of[(x @ x[i] > ONE) & (of < 0)] = len(kept)
            kept.append(i)
    size = np.bincount(of[of >= 0], minlength=len(kept))
    order = np.argsort(-size, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return Attractors(x[np.array(kept, dtype=np.int64)[order]], np.where(of >= 0, place[of] if len(place) else -1, -1))


def described(x: NDArray[np.float64], cell: Cell, points: Points, model: Model, test_seed: int) -> list[dict[str, Any]]:
    """Rows of ENDS on (a, n) attractors, without what starts end there."""
    count = min(points.T, CONTROLS)
    fresh = next(stream(points.n, cell.data.S, count, test_seed + 2, count))
    of = {"point": _sparse(points), "fresh": _sparse(fresh), "feature": sparse.eye_array(points.n, format="csr")}
    h, rest = hidden(model, x), outputs(model, np.zeros((1, model.m)))[0]
    rest /= max(np.linalg.norm(rest), np.finfo(float).tiny)
    rows = []
    for a, vector in enumerate(x):
        found = {what: mixtures(rows_of, vector) for what, rows_of in of.items()}
        kind, balance = ("rest", None) if rest @ vector > NEAR else _kind(found)
        rows.append(
            {"attractor": a, "kind": kind, "balance": balance}
            | {f"{what}_{k}": cosine for what, made in found.items() for k, cosine in enumerate(made.cosine, 1)}
            | ({"x": h[a, 0], "y": h[a, 1]} if model.m == 2 else {})
        )
    return rows


def _sparse(points: Points) -> sparse.csr_array:
    return sparse.csr_array((points.value.astype(np.float64), points.feature, points.start), shape=(points.T, points.n))


class Mixtures(NamedTuple):
    """Cosines of a vector with the nearest mixtures of 1, 2, ... others, and their smallest over largest weight."""

    cosine: list[float]
    balance: list[float]


def mixtures(X: sparse.csr_array, vector: NDArray[np.float64]) -> Mixtures:
    """Non-negative mixtures of rows of X, chosen one by one (orthogonal matching pursuit), for a unit vector."""
    chosen: list[int] = []
    rest, found = vector, Mixtures([], [])
    for _ in range(min(FEW, X.shape[0])):
        chosen.append(int((X @ rest).argmax()))
        of = X[chosen].toarray().T
        weights, off = nnls(of, vector)
        found.cosine.append(float(np.sqrt(max(0.0, 1 - off**2))))  # with the best multiple of the mixture
        found.balance.append(float(weights.min() / weights.max()) if weights.any() else 0.0)
        rest = vector - of @ weights
    return found


def _kind(found: Mapping[str, Mixtures]) -> tuple[str, float | None]:
    """Which of KINDS: the fewest that come near, and the nearer ones of as many; the balance of two."""
    for k in range(FEW):
        cosine, what = max((found[what].cosine[k : k + 1] or [0.0], what) for what in ("point", "feature"))
        if cosine[0] > NEAR:
            return (what if k == 0 else f"{what}s"), (found[what].balance[1] if k == 1 else None)
    return "other", None


def _paths(model: Model) -> list[dict[str, Any]]:
    """Rows of STEPS: what directions of h, all around, become."""
    angle = 2 * np.pi * np.arange(PATHS) / PATHS
    h = _far(model, np.stack([np.cos(angle), np.sin(angle)], axis=1))
    rows = []
    for moment in range(PATH_STEPS + 1):
        x = outputs(model, h)
        length = np.linalg.norm(x, axis=1, keepdims=True)
        h = hidden(model, np.divide(x, length, out=np.zeros_like(x), where=length > 0))
        rows += [{"path": p, "moment": moment, "x": x, "y": y} for p, (x, y) in enumerate(h)]
    return rows


def shown(items: pd.DataFrame) -> pd.Series:
    """Those of the first training set at m = 2, which the picture shows."""
    chosen: pd.Series = (items.m == 2) & (items.data_seed == items.data_seed.min()) & (items.supports == "random")
    return chosen


OWN = Own(columns=COLUMNS, across=across, tables={"ends": ENDS, "paths": STEPS}, shown=shown)
