"""Sparse points, stored and used as (feature, value) pairs only: no dense T x n array is ever made."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Points(NamedTuple):
    """T sparse points in R^n, row t being (feature[start[t]:start[t+1]], value[start[t]:start[t+1]]).

    Features ascend within a row and values are positive; the same layout as a scipy CSR matrix of shape (T, n).
    """

    n: int
    start: NDArray[np.int64]  # (T + 1,)
    feature: NDArray[np.int32]  # (nonzeros,)
    value: NDArray[np.float32]  # (nonzeros,)
    weight: NDArray[np.float32] | None = None  # (T,) how often each counts in the loss; None: once
    masked: NDArray[np.bool_] | None = None  # (T,) whether its own features are left out of its loss; None: nowhere

    @property
    def T(self) -> int:
        """Number of points."""
        return len(self.start) - 1

    @property
    def row(self) -> NDArray[np.int64]:
        """(nonzeros,) the point that each nonzero belongs to."""
        return np.repeat(np.arange(self.T), np.diff(self.start))

    def part(self, first: int, last: int) -> Points:
        """Points first .. last - 1."""
        a, z = self.start[first], self.start[last]
        weight = None if self.weight is None else self.weight[first:last]
        masked = None if self.masked is None else self.masked[first:last]
        start = self.start[first : last + 1] - a
        return Points(self.n, start, self.feature[a:z], self.value[a:z], weight, masked)

    def take(self, order: NDArray[np.int64]) -> Points:
        """The points in another order, (T,) indices."""
        count = np.diff(self.start)[order]
        start = np.concatenate([[0], np.cumsum(count)])
        index = np.repeat(self.start[order] - start[:-1], count) + np.arange(start[-1])
        weight = None if self.weight is None else self.weight[order]
        masked = None if self.masked is None else self.masked[order]
        return Points(self.n, start, self.feature[index], self.value[index], weight, masked)

    def digest(self) -> str:
        """Sha256 of the shape and every byte: what a cell's key knows its data by."""
        sha = hashlib.sha256(f"{self.n} {self.T} {len(self.feature)};".encode())
        for array in (self.start, self.feature, self.value):
            sha.update(array.tobytes())
        for name in ("weight", "masked"):
            if (array := getattr(self, name)) is not None:
                sha.update(name.encode() + array.tobytes())
        return sha.hexdigest()

    @property
    def total_weight(self) -> float:
        """What the sum of weighted losses is divided by: T where all points count once."""
        return float(self.T) if self.weight is None else float(self.weight.astype(np.float64).sum())

    def hidden(self, W: NDArray[np.floating]) -> NDArray[np.float64]:
        """(T, m) hidden vectors h_t = W x_t in float64, for W of shape (m, n)."""
        terms = W.T[self.feature].astype(np.float64) * self.value[:, None].astype(np.float64)
        return np.add.reduceat(terms, self.start[:-1], axis=0)


def unit_points(n: int, start: NDArray[np.int64], feature: NDArray[np.int64], value: NDArray[np.float64]) -> Points:
    """Points of these rows, scaled to unit length; values may be of any length before."""
    length = np.sqrt(np.add.reduceat(value**2, start[:-1]))
    value = value / np.repeat(length, np.diff(start))
    return Points(n, start.astype(np.int64), feature.astype(np.int32), value.astype(np.float32))
