"""Larger m: tiles of points x features that stay in cache, BLAS for the three products, no T x n array.

The mathematics is `fused.py`'s, its passes are split: for a tile, z = H U + b by one matrix product, the slope
a^(p - 1) of a = max(z, 0) in place, and its products with H and with U by two more. From m = 9 on the products are most
of the work, and BLAS does them at its own rate. Weights are kept as rows of features, (n, m), so that the few x_ti > 0
touch whole rows.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.model.compiler import compiled, fma
from stages.families.toy.model.model import Model
from stages.families.toy.training import adamw
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines import State, check_fresh
from stages.families.toy.training.schedule import Schedule

_POINTS, _FEATURES = 256, 512  # of a tile: 512 KiB of activations, a fraction of L2


class Tiled:
    """A model in training, any m, on the CPU; see `Engine`."""

    def __init__(self, points: Points, model: Model, optimiser: Optimiser) -> None:
        self._start_model, self._points = model, points
        self._kind = kind = model.kind(points)
        self._b = np.array(model.b, dtype=np.float32)  # (n,)
        self._U = np.array(model.decoder.T, dtype=np.float32, order="C")  # (n, m), as all that follows
        self._W = self._U if kind.tied else np.array(model.W.T, dtype=np.float32, order="C")
        self._Gb, self._GU = np.zeros_like(self._b), np.zeros_like(self._U)
        self._GW = self._GU if kind.tied else np.zeros_like(self._W)
        self._H, self._GH = (np.zeros((points.T, model.m), dtype=np.float32) for _ in range(2))
        trained = [(self._U, self._GU), (self._b, self._Gb), (self._W, self._GW)][: 2 if kind.tied else 3]
        self._parameters = [  # flat views of each parameter and its gradient, and AdamW's moments
            (P.ravel(), G.ravel(), *np.zeros((2, P.size), dtype=np.float32)) for P, G in trained
        ]
        self._total = points.total_weight
        self._constants = adamw.constants(optimiser, kind.power, self._total)
        self._weight_decay = optimiser.weight_decay
        self._activations = torch.empty(_POINTS * _FEATURES)

    def advance(self, schedule: Schedule, fresh: Points | None = None) -> NDArray[np.float64]:
        """See `Engine.advance`.

        The recorded losses come from the step's own float32 sums: within about 1e-6, however small they are.
        """
        steps = adamw.steps(schedule, self._weight_decay)
        check_fresh(self._points, fresh, len(schedule.rates))
        losses, T = np.full(len(schedule.rates), np.nan), self._points.T
        for s in range(len(schedule.rates)):
            points = self._points if fresh is None else fresh.part(s * T, (s + 1) * T)
            loss = self._accumulate(points, with_loss=bool(schedule.record[s]))
            if schedule.record[s]:
                losses[s] = loss
                if not np.isfinite(loss):
                    return losses[: s + 1]
            for arrays in self._parameters:
                adamw.update(*arrays, steps.size[s], steps.inverse_root[s], steps.decay[s], self._constants)
        return losses

    def state(self) -> State:
        """See `Engine.state`."""
        return {
            f"{name}_{k}": array.copy()
            for k, (P, _, M, V) in enumerate(self._parameters)
            for name, array in (("parameter", P), ("first_moment", M), ("second_moment", V))
        }

    def restore(self, state: State, step: int) -> None:
        """See `Engine.restore`."""
        for k, (P, _, M, V) in enumerate(self._parameters):
            for name, array in (("parameter", P), ("first_moment", M), ("second_moment", V)):
                array[:] = state[f"{name}_{k}"]

    def gradient(self) -> Model:
        """See `Engine.gradient`."""
        self._accumulate(self._points, with_loss=False)
        GW, Gb, GU = (G * self._constants.scale for G in (self._GW, self._Gb, self._GU))
        for _, G, _, _ in self._parameters:
            G[:] = 0
        return self._as_model(GW, Gb, GU)

    @property
    def model(self) -> Model:
        """See `Engine.model`."""
        return self._as_model(self._W, self._b, self._U)

    def _as_model(self, W: NDArray[np.float32], b: NDArray[np.float32], U: NDArray[np.float32]) -> Model:
        decoder = None if self._kind.tied else U.T.copy()
        return self._start_model._replace(W=W.T.copy(), b=b.copy(), U=decoder)

    def _accumulate(self, p: Points, *, with_loss: bool) -> float:
        """Add the gradient without its factor p scale / T to G; the loss, if asked for."""
        kind = self._kind
        hidden, sparse = _passes(kind.power, relu=kind.relu, importance=kind.importance)
        hidden(self._W, p.start, p.feature, p.value, self._H)
        self._dense(p.weight)
        activity = 0.0
        if with_loss:
            activity = sum(float(np.vdot(P.astype(np.float64), G)) for P, G, _, _ in self._parameters)
        none = np.zeros(0, dtype=np.float32)
        importance = none if self._start_model.importance is None else self._start_model.importance
        weight = np.ones(p.T, dtype=np.float32) if p.weight is None else p.weight
        masked = np.zeros(p.T, dtype=np.bool_) if p.masked is None else p.masked
        changes: float = sparse(
            self._U, self._b, self._GU, self._GW, self._Gb, self._H, self._GH,
            p.start, p.feature, p.value, importance, weight, masked,
        )  # fmt: skip
        return (activity + changes) / self._total

    def _dense(self, weight: NDArray[np.float32] | None) -> None:
        """The products, tile by tile, as if every x_ti were 0."""
        U, b, G, Gb, H, GH = map(torch.from_numpy, (self._U, self._b, self._GU, self._Gb, self._H, self._GH))
        weights = None if weight is None else torch.from_numpy(weight)
        weighted = H if weights is None else H * weights[:, None]
        importance = self._start_model.importance
        for f in range(0, len(b), _FEATURES):
            features = slice(f, f + _FEATURES)
            u, bias, g, gb = U[features], b[features], G[features], Gb[features]
            for t in range(0, len(H), _POINTS):
                points = slice(t, t + _POINTS)
                h, gh = H[points], GH[points]
                a = self._activations[: len(h) * len(u)].view(len(h), len(u))
                torch.addmm(bias, h, u.T, out=a).clamp_(min=0)
                if self._kind.power == 1:
                    a.sign_()
                elif self._kind.power == 4:
                    a.pow_(3)
                if importance is not None:
                    a.mul_(torch.from_numpy(importance[features]))
                g.addmm_(a.T, weighted[points])
                gb.add_(a.sum(0) if weights is None else weights[points] @ a)
                gh.addmm_(a, u)


@functools.cache
def _passes(power: int, *, relu: bool, importance: bool) -> tuple[Any, Any]:
    """(hidden, sparse) for one variant; see the same passes in fused.py."""

    @compiled()
    def hidden(W, start, feature, value, H):
        for t in range(len(H)):
            H[t] = 0
            for k in range(start[t], start[t + 1]):
                w = W[feature[k]]
                for j in range(len(w)):
                    H[t, j] = fma(value[k], w[j], H[t, j])
            if relu:
                H[t] = np.maximum(H[t], np.float32(0))

    @compiled()
    def sparse(U, b, GU, GW, Gb, H, GH, start, feature, value, I, weight, masked):
        changes = 0.0
        m = U.shape[1]
        for t in range(len(H)):
            h, d = H[t], GH[t]
            for k in range(start[t], start[t + 1]):
                i, x = feature[k], value[k]
                z = b[i]
                for j in range(m):
                    z = fma(U[i, j], h[j], z)
                a = max(z, np.float32(0))
                c, change = _correction(power, a, x, masked[t])
                if importance:
                    c, change = c * I[i], change * I[i]
                changes += weight[t] * change
                if c != 0:
                    Gb[i] += weight[t] * c
                    for j in range(m):
                        GU[i, j] = fma(weight[t] * c, h[j], GU[i, j])
                        d[j] = fma(c, U[i, j], d[j])
            for j in range(m):
                d[j] *= weight[t]
                if relu and h[j] == 0:
                    d[j] = 0
            for k in range(start[t], start[t + 1]):
                for j in range(m):
                    GW[feature[k], j] = fma(value[k], d[j], GW[feature[k], j])
            d[:] = 0
        return changes

    return hidden, sparse


@compiled()
def _correction(power, a, x, masked):
    """What x adds to the slope and to the error of an activation a, which the dense pass took for one of x = 0."""
    one = np.float32(1)
    if a == 0:
        return np.float32(0), np.float32(0) if masked else np.abs(x) ** power
    slope = one if power == 1 else a if power == 2 else a * a * a
    if masked:
        return -slope, -a * slope
    e = a - x
    if power == 1:
        return np.sign(e) - one, np.abs(e) - a
    if power == 2:
        return -x, x * (x - a - a)
    return e * e * e - slope, (e * e) * (e * e) - a * slope
