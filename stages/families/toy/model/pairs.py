"""The passes over all pairs (point, feature), written as LLVM vectors: nearly all the time of training and of testing.

`gradient_pass` takes a tile of L features and a few points, computes z = U_i . h_t + b_i, a = max(z, 0), the error's
slope g = I_i a^(p - 1) as if x_ti were 0 (for p = 2 and I = 1 that is a itself), and adds

    w_t g h_t -> G_i (m rows)      w_t g -> G_i (bias row)      sum_i g U_i -> GH_t

`error_pass` takes one point after another and sums I_i |x_i - a_i|^p over all features.

Sums over points go in order of the points, in blocks of 480 that are then added, so that float32 holds for very many.
Sums over features run in LANES interleaved partial sums, halved until one is left. How many lanes the processor takes
at once (VECTOR), and how many points go by together (which only saves loads and stores), change nothing of that: all
widths give the same bytes.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numba
from llvmlite import ir
from numba.extending import intrinsic

from stages.families.toy.model import vectors
from stages.families.toy.model.compiler import LANES, VECTOR, from_source

BLOCK = 480  # points whose gradients are summed before they are added to the rest; all groups of points fit in evenly


class Kind(NamedTuple):
    """What kernels are generated for: a variant of the model, its loss and its points. The defaults are the paper's."""

    m: int
    power: int = 2  # p: 1, 2 or 4
    relu: bool = False  # h = ReLU(W x)
    tied: bool = True  # U is W
    importance: bool = False  # features have I_i
    weighted: bool = False  # points have w_t
    masked: bool = False  # some points leave their own features out of their loss


def points_at_once(m: int, vector: int) -> int:
    """Points that go by together: what was fastest, about as many as the registers hold (16, or 32 with AVX-512).

    Pairs a second of `gradient_pass` at n = T = 1,000 on one core of an Intel Xeon (its sgemm: 170 Gflop/s):

        m                             1      2      3      4      5      8
        16 lanes (AVX-512)       20.5e9 12.1e9  7.8e9  6.0e9  4.8e9  2.3e9
        8 lanes (AVX2)           13.4e9  8.0e9  4.1e9  3.2e9  3.0e9  1.6e9
        useful Gflop/s, 16 lanes    123    146    140    143    145    111

    A pair takes 3 m + 2 vector operations, of which 3 m are useful, and a core does two at a time: at m = 2 that limit
    is 155 Gflop/s at this processor's clock, and 6 of 8 operations are what sgemm would need.
    A vector of points against a pair of features, left to LLVM's vectoriser, reaches 1.0e9 at m = 2.
    """
    if vector == 16:
        return {1: 8, 2: 5, 3: 3, 4: 2, 5: 2}.get(m, 1)
    return {1: 4, 2: 3, 3: 1, 4: 1}.get(m, 2)


@functools.cache
def gradient_pass(kind: Kind, L: int, vector: int = VECTOR, points: int = 0) -> Any:
    """Compiled gradients(P, G, I, H, GH, weight, block) for L features a tile, by itself (a step has it built in).

    P and G are flat, a tile being m rows of weights, one of biases and, where the encoder has its own, m rows that
    this pass does not touch. I has the same layout (its first row counts), H and GH are (T, m), weight is (T,); I and
    weight are not read where the kind has none. `block` is memory for (m + 1) L floats, zeros.
    """
    together = points or points_at_once(kind.m, vector)
    return from_source(
        GRADIENTS, f"{kind} {L=} {vector=} {together=}", **gradient_names(kind, L, vector, together)
    ).gradients


def gradient_names(kind: Kind, L: int, vector: int = VECTOR, points: int = 0) -> dict[str, Any]:
    """What the text GRADIENTS needs; it is part of other texts, so that all that a step calls is one module."""
    together = points or points_at_once(kind.m, vector)
    return {
        "visit": visit(kind, L, vector, together),
        "visit_one": visit(kind, L, vector, 1),
        "together": together,
        "size": (kind.m + 1) * L,
        "stride": tile_rows(kind) * L,
        "BLOCK": BLOCK,
    }


