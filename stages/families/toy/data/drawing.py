"""Drawing sparse synthetic points (the paper's "Experimental setup"), and choosing those that are trained on.

Each feature of a point is 0 with probability S, else uniform on (0, 1]; a point without any feature is drawn
again; points are scaled to unit length.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.core.sparse import CHUNK, fresh_rows, rows
from stages.families.toy.data.points import Points, unit_points
from stages.families.toy.data.spec import Data


def sample(data: Data) -> Points:
    """The training set that `data` describes.

    What decides the points enters the seed: no two sets share a stream, and one spec always gives the same bytes. Where
    points are fresh at every step these are the first step's; where some are repeated they weigh more.
    """
    if data.fresh:
        return batches(data, 0, 1)
    points = pool(data)
    held = trained_on(data, points)
    return points if held.all() else points.take(np.flatnonzero(held))


def pool(data: Data) -> Points:
    """All T points that a training set is chosen from."""
    if data.transposed:
        return transpose(sample(data.model_copy(update={"n": data.T, "T": data.n, "points": "random"})))
    whole = data.model_copy(update={"T": data.first_of or data.T})
    points, repeated = _sample(whole).part(0, data.T), np.arange(data.T) < data.repeated
    if data.repeated and data.copies > 1:
        points = points._replace(weight=np.where(repeated, data.copies, 1).astype(np.float32))
    return points._replace(masked=repeated) if data.masked else points


def trained_on(data: Data, points: Points) -> NDArray[np.bool_]:
    """(T,) which points of a pool are in the training set."""
    held = np.ones(points.T, dtype=bool)
    if data.subset < 1:
        order = generator(f"subset {data.subset!r} of {data.T} seed={data.subset_seed}").permutation(data.T)
        held[order[round(data.subset * data.T) :]] = False
    if data.left_out:
        order = 1 + generator(f"left out of {data.T} seed={data.data_seed}").permutation(data.T - 1)
        if data.left_out_by == "similarity":
            order = 1 + np.argsort(-similarity(points, 0)[1:], kind="stable")
        held[0] = False
        held[order[: data.left_out - 1]] = False
    return held


def similarity(points: Points, t: int) -> NDArray[np.float64]:
    """(T,) scalar product of every point with point t: their cosine, as points have unit length."""
    other = points.part(t, t + 1)
    dense = np.zeros(points.n)
    dense[other.feature] = other.value
    return np.bincount(points.row, points.value * dense[points.feature], points.T).astype(np.float64)


def transpose(points: Points) -> Points:
    """The features of T points as points of T features, scaled alike to a mean square length of 1.

    A feature that no point holds is none.
    """
    order = np.argsort(points.feature, kind="stable")
    held, first = np.unique(points.feature[order], return_index=True)
    value = points.value[order] * np.sqrt(len(held) / np.sum(points.value.astype(np.float64) ** 2))
    start = np.append(first, len(order)).astype(np.int64)
    return Points(points.T, start, points.row[order].astype(np.int32), value.astype(np.float32))


def mixtures(points: Points, expected: float, count: int, seed: int) -> Points:
    """Sparse non-negative mixtures of two or more of T points, of unit length: what is left of `count` draws.

    A point is in a mixture with probability min(1, expected / T), with a factor uniform on (0, 1]. So points are to
    mixtures what features are to points, but that mixtures of one point, which no model need generalise to explain,
    are left out.

    Raises:
        ValueError: no draw holds two points.
    """
    rng = generator(f"mixtures of {points.digest()} {expected=!r} {count=} seed={seed}")
    drawn = _random(rng, points.T, max(0.0, 1 - expected / points.T), count)
    chosen = drawn.take(np.flatnonzero(np.diff(drawn.start) > 1))
    if not chosen.T:
        raise ValueError(f"of {count} mixtures of {points.T} points, {expected:g} in each on average, none holds two")
    terms = points.take(chosen.feature.astype(np.int64))
    mixture = chosen.row[terms.row]
    place, inverse = np.unique(mixture * points.n + terms.feature, return_inverse=True)
    value = np.bincount(inverse, terms.value * chosen.value[terms.row]).astype(np.float64)
    return unit_points(points.n, np.searchsorted(place // points.n, np.arange(chosen.T + 1)), place % points.n, value)


def _sample(data: Data) -> Points:
    grouped = f" alike={data.alike}" if data.alike > 1 else ""
    rng = generator(f"{data.supports} n={data.n} S={data.S!r} T={data.T} seed={data.data_seed}{grouped}")
    if data.supports == "disjoint":
        k = data.support_size
        feature = np.sort(rng.permutation(data.n)[: data.T * k].reshape(data.T, k), axis=1).ravel()
        return unit_points(data.n, np.arange(data.T + 1) * k, feature, 1 - rng.random(data.T * k))
    if data.alike > 1:
        return _alike(rng, _random(rng, data.n, data.S, -(-data.T // data.alike)), data.alike).part(0, data.T)
    return _random(rng, data.n, data.S, data.T)


def _alike(rng: np.random.Generator, first: Points, count: int) -> Points:
    """Groups of `count` points: one of `first`, then others that keep a share 1 - j / count of its features.

    What they do not keep is replaced by other features, with values of the same point's.
    """
    features, values = [], []
    for t in range(first.T):
        a, z = first.start[t], first.start[t + 1]
        of, value, k = first.feature[a:z], first.value[a:z].astype(np.float64), int(z - a)
        for j in range(count):
            lost = min(round(k * j / count), first.n - k)
            kept = np.sort(rng.permutation(k)[lost:])
            others = np.setdiff1d(np.arange(first.n), of)
            feature = np.append(of[kept], rng.choice(others, lost, replace=False))
            order = np.argsort(feature)
            features.append(feature[order])
            values.append(np.append(value[kept], rng.choice(value, lost))[order])
    start = np.cumsum([0, *map(len, features)])
    return unit_points(first.n, start, np.concatenate(features), np.concatenate(values))


def stream(n: int, S: float, T: int, seed: int, chunk: int = CHUNK) -> Iterator[Points]:
    """The T points of a test set, `chunk` at a time (each chunk its own seed), so that T costs no memory."""
    for start, feature, value in fresh_rows(n, S, T, seed, chunk):
        yield unit_points(n, start, feature, value)


def dataset_digest(data: Data, points: Points) -> str:
    """What a cell's key knows its data by: the points' digest, the seed that initial weights belong to as well, and the
    whole spec where points are only the first step's.
    """
    return f"{points.digest()} data_seed={data.data_seed}" + (f" {data.key_text()}" if data.fresh else "")


def batches(data: Data, first: int, last: int) -> Points:
    """The fresh points of steps first .. last - 1, T a step, one after another; each step has its own seed."""
    from stages.families.toy.data.fresh import draw  # compiled code, which most runs have no use for

    name = f"fresh n={data.n} S={data.S!r} T={data.T} seed={data.data_seed}"
    return draw(data.n, data.S, data.T, [f"{name} {step=}" for step in range(first, last)])


def _random(rng: np.random.Generator, n: int, S: float, T: int) -> Points:
    return unit_points(n, *rows(rng, n, S, T))
