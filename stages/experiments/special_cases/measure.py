"""Which score of a hidden vector tells that a memorised point fired, rather than the usual features.

Inputs: ordinary ones (fresh); the planted points; the same with noise, 0.3 of a fresh point added; and look-alikes,
non-negative combinations of features that no planted point holds whose hidden vector is as near that of a planted point
under noise as matching pursuit gets. All but the last have unit length, so that only scores of h are asked of these.

Two scores know what is in superposition: `code` writes h as a sparse non-negative sum, once of features alone (those of
at least half the largest D_f), once with the hidden vector of a candidate training point, and says how much better the
second is. Candidates are training points whose dimensionality, all copies together, stands out: that uses how often the
training set holds each point, and not which were planted. `nearest_point` compares with the candidates only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.claims import Claim, Summary, labelled, labelled_rows
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
BLIND = ("D_star", "D_x", "mahalanobis", "unexplained")  # those of h alone that do not
ASKED = {  # of what; a training point is always near itself
    "exact": tuple(name for name in SCORES if name != "nearest"),
    "noisy": tuple(SCORES),
    "lookalike": (*BLIND, *KNOWING, "nearest"),
}
AGAINST = {
    "exact": "planted points against ordinary inputs",
    "noisy": "planted points under noise against ordinary inputs",
    "lookalike": "planted points under noise against look-alikes",
}
COLUMNS = {
    "planted_recalled": Column(float, "share of the planted points whose error is below half of output 0's"),
    "candidates": Column(int, "points taken for special cases"),
    "candidates_right": Column(float, "share of these that were planted"),
    "candidates_found": Column(float, "share of the planted points that are candidates"),
    "lookalike_distance": Column(float, "median distance of look-alikes in h from what they imitate, over its length"),
    "lookalike_length": Column(float, "median length of look-alikes as inputs"),
    **{
        f"area_{kind}_{name}": Column(float, f"ROC area of {words}: {against}")
        for kind, against in AGAINST.items()
        for name, words in SCORES.items()
        if name in ASKED[kind]
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
    later = next(stream(of.data.n, of.data.S, NOISY, measure.test_seed + 2, NOISY))  # noise that is no negative
    kinds = {"ordinary": ordinary, "exact": planted, "noisy": noisy(planted, later)}
    kinds["lookalike"] = lookalikes(model, kinds["noisy"], planted, f"{of.data} {of.training}")
    known = structure(model, points)
    found = {kind: scores(model, points, of_kind, known) for kind, of_kind in kinds.items()}
    recalled = point_losses(model, planted) < 0.5
    like = kinds["lookalike"]
    h, near = model.hidden(kinds["noisy"]), model.hidden(like)
    away = np.linalg.norm(near - h, axis=1) / np.linalg.norm(h, axis=1)
    columns: dict[str, Any] = {
        "planted_recalled": recalled.mean(),
        "candidates": len(known.items),
        "candidates_right": (known.items < of.data.repeated).mean() if len(known.items) else None,
        "candidates_found": np.isin(np.arange(of.data.repeated), known.items).mean(),
        "lookalike_distance": np.median(away),
        "lookalike_length": np.median(np.sqrt(np.add.reduceat(like.value**2, like.start[:-1]))),
    }
    for kind, positive, rest in (
        ("exact", "exact", "ordinary"),
        ("noisy", "noisy", "ordinary"),
        ("lookalike", "noisy", "lookalike"),
    ):
        for name in ASKED[kind]:
            both = np.concatenate([found[positive][name], found[rest][name]])
            columns[f"area_{kind}_{name}"] = roc(both, np.arange(len(both)) < len(found[positive][name])).area
    return columns


def noisy(planted: Points, ordinary: Points) -> Points:
    """NOISY inputs: a planted point each, in turn, with NOISE of an ordinary one added, at unit length."""
    which = np.arange(NOISY) * planted.T // NOISY
    dense = np.zeros((NOISY, planted.n))
    for points, factor, rows in ((planted, 1.0, which), (ordinary, NOISE, np.arange(NOISY))):
        every = points.take(rows)
        dense[every.row, every.feature] += factor * every.value
    return sparse(dense / np.linalg.norm(dense, axis=1, keepdims=True))


def lookalikes(model: Model, imitated: Points, planted: Points, seed: str) -> Points:
    """Inputs of features that no planted point holds, whose hidden vector is near that of one imitated each.

    By non-negative matching pursuit; each may use a random half of the features that no planted point holds.
    """
    rng, others = generator(f"look-alikes {seed}"), np.setdiff1d(np.arange(model.n), planted.feature)
    h, W = model.hidden(imitated), model.W.T.astype(np.float64)
    dense = np.zeros((len(h), model.n))
    for k, target in enumerate(h):
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
    left *= leading.shape[1] < model.m  # else they span everything, and rounding would be left
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
    mean = {name: of[f"area_{kind}_{name}"].mean() for name in ASKED[kind]}
    return pd.Series(mean, dtype=float).sort_values(ascending=False)


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Which scores work, by what they are asked to tell apart, and whether knowing the structure is needed."""
    of = stored(cells)
    claims = [_works(of, kind) for kind in AGAINST] + [_knowing(of), _candidates(of), _forgotten(cells)]
    headline = {f"best_area_{kind}": float(areas(of, kind).iloc[0]) for kind in AGAINST} if len(of) else {}
    return Summary(headline, claims)


