"""Which score of a hidden vector tells that a memorised point fired, rather than the usual features.

Inputs: ordinary ones (fresh); the planted points; the same with noise, 0.3 of a fresh point added; and look-alikes,
non-negative combinations of features that no planted point holds whose hidden vector is as near a planted point's as
matching pursuit gets. All but the last have unit length.

Two scores know what is in superposition: `code` writes h as a sparse non-negative sum, once of features alone (those of
at least half the largest D_f), once with the hidden vector of a candidate training point, and says how much better the
second is. Candidates are found without being told which points were planted: those whose dimensionality, all copies
together, stands out. `nearest_point` compares with the candidates only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.claims import Claim, Summary
from stages.leverage import leverage_if_included, whitening
from stages.memorization import roc
from stages.params import Cell
from stages.tables import Column
from stages.toy.data import Points, generator, stream
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model, point_losses
from stages.toy.spec import Measure

SCORES = {
    "D_star": "D* among the training points",
    "D_x": "D_x among the training points",
    "mahalanobis": "Mahalanobis distance",
    "explained": "small reconstruction error",
    "nearest": "near a training point in h",
    "unexplained": "variance that the training set's leading directions leave",
    "nearest_point": "angle to a candidate point",
    "code": "sparse code, features and candidate points",
}
KNOWING = ("nearest_point", "code")  # of these, those that use what is known to be in superposition
AGAINST = {
    "exact": "planted points against ordinary inputs",
    "noisy": "planted points under noise against ordinary inputs",
    "lookalike": "planted points under noise against look-alikes",
}
COLUMNS = {
    "planted_recalled": Column(float, "share of the planted points whose error is below half of output 0's"),
    "candidates": Column(int, "points taken for special cases"),
    "candidates_right": Column(float, "share of these that were planted"),
    "lookalike_distance": Column(float, "median distance of look-alikes in h from the planted point, over its length"),
    **{
        f"area_{kind}_{name}": Column(float, f"ROC area of {words}: {against}")
        for kind, against in AGAINST.items()
        for name, words in SCORES.items()
    },
}
ORDINARY = 5000
NOISY = 500
NOISE = 0.3
STANDS_OUT = 3  # times the 99th percentile of points' D, all copies together: a candidate for a special case
ALONG = 0.95  # cosine from which a vector points where a feature does
LEADING = 0.95  # share of the training set's variance that its leading directions explain
ATOMS = 10  # features of a look-alike, at most
WORKS = 0.9  # ROC area from which a score is said to tell


class Known(NamedTuple):
    """What is in superposition: unit directions of the main features (k, m), and of candidate points (l, m)."""

    features: NDArray[np.float64]
    candidates: NDArray[np.float64]
    items: NDArray[np.int64]  # (l,) which training points these are


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """ROC areas of every score, for each trained model."""
    return {i: _one(cells[i], points[i], model, measure) for i, model in models.items()}


def _one(of: Cell, points: Points, model: Model, measure: Measure) -> dict[str, Any]:
    planted = points.part(0, of.data.repeated)._replace(weight=None, masked=None)
    ordinary = next(stream(of.data.n, of.data.S, ORDINARY, measure.test_seed + 1, ORDINARY))
    kinds = {"ordinary": ordinary, "exact": planted, "noisy": noisy(planted, ordinary, of)}
    kinds["lookalike"] = lookalikes(model, planted, f"{of.data} {of.training}")
    known = structure(model, points)
    found = {kind: scores(model, points, of_kind, known) for kind, of_kind in kinds.items()}
    recalled = point_losses(model, planted) < 0.5
    h, near = model.hidden(planted), model.hidden(kinds["lookalike"])
    away = np.linalg.norm(near - np.repeat(h, -(-len(near) // len(h)), axis=0)[: len(near)], axis=1)
    columns: dict[str, Any] = {
        "planted_recalled": recalled.mean(),
        "candidates": len(known.items),
        "candidates_right": (known.items < of.data.repeated).mean() if len(known.items) else None,
        "lookalike_distance": np.median(away) / np.linalg.norm(h, axis=1).mean(),
    }
    for kind, positive, rest in (
        ("exact", "exact", "ordinary"),
        ("noisy", "noisy", "ordinary"),
        ("lookalike", "noisy", "lookalike"),
    ):
        for name in SCORES:
            both = np.concatenate([found[positive][name], found[rest][name]])
            columns[f"area_{kind}_{name}"] = roc(both, np.arange(len(both)) < len(found[positive][name])).area
    return columns


def noisy(planted: Points, ordinary: Points, of: Cell) -> Points:
    """NOISY inputs: a planted point each, in turn, with NOISE of an ordinary one added, at unit length."""
    which = np.arange(NOISY) * planted.T // NOISY
    dense = np.zeros((NOISY, planted.n))
    for points, factor, rows in ((planted, 1.0, which), (ordinary, NOISE, np.arange(NOISY))):
        every = points.take(rows)
        dense[every.row, every.feature] += factor * every.value
    return sparse(dense / np.linalg.norm(dense, axis=1, keepdims=True))


def lookalikes(model: Model, planted: Points, seed: str) -> Points:
    """NOISY inputs, of other features, whose hidden vector is near a planted point's.

    By non-negative matching pursuit; each may use a random half of the features that no planted point holds.
    """
    rng, others = generator(f"look-alikes {seed}"), np.setdiff1d(np.arange(model.n), planted.feature)
    h, W = model.hidden(planted), model.W.T.astype(np.float64)
    dense = np.zeros((NOISY, model.n))
    for k, target in enumerate(np.repeat(h, -(-NOISY // len(h)), axis=0)[:NOISY]):
        allowed = rng.choice(others, len(others) // 2, replace=False)
        length = np.linalg.norm(W[allowed], axis=1)
        allowed, length = allowed[length > 0], length[length > 0]
        rest = target.copy()
        for _ in range(ATOMS):
            gain = W[allowed] @ rest / length
            best = int(np.argmax(gain))
            if gain[best] <= 1e-3 * np.linalg.norm(target):
                break
            dense[k, allowed[best]] += gain[best] / length[best]
            rest -= gain[best] / length[best] * W[allowed[best]]
    dense[~dense.any(axis=1), others[0]] = 1e-3  # nothing points there: an input of its own all the same
    return sparse(dense)


def sparse(dense: NDArray[np.float64]) -> Points:
    """(k, n) non-negative rows, none of them empty, as points."""
    row, feature = np.nonzero(dense)
    start = np.searchsorted(row, np.arange(len(dense) + 1)).astype(np.int64)
    return Points(dense.shape[1], start, feature.astype(np.int32), dense[row, feature].astype(np.float32))


def structure(model: Model, points: Points) -> Known:
    """What a look at the trained model shows: its main features, and points that are stored beside them."""
    h, D_f = model.hidden(points), dimensionality(model.W.T)
    weight = np.ones(points.T) if points.weight is None else points.weight.astype(np.float64)
    D = dimensionality(h, points.weight) * weight
    items = np.flatnonzero(np.quantile(D, 0.99) * STANDS_OUT < D)
    candidates, features = _unit(h[items]), _unit(model.W.T.astype(np.float64)[D_f > D_f.max() / 2])
    own = (features @ candidates.T > ALONG).any(axis=1)  # a stored point's own feature points where the point does
    return Known(features[~own], candidates, items)


def scores(model: Model, training: Points, inputs: Points, known: Known) -> dict[str, NDArray[np.float64]]:
    """Every score of each input; the larger, the more it looks like a special case."""
    H, h = model.hidden(training), model.hidden(inputs)
    weight = np.ones(training.T) if training.weight is None else training.weight.astype(np.float64)
    copies = np.repeat(np.arange(training.T), weight.astype(int))
    M = (H * weight[:, None]).T @ H
    square = np.einsum("km,km->k", h, h)
    mean = np.average(H, axis=0, weights=weight)
    covariance = np.cov(H.T, aweights=weight).reshape(model.m, model.m)
    values, directions = np.linalg.eigh(covariance)
    share = np.cumsum(values[::-1]) / values.sum()
    leading = directions[:, ::-1][:, : int(np.searchsorted(share, LEADING) + 1)]
    centred = h - mean
    left = np.einsum("km,km->k", centred, centred) - np.sum((centred @ leading) ** 2, axis=1)
    shared = np.einsum("km,mn,kn->k", h, M, h)
    nearest = np.array([np.min(np.sum((H - one) ** 2, axis=1)) for one in h])
    angle = (_unit(h) @ known.candidates.T).max(axis=1) if len(known.items) else np.zeros(len(h))
    return {
        "D_star": leverage_if_included(h, whitening(H[copies])),
        "D_x": np.divide(square**2, shared, out=np.zeros_like(square), where=shared > 0),
        "mahalanobis": np.einsum("km,mn,kn->k", centred, np.linalg.pinv(covariance), centred),
        "explained": -point_losses(model, inputs),
        "nearest": -nearest,
        "unexplained": left / np.maximum(np.einsum("km,km->k", centred, centred), 1e-30),
        "nearest_point": angle,
        "code": coded(h, known),
    }


def coded(h: NDArray[np.float64], known: Known) -> NDArray[np.float64]:
    """How much less of |h|^2, of (k, m) vectors, a code of two parts leaves if one of them may be a candidate point."""
    unit = _unit(h)
    plain = _left(unit, known.features, known.features)
    less = plain - np.minimum(plain, _left(unit, known.candidates, known.features))
    found: NDArray[np.float64] = less * np.einsum("km,km->k", h, h)
    return found


def _left(h: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) squared length of h that no non-negative sum of one of `first` and one of `second` reaches."""
    best = np.ones(len(h))
    for one in first:
        a = h @ one
        best = np.minimum(best, 1 - np.maximum(a, 0) ** 2)
        for other in second:
            c = one @ other
            if abs(c) > 1 - 1e-9:
                continue
            b = h @ other
            u, v = (a - c * b) / (1 - c * c), (b - c * a) / (1 - c * c)
            inside = (u > 0) & (v > 0)
            best = np.minimum(best, np.where(inside, 1 - (u * a + v * b), 1.0))
    for other in second:
        best = np.minimum(best, 1 - np.maximum(h @ other, 0) ** 2)
    left: NDArray[np.float64] = np.maximum(best, 0)
    return left


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit


