"""`fused` that leaves out what is decided: pairs (point, feature) of which it is plain whether they are active.

Points stay as they are stored, by how many features they hold; `row` says where each stands in H, the longest first, so
that a new order moves H's rows alone. See undecided.py.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.model.compiler import Functions
from stages.families.toy.model.model import Model
from stages.families.toy.model.pairs import GRADIENTS, Kind, gradient_names
from stages.families.toy.training import orders, sparse, undecided
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines import State
from stages.families.toy.training.engines.fused import Fused, compile_step


class Staircase(Fused):
    """A model in training: create it with m <= 8, `advance` it, read `model`; see `Engine`.

    Args:
        sort: whether anything is left out; None: where it saves time. boxed: whether boxes decide too, likewise.
        lines: whether the nonzeros' gradients are summed in lines (sparse.py), likewise.
    """

    def __init__(
        self,
        points: Points,
        model: Model,
        optimiser: Optimiser,
        *,
        sort: bool | None = None,
        boxed: bool | None = None,
        lines: bool | None = None,
    ) -> None:
        kind = model.kind(points)
        self._sort = orders.pays(kind.m, points.T) if sort is None else sort
        self._lines = sparse.lines_pay(model.n, len(points.value)) if lines is None else lines
        self._boxes = self._sort and (orders.boxes_pay(kind, points.T) if boxed is None else boxed)
        self._row, self._next = np.arange(points.T, dtype=np.uint32), 0
        stored = points.take(np.argsort(np.diff(points.start), kind="stable"))
        super().__init__(stored, model, optimiser)

    def restore(self, state: State, step: int) -> None:
        """See `Engine.restore`."""
        super().restore(state, step)
        self._next = step

    def _compile(self) -> Functions:
        return _compiled(self._kind, self.L, sort=self._sort, boxed=self._boxes, lines=self._lines)

    def _in_order(self, fresh: bool) -> int:
        if not self._sort:
            return 2**62
        if self._step == self._next:
            self._next = orders.next_order(self._step, boxed=self._boxes)
            self._find_orders(fresh)
        return self._next - self._step

    def _find_orders(self, fresh: bool) -> None:
        """Sort features, and points that stay, from the order they came in: by nothing but the model's state."""
        now = self.model
        self._order_features(orders.feature_order(now.decoder, now.b, self.L, boxed=self._boxes))
        if not fresh:
            self._row[:] = np.arange(len(self._row))
        self._arrays = self._sparse_arrays(self._points)
        if not fresh:
            H = self._workspace[1]
            self._compiled.hidden(self._P, *self._arrays[:4], H)
            self._row[orders.point_order(H, boxed=self._boxes)] = np.arange(len(H))
        self._factors = self._factor_arrays(self._points)

    def _factor_arrays(self, points: Points) -> tuple[NDArray[Any], ...]:
        importance, weight, masked = super()._factor_arrays(points)
        stored = np.argsort(self._row)
        return importance, *(array[stored] if len(array) else array for array in (weight, masked))

    def _sparse_arrays(self, points: Points) -> tuple[NDArray[Any], ...]:
        start, _, *rest = super()._sparse_arrays(points)
        return start, self._row, *rest


@functools.cache
def _compiled(kind: Kind, L: int, *, sort: bool, boxed: bool, lines: bool) -> Functions:
    """What trains one kind of model in tiles of L features."""
    if not sort:
        return compile_step(kind, L, GRADIENTS, gradient_names(kind, L), "every pair", lines=lines)
    names, text = undecided.names(kind, L, boxed=boxed), undecided.gradients(kind, L, boxed=boxed)
    return compile_step(kind, L, text, names, f"sorted {boxed=}", sort=undecided.SORT, lines=lines)