def _works(of: pd.DataFrame, kind: str) -> Claim:
    mean = areas(of, kind)
    by_m, by_m_R = of.groupby("m"), of.groupby(["m", "copies"])
    words = {f"area_{kind}_{name}": SCORES[name] for name in ASKED[kind]}
    return Claim(
        f"some score tells {AGAINST[kind].replace(' against', ' from')}",
        "mechanistic anomaly detection, in the thread",
        "not tested",
        {SCORES[str(name)]: float(area) for name, area in mean.items()} if len(of) else None,
        labelled_rows(by_m_R[[f"area_{kind}_{name}" for name in ASKED[kind]]].mean().rename(columns=words), "m", "R"),
        bool((by_m[f"area_{kind}_{mean.index[0]}"].mean() >= WORKS).all()) if len(of) else None,
        f"ROC area, mean over models that recall the planted points; holds if the best score has {WORKS} at each m",
    )


def _knowing(of: pd.DataFrame) -> Claim:
    knows, blind = (of[[f"area_noisy_{name}" for name in names]].max(axis=1) for names in (KNOWING, BLIND))
    gain = knows - blind
    return Claim(
        "knowing what is in superposition tells special cases better",
        "the thread",
        "knowing the superposition makes detection possible",
        {"gain": gain.mean(), "standard error": gain.sem()} if len(of) > 1 else None,
        labelled(gain.groupby([of.m, of.copies]).mean(), "m", "R"),
        float(np.mean(gain)) > 2 * float(np.std(gain, ddof=1)) / len(gain) ** 0.5 if len(of) > 1 else None,
        "planted points under noise against ordinary inputs: ROC area of the better of the scores of h that use "
        "features and candidate points, less that of the best that do not; holds if above two standard errors over "
        "models that recall the planted points; an area is .5 where there is no candidate",
    )


def _candidates(of: pd.DataFrame) -> Claim:
    by = of.groupby(["m", "copies"])[["candidates_found", "candidates_right"]].mean()
    return Claim(
        "special cases can be found in the trained model, given how often the training set holds each point",
        "the thread",
        "not tested",
        {
            "share found": float(of.candidates_found.mean()),
            "share of candidates planted": float(of.candidates_right.mean()),
        }
        if len(of)
        else None,
        labelled_rows(by, "m", "R") if len(of) else None,
        bool(of.candidates_found.mean() > 0.75 and of.candidates_right.mean() > 0.75) if len(of) else None,
        "points whose dimensionality, all copies together, stands out; holds if three quarters of the planted points "
        "are among them, and three quarters of them are planted, in models that recall the planted points",
    )


def _forgotten(cells: pd.DataFrame) -> Claim:
    others = cells[(cells.planted_recalled == 0) & (cells.status == "trained")]
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
