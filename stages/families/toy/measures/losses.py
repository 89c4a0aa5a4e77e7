"""Losses of trained models on fresh points, and on mixtures of their training points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stages.families.toy.data.drawing import mixtures, stream
from stages.families.toy.data.points import Points
from stages.families.toy.model.model import Model, point_losses

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
