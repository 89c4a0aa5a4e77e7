"""The map x -> x' of a trained model, applied over and over: where inputs end.

Every data point has unit length, so that each output is scaled to unit length before it is an input again. For a tied
model x' / |x'| is the non-negative unit vector of largest (W^T W x + b) . y, and W^T W has no negative eigenvalue: each
step can only raise |W x|^2 / 2 + b . x (the convex-concave procedure). So nothing cycles, and inputs end where that is
stationary.

Beside a corner of the exact T-gon, x_0 + w x_1 becomes x_0 + w / (1 - cos(2 pi / T)) x_1 of first order: a neighbour's
weight grows from T = 5 on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.model.model import Model

CHUNK = 64  # inputs at a time, so that their outputs fit in a processor's cache
SETTLED = 1e-9  # change of a hidden vector in a step, over the longest column of W
GROWN = 1e3  # times the length of data points


class Ends(NamedTuple):
    """Where k inputs end. A vector of zeros: some output on the way was 0."""

    x: NDArray[np.float64]  # (k, n) of unit length
    first: NDArray[np.float64]  # (k, n) of unit length, after one step
    settled: NDArray[np.bool_]  # (k,) whether the last step changed nothing


def outputs(model: Model, h: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, n) outputs at (k, m) hidden vectors."""
    x = h @ model.decoder.astype(np.float64)
    x += model.b.astype(np.float64)
    return np.maximum(x, 0, out=x)


def hidden(model: Model, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, m) hidden vectors of dense (k, n) inputs."""
    h = x @ model.W.T.astype(np.float64)
    return np.maximum(h, 0) if model.relu else h


def iterate(model: Model, h: NDArray[np.float64], most: int) -> Ends:
    """Where inputs of (k, m) hidden vectors end after `most` steps of x -> x' / |x'| at most."""
    unit = np.abs(model.W).max()
    parts = []
    for chunk in np.array_split(h, max(1, -(-len(h) // CHUNK))):
        first = x = _unit(outputs(model, chunk))
        now, moving = hidden(model, x), np.arange(len(chunk))
        x = x.copy()
        for _ in range(most - 1):
            new = _unit(outputs(model, now[moving]))
            x[moving] = new
            after = hidden(model, new)
            still = np.abs(after - now[moving]).max(axis=1) > SETTLED * unit
            now[moving] = after
            moving = moving[still]
            if not len(moving):
                break
        parts.append(Ends(x, first, ~np.isin(np.arange(len(chunk)), moving)))
    return Ends(*(np.concatenate(of) for of in zip(*parts, strict=True)))


def unscaled(model: Model, h: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """(k,) lengths that inputs of (k, m) hidden vectors come to where nothing is scaled; inf: they grow without end."""
    unit = np.abs(model.W).max()
    now, length, moving = h.copy(), np.zeros(len(h)), np.arange(len(h))
    for _ in range(most):
        x = outputs(model, now[moving])
        length[moving], after = np.linalg.norm(x, axis=1), hidden(model, x)
        still = np.abs(after - now[moving]).max(axis=1) > SETTLED * unit
        now[moving] = after
        moving = moving[still & (length[moving] < GROWN)]
        if not len(moving):
            break
    return np.where(length < GROWN, length, np.inf)


def dense(points: Points) -> NDArray[np.float64]:
    """(T, n) array of a few points."""
    x = np.zeros((points.T, points.n))
    x[points.row, points.feature] = points.value
    return x


def energy(model: Model, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) |W x|^2 / 2 + b . x of (k, n) inputs, which no step from one lowers."""
    value: NDArray[np.float64] = (hidden(model, x) ** 2).sum(axis=1) / 2 + x @ model.b.astype(np.float64)
    return value


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(x, length, out=np.zeros_like(x), where=length > 0)
    return unit