GRADIENTS = """
@entry
def gradients(P, G, I, H, GH, weight, block):
    T = len(H)
    for place in range(0, len(P), stride):
        for first in range(0, T, BLOCK):
            last, sums = min(first + BLOCK, T), block if first else G[place : place + size]
            for t in range(first, last - together + 1, together):
                visit(P, sums, I, H, GH, weight, place, t)
            for t in range(last - (last - first) % together, last):
                visit_one(P, sums, I, H, GH, weight, place, t)
            if first:
                for i in range(size):
                    G[place + i] += block[i]
                    block[i] = 0
"""


def tile_rows(kind: Kind) -> int:
    """Rows of a tile: the decoder's and the bias, then the encoder's where it has its own."""
    return kind.m + 1 if kind.tied else 2 * kind.m + 1


def visit(kind: Kind, L: int, vector: int, points: int, *, listed: bool = False) -> Any:
    """Visit(P, G, I, H, GH, weight, place, t): `points` points from t on against the tile that starts at `place`.

    Where `listed`, against those groups of LANES features alone that two more arguments list: (int64 offsets, count).
    """
    m = kind.m

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        P, G, I, H, GH, weight = (
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args[:6], arguments[:6], strict=True)
        )
        place, t = arguments[6:8]
        groups, n = None, vectors.index(L)
        if listed:
            groups, n = context.make_array(signature.args[8])(context, builder, arguments[8]).data, arguments[9]
        at_t = builder.mul(t, vectors.index(m))
        H, GH = builder.gep(H, [at_t]), builder.gep(GH, [at_t])
        h = [[builder.load(builder.gep(H, [vectors.index(u * m + j)])) for j in range(m)] for u in range(points)]
        w = [
            builder.load(builder.gep(weight, [builder.add(t, vectors.index(u))]))
            for u in range(points if kind.weighted else 0)
        ]
        P, I = builder.gep(P, [place]), builder.gep(I, [place])
        passes = [_pass(builder, kind, L, vector, P, G, I, h, w, first, n, groups) for first in range(0, LANES, vector)]
        for k, total in vectors.totals(builder, list(zip(*passes, strict=True))):
            here = builder.bitcast(builder.gep(GH, [vectors.index(k)]), total.type.as_pointer())
            builder.store(builder.fadd(builder.load(here, align=4), total), here, align=4)
        return context.get_dummy_value()

    @intrinsic
    def whole(typing, P, G, I, H, GH, weight, place, t):
        vectors.check(P, G, I, H, GH, weight)
        return numba.void(P, G, I, H, GH, weight, place, t), generate

    @intrinsic
    def some(typing, P, G, I, H, GH, weight, place, t, groups, count):
        vectors.check(P, G, I, H, GH, weight)
        return numba.void(P, G, I, H, GH, weight, place, t, groups, count), generate

    return some if listed else whole


def _pass(
    builder: Any,
    kind: Kind,
    L: int,
    vector: int,
    P: Any,
    G: Any,
    I: Any,
    h: list[list[Any]],
    w: list[Any],
    first: int,
    n: Any,
    groups: Any,
) -> list[Any]:
    """Lanes first .. first + vector - 1 of every group of LANES features; gives the partial sums of GH, m a point."""
    m = kind.m
    splat = [[vectors.splat(builder, value, vector) for value in row] for row in h]
    weights = [vectors.splat(builder, value, vector) for value in w]
    weighted = [[builder.fmul(x, value) for value in row] for x, row in zip(weights, splat, strict=False)] or splat

    def body(i: Any, sums: list[Any]) -> list[Any]:
        places = [
            [vectors.at(builder, base, builder.add(i, vectors.index(row * L)), vector) for row in range(m + 1)]
            for base in (P, G)
        ]
        u, g = ([builder.load(place, align=4) for place in row] for row in places)
        importance = builder.load(vectors.at(builder, I, i, vector), align=4) if kind.importance else None
        new = []
        for t, hs in enumerate(splat):
            slope = _slope(builder, kind, _preactivation(builder, u, hs))
            if importance is not None:
                slope = builder.fmul(slope, importance)
            for j in range(m):
                g[j] = vectors.fma(builder, slope, weighted[t][j], g[j])
                new.append(vectors.fma(builder, slope, u[j], sums[t * m + j]))
            g[m] = vectors.fma(builder, slope, weights[t], g[m]) if weights else builder.fadd(g[m], slope)
        for value, place in zip(g, places[1], strict=True):
            builder.store(value, place, align=4)
        return new

    return vectors.loop(builder, vector, first, n, m * len(h), body, groups)


