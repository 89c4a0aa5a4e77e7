"""The reference engine: PyTorch's own autograd and AdamW, on any device, in float32 or float64.

Points go by in chunks that are made dense only while their loss is computed, so memory does not grow with T x n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.model.model import Model
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines import State, check_fresh
from stages.families.toy.training.schedule import Schedule

_MOMENTS = ("exp_avg", "exp_avg_sq")  # torch's names
_CHUNK_ELEMENTS = 2**22  # of a dense (points, n) chunk: 16 MiB in float32


class Torch:
    """A model in training, any m; see `Engine`.

    Args:
        device: any torch device. dtype: of parameters and arithmetic.
        compile: put the loss of a chunk through torch.compile, which fuses its elementwise work; for a GPU.
    """

    def __init__(
        self,
        points: Points,
        model: Model,
        optimiser: Optimiser,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        compile: bool = False,
    ) -> None:
        self._start_model, self._points, self._scale = model, points, optimiser.scale
        self._device, self._dtype = device, dtype
        self._parameters = {
            name: torch.tensor(getattr(model, name), dtype=dtype, device=device).requires_grad_()
            for name in ("W", "b", "U")
            if getattr(model, name) is not None
        }
        self._importance = None if model.importance is None else self._tensor(model.importance)
        self._chunk_loss = torch.compile(self._loss) if compile else self._loss
        self._adamw = torch.optim.AdamW(
            list(self._parameters.values()),
            lr=0.0,
            betas=(optimiser.beta1, optimiser.beta2),
            eps=optimiser.eps,
            weight_decay=optimiser.weight_decay,
        )

    def advance(self, schedule: Schedule, fresh: Points | None = None) -> NDArray[np.float64]:
        """See `Engine.advance`; AdamW counts its own steps, so the corrections are not needed."""
        check_fresh(self._points, fresh, len(schedule.rates))
        losses, T = np.full(len(schedule.rates), np.nan), self._points.T
        for s, rate in enumerate(schedule.rates):
            loss = self._backward(self._points if fresh is None else fresh.part(s * T, (s + 1) * T))
            if schedule.record[s]:
                losses[s] = loss
                if not np.isfinite(loss):
                    return losses[: s + 1]
            self._adamw.param_groups[0]["lr"] = float(rate)
            self._adamw.step()
        return losses

    def state(self) -> State:
        """See `Engine.state`."""
        arrays = {name: p.detach().cpu().numpy().copy() for name, p in self._parameters.items()}
        for name, p in self._parameters.items():
            arrays |= {f"{moment}_{name}": self._adamw.state[p][moment].cpu().numpy().copy() for moment in _MOMENTS}
        return arrays

    def restore(self, state: State, step: int) -> None:
        """See `Engine.restore`."""
        for name, p in self._parameters.items():
            with torch.no_grad():
                p.copy_(self._tensor(state[name]))
            moments = {moment: self._tensor(state[f"{moment}_{name}"]) for moment in _MOMENTS}
            self._adamw.state[p] = {"step": torch.tensor(float(step)), **moments}

    def gradient(self) -> Model:
        """See `Engine.gradient`."""
        self._backward(self._points)
        return self._as_model({name: p.grad for name, p in self._parameters.items()})

    @property
    def model(self) -> Model:
        """See `Engine.model`."""
        return self._as_model(self._parameters)

    def _as_model(self, tensors: Mapping[str, torch.Tensor | None]) -> Model:
        arrays: Any = {name: t.detach().cpu().numpy().copy() for name, t in tensors.items() if t is not None}
        return self._start_model._replace(**arrays)

    def _backward(self, points: Points) -> float:
        """Fill the parameters' gradients, chunk by chunk; the unscaled loss."""
        self._adamw.zero_grad()
        rows, total = max(1, _CHUNK_ELEMENTS // points.n), 0.0
        for first in range(0, points.T, rows):
            chunk = points.part(first, min(first + rows, points.T))
            loss = self._chunk_loss(*self._dense(chunk)) / points.total_weight
            (loss * self._scale).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        return total

    def _loss(self, x: torch.Tensor, factors: torch.Tensor | None) -> torch.Tensor:
        """Summed over the (chunk, n) entries, each times its factor."""
        W, b = self._parameters["W"], self._parameters["b"]
        h = x @ W.T
        if self._start_model.relu:
            h = torch.relu(h)
        e = x - torch.relu(h @ self._parameters.get("U", W) + b)
        error = e.abs() ** self._start_model.power
        return (error if factors is None else error * factors).sum()

    def _dense(self, chunk: Points) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(chunk, n) points with their zeros, and what the error of each entry is multiplied by (None: by 1)."""
        row, feature = (
            torch.tensor(index, dtype=torch.int64, device=self._device) for index in (chunk.row, chunk.feature)
        )
        x = torch.zeros(chunk.T, chunk.n, dtype=self._dtype, device=self._device)
        x[row, feature] = self._tensor(chunk.value)
        if chunk.weight is None and chunk.masked is None and self._importance is None:
            return x, None
        factors = torch.ones_like(x)
        if self._importance is not None:
            factors *= self._importance
        if chunk.weight is not None:
            factors *= self._tensor(chunk.weight)[:, None]
        if chunk.masked is not None:
            own = torch.tensor(chunk.masked, device=self._device)[row]
            factors[row[own], feature[own]] = 0
        return x, factors

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(array, dtype=self._dtype, device=self._device)
