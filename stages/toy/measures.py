"""What is measured of a trained model: losses on fresh points, norms, and the dimensionality of what it stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.toy.data import Points, generator, mixtures, stream
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model, point_losses

MIXTURES = 20_000  # drawn for the loss on them


class Loss(NamedTuple):
    """Loss on fresh points. Means are carried by a tail in the middle regime, so the median stands beside them."""

    mean: float
    standard_error: float
    median: float


class Losses(NamedTuple):
    """One model's test loss each, and on the same points that of the best constant output and of 0."""

    models: list[Loss]
    constant: float  # by squared error
    zero: list[float]  # by each model's own error


class Vectors(NamedTuple):
    """Features (columns of W) or data points (hidden vectors) of one model.

    `item` says which, `D` is their dimensionality and `vector` is (k, m). All of them are listed up to a limit;
    beyond it, half of them those of largest D, after those that are there several times, and half a random choice of
    the rest, which `sampled` marks.
    """

    item: NDArray[np.int64]
    D: NDArray[np.float64]
    vector: NDArray[np.float64]
    sampled: NDArray[np.bool_]


def losses_on_fresh_points(models: Sequence[Model], n: int, S: float, count: int, seed: int) -> Losses:
    """Every model's loss on the same `count` fresh points, which are drawn a chunk at a time."""
    losses, zero = np.empty((len(models), count)), np.zeros(len(models))
    total, square, first = np.zeros(n), 0.0, 0
    for points in stream(n, S, count, seed):
        for k, model in enumerate(models):
            losses[k, first : first + points.T] = point_losses(model, points)
            importance = 1.0 if model.importance is None else model.importance[points.feature]
            zero[k] += float(np.sum(importance * points.value.astype(np.float64) ** model.power)) / count
        total += np.bincount(points.feature, weights=points.value, minlength=n)
        square += float(np.sum(points.value.astype(np.float64) ** 2))
        first += points.T
    constant = square / count - float(np.sum((total / count) ** 2))  # E |x|^2 - |E x|^2
    results = [Loss(row.mean(), row.std(ddof=1) / np.sqrt(count), float(np.median(row))) for row in losses]
    return Losses(results, constant, zero.tolist())


class MixtureLoss(NamedTuple):
    """Loss on mixtures of a model's training points, and that of the best constant output there."""

    mean: float
    standard_error: float
    constant: float


def loss_on_mixtures(model: Model, points: Points, expected: float, seed: int) -> MixtureLoss:
    """Of mixtures of two or more of (T, n) points, `expected` in each on average before those of one are left out."""
    mixed = mixtures(points, expected, MIXTURES, seed)
    losses = point_losses(model, mixed)
    total = np.bincount(mixed.feature, mixed.value, mixed.n) / mixed.T
    return MixtureLoss(losses.mean(), losses.std(ddof=1) / mixed.T**0.5, 1 - float(total @ total))


def list_vectors(
    vectors: NDArray[np.floating],
    limit: int,
    seed: str,
    weight: NDArray[np.floating] | None = None,
    like: Vectors | None = None,
) -> Vectors:
    """The (k, m) vectors of features or points that a table lists, with each one's dimensionality among all k.

    weight: (k,) how often each is there; None: once. like: the same ones as these; None: as `Vectors` says.
    """
    D = dimensionality(vectors, weight)
    if like is not None:
        return Vectors(like.item, D[like.item], np.asarray(vectors, dtype=np.float64)[like.item], like.sampled)
    item, sampled = np.arange(len(D)), np.zeros(len(D), dtype=bool)
    if len(D) > limit:
        order = np.lexsort((-D, np.zeros(len(D)) if weight is None else -np.asarray(weight)))
        drawn = generator(seed).permutation(order[limit // 2 :])[: limit - limit // 2]
        sampled[drawn] = True
        item = np.sort(np.concatenate([order[: limit // 2], drawn]))
    return Vectors(item, D[item], np.asarray(vectors, dtype=np.float64)[item], sampled[item])
