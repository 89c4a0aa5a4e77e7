"""Larger m: tiles of points x features that stay in cache, BLAS for the three products, no T x n array.

The mathematics is `fused.py`'s, its passes are split: for a tile, z = H W + b by one matrix product, a = max(z, 0) in
place, and a H, a W by two more. From m = 9 on the products are most of the work, and BLAS does them at its own rate.
Weights are kept as rows of features, (n, m), so that the few x_ti > 0 touch whole rows.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from stages.toy import adamw
from stages.toy.adamw import Optimiser
from stages.toy.compiler import compiled, fma
from stages.toy.data import Points
from stages.toy.schedule import Schedule

_POINTS, _FEATURES = 256, 512  # of a tile: 512 KiB of activations, a fraction of L2


class Tiled:
    """A model in training, with the same arguments and methods as `fused.Fused`, for any m; float32 on the CPU."""

    def __init__(self, points: Points, W: NDArray[np.float32], b: NDArray[np.float32], optimiser: Optimiser) -> None:
        self._points, (self.m, self.n) = points, W.shape
        self._rows, self._b = np.ascontiguousarray(W.T), b.copy()  # (n, m), (n,)
        self._G, self._Gb = np.zeros_like(self._rows), np.zeros_like(b)
        self._H, self._GH = (np.zeros((points.T, self.m), dtype=np.float32) for _ in range(2))
        self._parameters = [  # flat views of each parameter and its gradient, and AdamW's moments
            (P.ravel(), G.ravel(), *np.zeros((2, P.size), dtype=np.float32))
            for P, G in ((self._rows, self._G), (self._b, self._Gb))
        ]
        self._constants = adamw.constants(optimiser, points.T)
        self._weight_decay = optimiser.weight_decay
        self._square = float(np.sum(points.value.astype(np.float64) ** 2))
        self._activations = torch.empty(_POINTS * _FEATURES)

    def advance(self, schedule: Schedule) -> NDArray[np.float64]:
        """See `Engine.advance`. The recorded losses come from the step's own float32 sums: good to about 1e-6."""
        steps = adamw.steps(schedule, self._weight_decay)
        losses = np.full(len(schedule.rates), np.nan)
        for s in range(len(schedule.rates)):
            loss = self._accumulate(with_loss=bool(schedule.record[s]))
            if schedule.record[s]:
                losses[s] = loss
                if not np.isfinite(loss):
                    return losses[: s + 1]
            for arrays in self._parameters:
                adamw.update(*arrays, steps.size[s], steps.inverse_root[s], steps.decay[s], self._constants)
        return losses

    def gradient(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Engine.gradient`."""
        self._accumulate(with_loss=False)
        gW, gb = self._G.T * self._constants.scale, self._Gb * self._constants.scale
        self._G[:], self._Gb[:] = 0, 0
        return gW, gb

    @property
    def W(self) -> NDArray[np.float32]:
        """(m, n) weights."""
        return np.ascontiguousarray(self._rows.T)

    @property
    def b(self) -> NDArray[np.float32]:
        """(n,) biases."""
        return self._b.copy()

    def _accumulate(self, *, with_loss: bool) -> float:
        """Add the gradient without its factor 2 scale / T to G and Gb; the loss, if asked for."""
        p = self._points
        _hidden(self._rows, p.start, p.feature, p.value, self._H)
        rows, b, G, Gb, H, GH = map(torch.from_numpy, (self._rows, self._b, self._G, self._Gb, self._H, self._GH))
        for f in range(0, self.n, _FEATURES):
            features = slice(f, f + _FEATURES)
            w, bias, g, gb = rows[features], b[features], G[features], Gb[features]
            for t in range(0, p.T, _POINTS):
                h, gh = H[t : t + _POINTS], GH[t : t + _POINTS]
                a = self._activations[: len(h) * len(w)].view(len(h), len(w))
                torch.addmm(bias, h, w.T, out=a).clamp_(min=0)
                g.addmm_(a.T, h)
                gb.add_(a.sum(0))
                gh.addmm_(a, w)
        activity = 0.0
        if with_loss:
            activity = sum(float(np.vdot(P.astype(np.float64), G)) for P, G, _, _ in self._parameters)
        overlap: float = _sparse(self._rows, self._b, self._G, self._Gb, self._H, self._GH, p.start, p.feature, p.value)
        return (self._square - 2 * overlap + activity) / p.T


@compiled()
def _hidden(rows, start, feature, value, H):
    """h_t = sum_i x_ti W_i over the few x_ti > 0."""
    for t in range(len(H)):
        H[t] = 0
        for k in range(start[t], start[t + 1]):
            w = rows[feature[k]]
            for j in range(len(w)):
                H[t, j] = fma(value[k], w[j], H[t, j])


@compiled()
def _sparse(rows, b, G, Gb, H, GH, start, feature, value):
    """The corrections where x_ti > 0, then the encoder's gradient. Leaves GH at 0; gives sum of x a."""
    overlap = 0.0
    m = rows.shape[1]
    for t in range(len(H)):
        for k in range(start[t], start[t + 1]):
            i, x = feature[k], value[k]
            z = b[i]
            for j in range(m):
                z = fma(rows[i, j], H[t, j], z)
            if z > 0:
                overlap += x * z
                Gb[i] -= x
                for j in range(m):
                    G[i, j] = fma(-x, H[t, j], G[i, j])
                    GH[t, j] = fma(-x, rows[i, j], GH[t, j])
        for k in range(start[t], start[t + 1]):
            for j in range(m):
                G[feature[k], j] = fma(value[k], GH[t, j], G[feature[k], j])
        GH[t] = 0
    return overlap
