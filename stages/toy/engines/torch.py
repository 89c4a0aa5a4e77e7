"""The reference engine: PyTorch's own autograd and AdamW, on any device, in float32 or float64.

Points go by in chunks that are made dense only while their loss is computed, so memory does not grow with T x n.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stages.toy.adamw import Optimiser
from stages.toy.data import Points
from stages.toy.schedule import Schedule

_CHUNK_ELEMENTS = 2**22  # of a dense (points, n) chunk: 16 MiB in float32


class Torch:
    """A model in training, with the same arguments and methods as `fused.Fused`, for any m.

    Args:
        device: any torch device. dtype: of parameters and arithmetic.
    """

    def __init__(
        self,
        points: Points,
        W: NDArray[np.floating],
        b: NDArray[np.floating],
        optimiser: Optimiser,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        def tensor(array: NDArray[Any], dtype: torch.dtype | None = None) -> torch.Tensor:
            return torch.tensor(array, dtype=dtype, device=device)

        self._W, self._b = (tensor(a, dtype).requires_grad_() for a in (W, b))
        self._points, self._scale = points, optimiser.scale
        self._row, self._index = tensor(points.row), tensor(points.feature.astype(np.int64))
        self._value = tensor(points.value, dtype)
        self._adamw = torch.optim.AdamW(
            [self._W, self._b],
            lr=0.0,
            betas=(optimiser.beta1, optimiser.beta2),
            eps=optimiser.eps,
            weight_decay=optimiser.weight_decay,
        )

    def advance(self, schedule: Schedule) -> NDArray[np.float64]:
        """See `Engine.advance`; AdamW counts its own steps, so the corrections are not needed."""
        losses = np.full(len(schedule.rates), np.nan)
        for s, rate in enumerate(schedule.rates):
            loss = self._backward()
            if schedule.record[s]:
                losses[s] = loss
                if not np.isfinite(loss):
                    return losses[: s + 1]
            self._adamw.param_groups[0]["lr"] = float(rate)
            self._adamw.step()
        return losses

    def gradient(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """See `Engine.gradient`."""
        self._backward()
        assert self._W.grad is not None and self._b.grad is not None
        return self._W.grad.cpu().numpy().copy(), self._b.grad.cpu().numpy().copy()

    @property
    def W(self) -> NDArray[Any]:
        """(m, n) weights."""
        return self._W.detach().cpu().numpy().copy()

    @property
    def b(self) -> NDArray[Any]:
        """(n,) biases."""
        return self._b.detach().cpu().numpy().copy()

    def _backward(self) -> float:
        """Fill the parameters' gradients, chunk by chunk; the unscaled loss."""
        self._adamw.zero_grad()
        T, n = self._points.T, self._points.n
        rows, total = max(1, _CHUNK_ELEMENTS // n), 0.0
        for first in range(0, T, rows):
            x = self._dense(first, min(first + rows, T))  # (chunk, n)
            reconstruction = torch.relu(x @ self._W.T @ self._W + self._b)
            loss = ((x - reconstruction) ** 2).sum() / T
            (loss * self._scale).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        return total

    def _dense(self, first: int, last: int) -> torch.Tensor:
        """(last - first, n) points first .. last - 1 with their zeros."""
        a, z = self._points.start[first], self._points.start[last]
        x = torch.zeros(last - first, self._points.n, dtype=self._value.dtype, device=self._value.device)
        x[self._row[a:z] - first, self._index[a:z]] = self._value[a:z]
        return x
