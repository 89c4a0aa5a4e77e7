"""The whole training loop in one compiled function: no T x n array, every pair (point, feature) visited once a step.

For a point t and a feature i, with z = W_i . h_t + b_i and a = max(z, 0), one visit (pairs.py) gives its share of

    sum_t a h_t -> grad W_i      sum_t a -> grad b_i      sum_i a W_i -> grad h_t

as if every x_ti were 0. The few x_ti > 0 then need a correction (a -> a - x_ti where z > 0) and the encoder's
share of the gradient, grad W_i += x_ti grad h_t. The squared activations come free:
sum_t a^2 = W_i . (sum_t a h_t) + b_i (sum_t a). The common factor 2 scale / T is applied with AdamW's update.

Layout. Parameters, gradients and AdamW's moments are flat arrays of *tiles* of L features: m rows of weights and
one of biases, L apart. A tile and its gradient stay in L1 while all points go by. Features that pad the last tile are
zeros, have zero gradient, and stay zeros.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.toy import adamw
from stages.toy.adamw import Optimiser, update
from stages.toy.compiler import LANES, compiled, flush_subnormals, from_source, restore_subnormals
from stages.toy.data import Points
from stages.toy.pairs import gradient_pass
from stages.toy.schedule import Schedule

_L1_FLOATS = 6144  # a tile and its gradient: 24 KiB, what fits beside the rest in the smallest L1 in use (32 KiB)


class Fused:
    """A model in training: create it with its initial weights, m <= 8, `advance` it, read `W` and `b`."""

    def __init__(self, points: Points, W: NDArray[np.float32], b: NDArray[np.float32], optimiser: Optimiser) -> None:
        self.m, self.n = W.shape
        tiles = -(-self.n * 2 * (self.m + 1) // _L1_FLOATS)
        self.L = -(-self.n // (tiles * LANES)) * LANES
        self.tiles = -(-self.n // self.L)
        self._points = points
        self._start = points.start.astype(np.uint64)
        self._place = self._places(points.feature)
        self._P = self._pack(W, b)
        self._moments = np.zeros_like(self._P), np.zeros_like(self._P)
        self._constants = adamw.constants(optimiser, points.T)
        self._weight_decay = optimiser.weight_decay
        self._square = float(np.sum(points.value.astype(np.float64) ** 2))

    def advance(self, schedule: Schedule) -> NDArray[np.float64]:
        """See `Engine.advance`. The recorded losses come from the step's own float32 sums: good to about 1e-6."""
        steps = adamw.steps(schedule, self._weight_decay)
        losses = np.full(len(schedule.rates), np.nan)
        p = self._points
        taken = _compile(self.m, self.L)(
            self._P, *self._moments, self._start, self._place, p.value, self._square,
            steps, self._constants, schedule.record, losses,
        )  # fmt: skip
        return losses[:taken]

    def gradient(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Engine.gradient`."""
        p = self._points
        G = _gradient(self.m, self.L)(self._P, self._start, self._place, p.value)
        gW, gb = self._unpack(G * self._constants.scale)
        return gW, gb

    @property
    def W(self) -> NDArray[np.float32]:
        """(m, n) weights."""
        return self._unpack(self._P)[0]

    @property
    def b(self) -> NDArray[np.float32]:
        """(n,) biases."""
        return self._unpack(self._P)[1]

    def _places(self, index: NDArray[np.int32]) -> NDArray[np.uint32]:
        """Where the first row of each feature stands in the flat arrays; its other rows follow L apart."""
        tile, within = np.divmod(index, self.L)
        place: NDArray[np.uint32] = (tile * (self.m + 1) * self.L + within).astype(np.uint32)
        return place

    def _pack(self, W: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = np.zeros((self.m + 1, self.tiles * self.L), dtype=np.float32)
        rows[: self.m, : self.n], rows[self.m, : self.n] = W, b
        return np.ascontiguousarray(rows.reshape(self.m + 1, self.tiles, self.L).swapaxes(0, 1)).ravel()

    def _unpack(self, flat: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = flat.reshape(self.tiles, self.m + 1, self.L).swapaxes(0, 1).reshape(self.m + 1, -1)
        return rows[: self.m, : self.n].copy(), rows[self.m, : self.n].copy()


@functools.cache
def _compile(m: int, L: int) -> Callable[..., int]:
    """The training loop for one (m, L)."""
    hidden, pairs, sparse = _hidden(m, L), gradient_pass(m, L), _sparse(m, L)

    @compiled()
    def train(P, M, V, start, place, value, square, steps, constants, record, losses):
        T = len(start) - 1
        G = np.zeros_like(P)
        H, GH = np.empty((T, m), dtype=np.float32), np.zeros((T, m), dtype=np.float32)
        active = np.empty(np.max(np.diff(start)), dtype=np.float32)
        state = flush_subnormals()
        size, inverse_root, decay = steps
        taken = len(size)
        for s in range(len(size)):
            hidden(P, start, place, value, H)
            pairs(P, G, H, GH)
            activity = 0.0
            if record[s]:
                for i in range(len(P)):
                    activity += np.float64(P[i]) * np.float64(G[i])
            overlap = sparse(P, G, H, GH, start, place, value, active)
            if record[s]:
                losses[s] = (square - 2 * overlap + activity) / T
                if not np.isfinite(losses[s]):
                    taken = s + 1
                    break
            update(P, G, M, V, size[s], inverse_root[s], decay[s], constants)
        restore_subnormals(state)
        return taken

    return train  # type: ignore[no-any-return]


@functools.cache
def _gradient(m: int, L: int) -> Callable[..., Any]:
    """The gradient without its factor 2 scale / T, by the training loop's own passes."""
    hidden, pairs, sparse = _hidden(m, L), gradient_pass(m, L), _sparse(m, L)

    @compiled()
    def gradient(P, start, place, value):
        T = len(start) - 1
        G = np.zeros_like(P)
        H, GH = np.empty((T, m), dtype=np.float32), np.zeros((T, m), dtype=np.float32)
        active = np.empty(np.max(np.diff(start)), dtype=np.float32)
        hidden(P, start, place, value, H)
        pairs(P, G, H, GH)
        sparse(P, G, H, GH, start, place, value, active)
        return G

    return gradient  # type: ignore[no-any-return]


@functools.cache
def _hidden(m: int, L: int) -> Any:
    """h_t = sum_i x_ti W_i over the few x_ti > 0."""
    J = range(m)
    return from_source(f"""
    def hidden(P, start, place, value, H):
        {"; ".join(f"P{j} = P[{j * L}:]" for j in J)}
        for t in range(len(H)):
            {"; ".join(f"h{j} = zero" for j in J)}
            for k in range(start[t], start[t + 1]):
                i, x = place[k], value[k]
                {"; ".join(f"h{j} = fma(x, P{j}[i], h{j})" for j in J)}
            {"; ".join(f"H[t, {j}] = h{j}" for j in J)}
    """)


@functools.cache
def _sparse(m: int, L: int) -> Any:
    """The corrections where x_ti > 0, then the encoder's gradient. Leaves GH at 0; gives sum of x a.

    `active` holds x_ti where z > 0 and 0 elsewhere for the point at hand, so that neither loop branches and each
    entry of G is touched once: G_i += x grad h - active h.
    """
    J = range(m)
    z = functools.reduce(lambda z, j: f"fma(w{j}, h{j}, {z})", J, f"P{m}[i]")
    return from_source(f"""
    def sparse(P, G, H, GH, start, place, value, active):
        {"; ".join(f"P{j} = P[{j * L}:]; G{j} = G[{j * L}:]" for j in range(m + 1))}
        overlap = 0.0
        for t in range(len(H)):
            first, last = start[t], start[t + 1]
            {"; ".join(f"h{j} = H[t, {j}]; d{j} = GH[t, {j}]; GH[t, {j}] = zero" for j in J)}
            xa = zero
            for k in range(first, last):
                i = place[k]
                {"; ".join(f"w{j} = P{j}[i]" for j in J)}
                z = {z}
                x = value[k] * float32(z > zero)  # a select would become a branch, missed half the time
                active[k - first] = x
                xa = fma(x, z, xa)
                {"; ".join(f"d{j} = fma(-x, w{j}, d{j})" for j in J)}
            overlap += xa
            for k in range(first, last):
                i, x, c = place[k], value[k], active[k - first]
                {"; ".join(f"G{j}[i] = fma(x, d{j}, fma(-c, h{j}, G{j}[i]))" for j in J)}
                G{m}[i] -= c
        return overlap
    """)
