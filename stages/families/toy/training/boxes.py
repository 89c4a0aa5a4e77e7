"""Many points: the gradient pass of `pairs.py` without visiting most pairs.

Points that are close in h form *boxes* of 160, features that are alike groups of 16. Where z = U_i . h + b_i is above 0
all over a box for a whole group, max(z, 0) is z there, and its sums need only the box's moments:

    sum_t z h_t = (sum_t h_t h_t^T) U_i + (sum_t h_t) b_i      sum_t z = (sum_t h_t) . U_i + b_i sum_t 1
    sum_i z U_i = (sum_i U_i U_i^T) h_t + sum_i b_i U_i

Where z is at most 0 all over it, nothing is to be done. Only the pairs of box and group that are neither are visited.
(A point of weight w_t counts w_t times in the first two.)
Nothing is approximated: only the order in which things are added differs. In two dimensions the lines z = 0 cross few
of many boxes, so the more points, the smaller the share that is visited.

The orders of points and features that make boxes and groups small are found anew every REORDER steps.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

from stages.families.toy.model import vectors
from stages.families.toy.model.compiler import LANES, VECTOR
from stages.families.toy.model.pairs import BLOCK, Kind, points_at_once, tile_rows, visit
from stages.families.toy.training.orders import close

BOX = 160  # points; three boxes are a block
REORDER = 250  # steps


def boxes_pay(kind: Kind, T: int) -> bool:
    """Whether boxes save time, as measured; only for squared errors with all features alike.

    Milliseconds a step without and with them, after the first 250 steps (Intel Xeon, one core):

        n               1,000                        10,000
        T      1,000  2,000 10,000 100,000     2,000 10,000 20,000 100,000
        m = 1           .18     .90
                        .11     .54
        m = 2    .13    .24   1.24    12.7      1.87   8.56   17.5    90.9
                 .11    .20    .83     8.2      1.23   4.28    6.7    23.9
        m = 3           .38   1.82
                        .37   1.66
        m = 4           .49   2.30
                        .50   2.40

    At n = 1,000 the sparse passes are most of what is left. In more dimensions nearly every box is cut by every group.
    """
    return kind.m <= 2 and T >= 2000 and kind.power == 2 and not kind.importance


def feature_order(U: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.int64]:
    """An order of the features in which every LANES of them have their line z = 0 in about the same place.

    U is (m, n), b (n,). A line is known by its direction, a unit vector, and by its offset's rank among all.
    """
    length = np.maximum(np.sqrt((U * U).sum(axis=0)), np.float32(1e-30))
    rank = np.argsort(np.argsort(b / length, kind="stable"), kind="stable")
    lines = np.concatenate([U / length, 2 * rank[None] / len(b)]).T.astype(np.float32)
    return close(lines, LANES)


def names(kind: Kind, L: int, vector: int = VECTOR) -> dict[str, Any]:
    """What the text `gradients` needs, for L features a tile."""
    together = points_at_once(kind.m, vector)
    return {
        "visit": visit(kind, L, vector, together, listed=True),
        "visit_one": visit(kind, L, vector, 1, listed=True),
        "closed": _closed(kind, L, vector),
        "together": together,
        "size": (kind.m + 1) * L,
        "stride": tile_rows(kind) * L,
        "BOX": BOX,
        "BLOCK": BLOCK,
        "LANES": LANES,
    }


def gradients(kind: Kind, L: int) -> str:
    """Text of a function `gradients` that takes and does what `pairs.gradient_pass` does, and of what it calls."""
    m, J = kind.m, range(kind.m)
    squares = [(j, k) for j in J for k in range(j, m)]
    index = {pair: 1 + m + q for q, pair in enumerate(squares)}
    bounds = "; ".join(f"p = P{j}[i] * l{j}; q = P{j}[i] * h{j}; low += min(p, q); high += max(p, q)" for j in J)
    shares = "; ".join(
        f"GH[t, {j}] += "
        + " + ".join([f"inner[k, {1 + j}]", *(f"inner[k, {index[min(j, i), max(j, i)]}] * H[t, {i}]" for i in J)])
        for j in J
    )
    return f"""
