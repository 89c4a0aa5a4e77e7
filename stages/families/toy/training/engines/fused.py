"""The whole training loop in one compiled function: no T x n array, every pair (point, feature) visited once a step.

For a point t and a feature i, with z = W_i . h_t + b_i and a = max(z, 0), one visit (pairs.py) gives its share of

    sum_t a h_t -> grad W_i      sum_t a -> grad b_i      sum_i a W_i -> grad h_t

as if every x_ti were 0. The few x_ti > 0 then need a correction (a -> a - x_ti where z > 0) and the encoder's
share of the gradient, grad W_i += x_ti grad h_t. The squared activations come free:
sum_t a^2 = W_i . (sum_t a h_t) + b_i (sum_t a). The common factor 2 scale / T is applied with AdamW's update.

The variants go the same way, generated for what they need (`pairs.Kind`): an error's slope |e|^(p - 1) sign(e) in place
of e, of which the dense pass adds a^(p - 1), and z a^(p - 1) = a^p still gives the loss; a decoder U in place of W, and
rows of their own for the encoder's gradient; factors I_i and w_t; a mask on grad h_t where ReLU(h) is 0.

Layout. Parameters, gradients and AdamW's moments are flat arrays of *tiles* of L features: m rows of (the decoder's)
weights, one of biases, m of the encoder's if it has its own, L apart. A tile's decoder and its gradient stay in L1
while all points go by. Features that pad the last tile are zeros, have zero gradient, and stay zeros.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.model.compiler import LANES, Functions, aligned_zeros, from_source
from stages.families.toy.model.model import Model
from stages.families.toy.model.pairs import GRADIENTS, Kind, gradient_names, tile_rows
from stages.families.toy.training import adamw, sparse
from stages.families.toy.training.adamw import Optimiser, update
from stages.families.toy.training.engines import State, check_fresh
from stages.families.toy.training.schedule import Schedule

_STATE = ("parameters", "first_moment", "second_moment")
_L1_FLOATS = 6144  # a tile and its gradient: 24 KiB, what fits beside the rest in the smallest L1 in use (32 KiB)


class Fused:
    """A model in training: create it with m <= 8, `advance` it, read `model`; see `Engine`."""

    _lines: bool = False  # whether the nonzeros' gradients are summed in lines, see sparse.py

    def __init__(self, points: Points, model: Model, optimiser: Optimiser) -> None:
        self._start_model, self._points = model, points
        self._kind = kind = model.kind(points)
        self._order, self._step = np.arange(model.n), 0
        tiles = -(-model.n * 2 * (kind.m + 1) // _L1_FLOATS)
        self.L = -(-model.n // (tiles * LANES)) * LANES
        self.tiles = -(-model.n // self.L)
        self._compiled = self._compile()
        self._arrays = self._sparse_arrays(points)
        self._P = self._pack(model.decoder, model.b[None], *([] if kind.tied else [model.W]))
        self._moments = aligned_zeros(len(self._P)), aligned_zeros(len(self._P))
        T = points.T
        self._workspace = (
            aligned_zeros(len(self._P)),  # G
            np.empty((T, kind.m), dtype=np.float32),  # H
            np.zeros((T, kind.m), dtype=np.float32),  # GH
            aligned_zeros((kind.m + 1) * self.L),  # block
            aligned_zeros(self.tiles * self.L * sparse.line(kind) if self._lines else 0),  # R
        )
        self._factors = self._factor_arrays(points)
        self._total = points.total_weight
        self._constants = adamw.constants(optimiser, kind.power, self._total)
        self._weight_decay = optimiser.weight_decay

    def advance(self, schedule: Schedule, fresh: Points | None = None) -> NDArray[np.float64]:
        """See `Engine.advance`.

        The recorded losses come from the step's own float32 sums: within about 1e-6, however small they are.
        """
        check_fresh(self._points, fresh, len(schedule.rates))
        losses = np.empty(0)
        while (first := len(losses)) < len(schedule.rates):
            last = min(len(schedule.rates), first + self._in_order(fresh is not None))
            some = fresh.part(first * self._points.T, last * self._points.T) if fresh else None
            new = self._advance(schedule.part(first, last), some)
            self._step += len(new)
            losses = np.append(losses, new)
            if len(losses) < last:
                break
        return losses

    def _compile(self) -> Functions:
        return _compiled(self._kind, self.L)

    def _advance(self, schedule: Schedule, fresh: Points | None) -> NDArray[np.float64]:
        steps = adamw.steps(schedule, self._weight_decay)
        losses = np.full(len(schedule.rates), np.nan)
        taken = self._compiled.train(
            self._P, *self._moments, *self._workspace, *self._factors,
            *(self._arrays if fresh is None else self._sparse_arrays(fresh)), fresh is not None,
            steps, self._constants, self._total, schedule.record, losses,
        )  # fmt: skip
        return losses[:taken]

    def state(self) -> State:
        """See `Engine.state`; features in their own order."""
        flat = (self._P, *self._moments)
        return {name: self._rows(array) for name, array in zip(_STATE, flat, strict=True)}

    def restore(self, state: State, step: int) -> None:
        """See `Engine.restore`."""
        for name, array in zip(_STATE, (self._P, *self._moments), strict=True):
            array[:] = self._pack(state[name])
        self._step = step

    def gradient(self) -> Model:
        """See `Engine.gradient`."""
        self._in_order(fresh=False)
        self._compiled.accumulate(self._P, *self._workspace, *self._factors, *self._arrays, False, False)
        gradient = self._unpack(self._workspace[0] * self._constants.scale)
        self._workspace[0][:] = 0
        return gradient

    def _in_order(self, fresh: bool) -> int:
        """Find orders of points and features anew if it is time; gives after how many steps it is again."""
        return 2**62

    def _order_features(self, order: NDArray[np.int64]) -> None:
        """Put the parameters and their moments in that order."""
        flat = [self._rows(array) for array in (self._P, *self._moments)]
        self._order = order
        for array, rows in zip((self._P, *self._moments), flat, strict=True):
            array[:] = self._pack(rows)

    @property
    def model(self) -> Model:
        """See `Engine.model`."""
        return self._unpack(self._P)

    def _factor_arrays(self, points: Points) -> tuple[NDArray[Any], ...]:
        """Importance, weights and masks; nothing where all features or points are alike."""
        importance = self._start_model.importance
        return (
            np.zeros(0, dtype=np.float32) if importance is None else self._pack(importance[None]),
            np.zeros(0, dtype=np.float32) if points.weight is None else points.weight,
            np.zeros(0, dtype=np.bool_) if points.masked is None else points.masked,
        )

    def _sparse_arrays(self, points: Points) -> tuple[NDArray[Any], ...]:
        """Start, row, place, value and line of the nonzeros, and memory for one point's.

        `place` is where the first row of a nonzero's feature stands in the flat arrays; its other rows follow L apart.
        """
        position = np.argsort(self._order)
        tile, within = np.divmod(position, self.L)
        place = (tile * tile_rows(self._kind) * self.L + within).astype(np.uint32)[points.feature]
        at = (position * sparse.line(self._kind)).astype(np.uint32)[points.feature if self._lines else slice(0)]
        longest = int(np.diff(points.start).max())
        row = np.arange(self._points.T, dtype=np.uint32)
        return points.start.astype(np.uint64), row, place, points.value, at, np.empty(longest, dtype=np.float32)

    def _pack(self, *parts: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows of (n,) as the flat array, first to last in each tile; rows not given are zeros."""
        total = tile_rows(self._kind)
        rows = np.zeros((total, self.tiles * self.L), dtype=np.float32)
        given = np.concatenate(parts)
        rows[: len(given), : given.shape[1]] = given[:, self._order]
        flat = aligned_zeros(rows.size)
        flat[:] = rows.reshape(total, self.tiles, self.L).swapaxes(0, 1).ravel()
        return flat

    def _rows(self, flat: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows of a tile, n): what `_pack` made flat."""
        total, n = tile_rows(self._kind), self._start_model.n
        rows = np.empty((total, n), dtype=np.float32)
        rows[:, self._order] = flat.reshape(self.tiles, total, self.L).swapaxes(0, 1).reshape(total, -1)[:, :n]
        return rows

    def _unpack(self, flat: NDArray[np.float32]) -> Model:
        m, rows = self._kind.m, self._rows(flat)
        if self._kind.tied:
            return self._start_model._replace(W=rows[:m], b=rows[m])
        return self._start_model._replace(W=rows[m + 1 :], b=rows[m], U=rows[:m])


@functools.cache
def _compiled(kind: Kind, L: int) -> Functions:
    """What trains one kind of model in tiles of L features."""
    return compile_step(kind, L, GRADIENTS, gradient_names(kind, L), "every pair")


def compile_step(
    kind: Kind, L: int, gradients: str, names: dict[str, Any], purpose: str, *, sort: str = "", lines: bool = False
) -> Functions:
    """`accumulate` (one gradient, without its factor) and `train` around a gradient pass over all pairs.

    sort: the text of what sorts fresh points, if anything does. lines: see `sparse.corrections`.
    """
    text = "\n".join([sparse.hidden(kind, L), sort, gradients, sparse.corrections(kind, L, lines=lines), TRAIN])
    names |= {"update": update, "sorts": bool(sort), "sort": None, "add_to_line": sparse.add_to_line(kind)}
    return from_source(text, f"{kind} {L=} {purpose} {lines=}", **names)


TRAIN = """
@entry
def accumulate(P, G, H, GH, block, R, I, weight, masked, start, row, place, value, at, active, fresh, with_loss):
    if fresh:
        for t in range(len(H)):
            row[t] = t
    hidden(P, start, row, place, value, H)
    if sorts and fresh:
        sort(H, row)
    gradients(P, G, I, H, GH, weight, block)
    loss = 0.0
    if with_loss:
        for i in range(len(P)):
            loss += np.float64(P[i]) * np.float64(G[i])
    return loss + sparse(P, G, I, H, GH, start, row, place, value, at, R, weight, masked, active, with_loss)

@entry
def train(
    P, M, V, G, H, GH, block, R, I, weight, masked, start, row, place, value, at, active, fresh,
    steps, constants, total, record, losses,
):
    T, first = len(H), 0
    size, inverse_root, decay = steps
    state = flush_subnormals()
    taken = len(size)
    for s in range(len(size)):
        if fresh:
            first = s * T
        points = start[first : first + T + 1]
        loss = accumulate(
            P, G, H, GH, block, R, I, weight, masked, points, row, place, value, at, active, fresh, record[s]
        )
        if record[s]:
            losses[s] = loss / total
            if not np.isfinite(losses[s]):
                taken = s + 1
                break
        update(P, G, M, V, size[s], inverse_root[s], decay[s], constants)
    restore_subnormals(state)
    return taken
"""