def _slope(builder: Any, kind: Kind, z: Any) -> Any:
    """a^(p - 1) with a = max(z, 0): the slope of |a|^p, without its factor p."""
    if kind.power == 1:
        one, zero = (vectors.constant(z.type, x) for x in (1.0, 0.0))
        return builder.select(builder.fcmp_ordered(">", z, zero), one, zero)
    a = vectors.relu(builder, z)
    return a if kind.power == 2 else builder.fmul(builder.fmul(a, a), a)


@functools.cache
def error_pass(kind: Kind, vector: int = VECTOR) -> Any:
    """Compiled errors(W, U, b, I, start, feature, value, masked, losses): each sparse point's loss, in float32.

    W and U are (m, n), b and I (n,), n a multiple of LANES; losses is (T,). Each point is made dense, compared and
    cleared again: there is no difference of large sums, so that no error comes out as 0. Where a point is masked, x
    is made what comes out.
    """
    m = kind.m

    @intrinsic
    def error(typing, U, b, I, x, h):
        vectors.check(U, b, I, x, h)

        def generate(context, builder, signature, arguments):
            U, b, I, x, h = (
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args, arguments, strict=True)
            )
            n = builder.extract_value(b.shape, 0)
            hs = [
                vectors.splat(builder, builder.load(builder.gep(h.data, [vectors.index(j)])), vector) for j in range(m)
            ]
            rows = [builder.gep(U.data, [builder.mul(n, vectors.index(j))]) for j in range(m)] + [b.data]

            def body(i: Any, sums: list[Any]) -> list[Any]:
                u = [builder.load(vectors.at(builder, row, i, vector), align=4) for row in rows]
                target = builder.load(vectors.at(builder, x.data, i, vector), align=4)
                e = builder.fsub(target, vectors.relu(builder, _preactivation(builder, u, hs)))
                if kind.power == 1:
                    e = builder.select(builder.fcmp_ordered(">", e, builder.fneg(e)), e, builder.fneg(e))
                elif kind.power == 4:
                    e = builder.fmul(e, e)
                first = e
                if kind.importance:
                    first = builder.fmul(e, builder.load(vectors.at(builder, I.data, i, vector), align=4))
                if kind.power == 1:
                    return [builder.fadd(sums[0], first)]
                return [vectors.fma(builder, first, e, sums[0])]

            parts = [vectors.loop(builder, vector, first, n, 1, body)[0] for first in range(0, LANES, vector)]
            ((_, total),) = vectors.totals(builder, [parts])
            return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

        return numba.float32(U, b, I, x, h), generate

    return from_source(_ERRORS, f"{kind} {vector=}", error=error, relu=kind.relu, masks=kind.masked).errors


_ERRORS = """
@entry
def errors(W, U, b, I, start, feature, value, masked, losses):
    m = len(W)
    x, h = np.zeros(len(b), dtype=np.float32), np.empty(m, dtype=np.float32)
    for t in range(len(losses)):
        h[:] = 0
        for k in range(start[t], start[t + 1]):
            x[feature[k]] = value[k]
            for j in range(m):
                h[j] = fma(value[k], W[j, feature[k]], h[j])
        if relu:
            h[:] = np.maximum(h, zero)
        if masks and masked[t]:
            for k in range(start[t], start[t + 1]):
                z = b[feature[k]]
                for j in range(m):
                    z = fma(U[j, feature[k]], h[j], z)
                x[feature[k]] = max(z, zero)
        losses[t] = error(U, b, I, x, h)
        for k in range(start[t], start[t + 1]):
            x[feature[k]] = 0
"""


def _preactivation(builder: Any, u: list[Any], h: list[Any]) -> Any:
    """The z = U_i . h + b_i of a vector of features; u holds m rows of weights and the biases."""
    z = u[-1]
    for weight, value in zip(u, h, strict=False):
        z = vectors.fma(builder, weight, value, z)
    return z