@inner
def classify(P, low_h, high_h, sign, on, groups):
    {"; ".join(f"P{j} = P[{j * L}:{(j + 1) * L}]" for j in range(m + 1))}
    {"; ".join(f"l{j} = low_h[{j}]; h{j} = high_h[{j}]" for j in J)}
    for i in range({L}):
        low = P{m}[i]
        high = low
        {bounds}
        sign[i] = np.int32(low > zero) - np.int32(high <= zero)
    mixed = 0
    for group in range({L // LANES}):
        first, total = group * LANES, 0
        for i in range(first, first + LANES):
            total += sign[i]
        all_on = one if total == LANES else zero
        for i in range(first, first + LANES):
            on[i] = all_on
        groups[mixed] = first
        mixed += abs(total) != LANES
    return mixed

@inner
def survey(H, weight, low, high, moments):
    for k in range(len(low)):
        first, last = k * BOX, min(k * BOX + BOX, len(H))
        low[k], high[k] = H[first], H[first]
        moments[k] = 0
        for t in range(first, last):
            {"; ".join(f"h{j} = H[t, {j}]" for j in J)}
            {"; ".join(f"low[k, {j}] = min(low[k, {j}], h{j}); high[k, {j}] = max(high[k, {j}], h{j})" for j in J)}
            w = {"weight[t]" if kind.weighted else "one"}
            moments[k, 0] += w
            {"; ".join(f"moments[k, {1 + j}] = fma(w, h{j}, moments[k, {1 + j}])" for j in J)}
            {"; ".join(f"moments[k, {q}] = fma(w * h{j}, h{i}, moments[k, {q}])" for (j, i), q in index.items())}

@entry
def gradients(P, G, I, H, GH, weight, block):
    T = len(H)
    boxes = (T + BOX - 1) // BOX
    low, high = np.empty((boxes, {m}), dtype=np.float32), np.empty((boxes, {m}), dtype=np.float32)
    moments = np.empty((boxes, {1 + m + len(squares)}), dtype=np.float32)
    inner = np.zeros((boxes, {1 + m + len(squares)}), dtype=np.float32)
    sign, on = np.empty({L}, dtype=np.int32), np.empty({L}, dtype=np.float32)
    groups = np.empty({L // LANES + 1}, dtype=np.int64)
    survey(H, weight, low, high, moments)
    for place in range(0, len(P), stride):
        for k in range(boxes):
            first, last = k * BOX, min(k * BOX + BOX, T)
            mixed = classify(P[place : place + size], low[k], high[k], sign, on, groups)
            closed(P, block, on, moments[k], inner[k], place)
            if mixed > 0:
                for t in range(first, last - together + 1, together):
                    visit(P, block, I, H, GH, weight, place, t, groups, mixed)
                for t in range(last - (last - first) % together, last):
                    visit_one(P, block, I, H, GH, weight, place, t, groups, mixed)
            if last % BLOCK == 0 or last == T:
                for i in range(size):
                    G[place + i] += block[i]
                    block[i] = 0
    for k in range(boxes):
        for t in range(k * BOX, min(k * BOX + BOX, T)):
            {shares}
"""


def _closed(kind: Kind, L: int, vector: int) -> Any:
    """Closed(P, G, on, moments, inner, place): what the features with on = 1 share with a box, by its moments.

    moments holds the sums over the box's points of 1, h_j, and h_j h_k (j <= k); inner gets the sums over
    features of b U_j (from 1 on) and of U_j U_k.
    """
    m = kind.m
    squares = [(j, k) for j in range(m) for k in range(j, m)]

    @intrinsic
    def closed(typing, P, G, on, moments, inner, place):
        vectors.check(P, G, on, moments, inner)

        def generate(context, builder, signature, arguments):
            P, G, on, moments, inner = (
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip(signature.args[:5], arguments[:5], strict=True)
            )
            P = builder.gep(P, [arguments[5]])
            known = [builder.load(builder.gep(moments, [vectors.index(q)])) for q in range(1 + m + len(squares))]
            passes = [
                _closed_pass(builder, kind, L, vector, P, G, on, known, first) for first in range(0, LANES, vector)
            ]
            for k, total in vectors.totals(builder, list(zip(*passes, strict=True))):
                here = builder.bitcast(builder.gep(inner, [vectors.index(1 + k)]), total.type.as_pointer())
                builder.store(builder.fadd(builder.load(here, align=4), total), here, align=4)
            return context.get_dummy_value()

        return numba.void(P, G, on, moments, inner, place), generate

    return closed


def _closed_pass(
    builder: Any, kind: Kind, L: int, vector: int, P: Any, G: Any, on: Any, known: list[Any], first: int
) -> list[Any]:
    """Lanes first .. first + vector - 1 of every group; gives the partial sums of b U_j and U_j U_k."""
    m = kind.m
    squares = [(j, k) for j in range(m) for k in range(j, m)]
    count, *rest = [vectors.splat(builder, value, vector) for value in known]
    s = rest[:m]
    S = {pair: value for (j, k), value in zip(squares, rest[m:], strict=True) for pair in ((j, k), (k, j))}

    def body(i: Any, sums: list[Any]) -> list[Any]:
        places = [
            [vectors.at(builder, base, builder.add(i, vectors.index(row * L)), vector) for row in range(m + 1)]
            for base in (P, G)
        ]
        factor = builder.load(vectors.at(builder, on, i, vector), align=4)
        *u, b = (builder.fmul(builder.load(place, align=4), factor) for place in places[0])
        *g, gb = (builder.load(place, align=4) for place in places[1])
        gb = vectors.fma(builder, count, b, gb)
        for j in range(m):
            gb = vectors.fma(builder, s[j], u[j], gb)
            g[j] = vectors.fma(builder, s[j], b, g[j])
            for k in range(m):
                g[j] = vectors.fma(builder, S[j, k], u[k], g[j])
        for value, place in zip([*g, gb], places[1], strict=True):
            builder.store(value, place, align=4)
        products = [(b, u[j]) for j in range(m)] + [(u[j], u[k]) for j, k in squares]
        return [vectors.fma(builder, x, y, total) for (x, y), total in zip(products, sums, strict=True)]

    return vectors.loop(builder, vector, first, vectors.index(L), m + len(squares), body)