def stored(cells: pd.DataFrame) -> pd.DataFrame:
    """Models that recall the planted points."""
    chosen: pd.DataFrame = cells[(cells.planted_recalled > 0.5) & (cells.status == "trained")]
    return chosen


def areas(of: pd.DataFrame, kind: str) -> pd.Series:
    """Mean ROC area by score, highest first."""
    mean = {name: of[f"area_{kind}_{name}"].mean() for name in SCORES}
    return pd.Series(mean, dtype=float).sort_values(ascending=False)


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Which scores work, by what they are asked to tell apart, and whether knowing the structure is needed."""
    of = stored(cells)
    claims = [_works(of, kind) for kind in AGAINST] + [_knowing(of), _candidates(of), _forgotten(cells)]
    headline = {f"best_area_{kind}": float(areas(of, kind).iloc[0]) for kind in AGAINST} if len(of) else {}
    return Summary(headline, claims)


def _works(of: pd.DataFrame, kind: str) -> Claim:
    mean = areas(of, kind)
    by_m = of.groupby("m")
    return Claim(
        f"some score tells {AGAINST[kind].replace(' against', ' from')}",
        "mechanistic anomaly detection, in the thread",
        "not tested",
        {SCORES[str(name)]: float(area) for name, area in mean.items()} if len(of) else None,
        {f"m={m}": {SCORES[name]: float(group[f"area_{kind}_{name}"].mean()) for name in SCORES} for m, group in by_m},
        bool((by_m[f"area_{kind}_{mean.index[0]}"].mean() >= WORKS).all()) if len(of) else None,
        f"ROC area, mean over models that recall the planted points; holds if the best score has {WORKS} at each m",
    )


def _knowing(of: pd.DataFrame) -> Claim:
    blind = [name for name in SCORES if name not in KNOWING]
    mean = {kind: areas(of, kind) for kind in AGAINST}
    gain = {AGAINST[kind]: float(area[list(KNOWING)].max() - area[blind].max()) for kind, area in mean.items()}
    return Claim(
        "knowing what is in superposition makes special cases detectable",
        "the thread",
        "knowing the superposition makes detection possible",
        gain if len(of) else None,
        {
            AGAINST[kind]: {
                "best that knows": SCORES[str(area[list(KNOWING)].idxmax())],
                "best that does not": SCORES[str(area[blind].idxmax())],
            }
            for kind, area in mean.items()
            if len(of)
        },
        bool(all(value > 0.05 for value in gain.values())) if len(of) else None,
        "ROC area of the best score that uses features or candidate points, less that of the best that does "
        "not; holds if .05 more in each comparison",
    )


def _candidates(of: pd.DataFrame) -> Claim:
    right = of.groupby("m").candidates_right.mean()
    return Claim(
        "special cases can be found in the trained model without being told",
        "the thread",
        "not tested",
        {f"m={m}": float(value) for m, value in right.items()} if len(of) else None,
        {f"m={m}": float(value) for m, value in of.groupby("m").candidates.mean().items()},
        bool((of.candidates_right.fillna(0) > 0.5).mean() > 0.75) if len(of) else None,
        "share of candidate points that were planted; spread: how many candidates; holds if most are in three quarters "
        "of the models that recall the planted points",
    )


def _forgotten(cells: pd.DataFrame) -> Claim:
    others = cells[(cells.planted_recalled <= 0.5) & (cells.status == "trained")]
    best = areas(others, "noisy") if len(others) else pd.Series(dtype=float)
    return Claim(
        "a planted point that the model does not recall is not told from ordinary inputs",
        "this project's question",
        "there is nothing to detect",
        {SCORES[str(name)]: float(area) for name, area in best.items()} if len(others) else None,
        {"models": len(others)},
        bool(best.iloc[0] < WORKS) if len(others) else None,
        f"ROC area under noise, mean over models that do not recall them; holds if no score has {WORKS}",
    )
