"""The passes over all pairs (point, feature), written as LLVM vectors: nearly all the time of training and of testing.

`gradient_pass` takes a tile of L features and a few points, computes z = W_i . h_t + b_i, a = max(z, 0) and adds

    a h_t -> G_i (m rows)      a -> G_i (bias row)      sum_i a W_i -> GH_t

`error_pass` takes one point after another and sums (x_i - a)^2 over all features.

Sums over points go in order of the points. Sums over features run in LANES interleaved partial sums, halved until one
is left. How many lanes the processor takes at once (VECTOR), and how many points go by together (which only saves
loads and stores), change nothing of that: all widths give the same bytes.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from stages.toy.compiler import LANES, VECTOR, compiled, fma, vector_fma

_FLOAT, _INT = ir.FloatType(), ir.IntType(64)


def points_at_once(m: int, vector: int) -> int:
    """Points that go by together: what was fastest, about as many as the registers hold (16, or 32 with AVX-512).

    Pairs a second of `gradient_pass` at n = T = 1,000 on one core of an Intel Xeon (its sgemm: 175 Gflop/s):

        m                             1      2      3      4      5      8
        16 lanes (AVX-512)       20.6e9 12.9e9  7.6e9  5.0e9  3.7e9  1.7e9
        8 lanes (AVX2)           14.1e9  7.8e9  4.2e9  2.7e9      -  1.1e9
        useful Gflop/s, 16 lanes    124    155    136    120    111     79

    A vector of points against a pair of features, left to LLVM's vectoriser, reaches 1.0e9 at m = 2.
    """
    if vector == 16:
        return {1: 8, 2: 5, 3: 3, 4: 2, 5: 2}.get(m, 1)
    return {1: 4, 2: 3, 3: 1, 4: 1}.get(m, 2)


@functools.cache
def gradient_pass(m: int, L: int, vector: int = VECTOR, points: int = 0) -> Any:
    """Compiled gradients(P, G, H, GH) for flat P, G of tiles of (m + 1) L floats, and H, GH of shape (T, m)."""
    together = points or points_at_once(m, vector)
    visit, visit_one = _visit(m, L, vector, together), _visit(m, L, vector, 1)
    size = (m + 1) * L

    @compiled()
    def gradients(P, G, H, GH):
        T = len(H)
        for tile in range(0, len(P), size):
            for t in range(0, T - together + 1, together):
                visit(P, G, tile, H, GH, t)
            for t in range(T - T % together, T):
                visit_one(P, G, tile, H, GH, t)

    return gradients


def _visit(m: int, L: int, vector: int, points: int) -> Any:
    """Visit(P, G, tile, H, GH, t): `points` points from t on against the tile that starts at `tile`."""

    @intrinsic
    def visit(typing, P, G, tile, H, GH, t):
        _check(P, G, H, GH)

        def generate(context, builder, signature, arguments):
            P, G, tile, H, GH, t = arguments
            P, G, H, GH = (
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip((signature.args[k] for k in (0, 1, 3, 4)), (P, G, H, GH), strict=True)
            )
            at_t = builder.mul(t, _int(m))
            H, GH = builder.gep(H, [at_t]), builder.gep(GH, [at_t])
            h = [[builder.load(builder.gep(H, [_int(u * m + j)])) for j in range(m)] for u in range(points)]
            P, G = builder.gep(P, [tile]), builder.gep(G, [tile])
            passes = [_pass(builder, m, L, vector, P, G, h, first) for first in range(0, LANES, vector)]
            for u in range(points):
                for j in range(m):
                    place = builder.gep(GH, [_int(u * m + j)])
                    total = _total(builder, [sums[u][j] for sums in passes])
                    builder.store(builder.fadd(builder.load(place), total), place)
            return context.get_dummy_value()

        return numba.void(P, G, tile, H, GH, t), generate

    return visit


def _pass(builder: Any, m: int, L: int, vector: int, P: Any, G: Any, h: list[list[Any]], first: int) -> list[list[Any]]:
    """Lanes first .. first + vector - 1 of every group of LANES features; gives the partial sums of each point's GH."""
    splat = [[_splat(builder, value, vector) for value in row] for row in h]

    def body(i: Any, sums: list[Any]) -> list[Any]:
        places = [
            [_place(builder, base, builder.add(i, _int(row * L)), vector) for row in range(m + 1)] for base in (P, G)
        ]
        w, g = ([builder.load(place, align=4) for place in row] for row in places)
        new = []
        for u, hs in enumerate(splat):
            a = _activation(builder, w, hs)
            for j in range(m):
                g[j] = vector_fma(builder, a, hs[j], g[j])
                new.append(vector_fma(builder, a, w[j], sums[u * m + j]))
            g[m] = builder.fadd(g[m], a)
        for value, place in zip(g, places[1], strict=True):
            builder.store(value, place, align=4)
        return new

    flat = _loop(builder, vector, first, _int(L), m * len(h), body)
    return [flat[u * m : (u + 1) * m] for u in range(len(h))]


@functools.cache
def error_pass(m: int, vector: int = VECTOR) -> Any:
    """Compiled errors(W, b, start, feature, value, losses): sum_i (x_i - a_i)^2 of each sparse point, in float32.

    W is (m, n), b (n,), n a multiple of LANES; losses is (T,). Each point is made dense, compared and cleared again:
    there is no difference of large sums, so that no error comes out as 0.
    """

    @intrinsic
    def error(typing, W, b, x, h):
        _check(W, b, x, h)

        def generate(context, builder, signature, arguments):
            W, b, x, h = (
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args, arguments, strict=True)
            )
            n = builder.extract_value(b.shape, 0)
            hs = [_splat(builder, builder.load(builder.gep(h.data, [_int(j)])), vector) for j in range(m)]
            rows = [builder.gep(W.data, [builder.mul(n, _int(j))]) for j in range(m)] + [b.data]

            def body(i: Any, sums: list[Any]) -> list[Any]:
                w = [builder.load(_place(builder, row, i, vector), align=4) for row in rows]
                target = builder.load(_place(builder, x.data, i, vector), align=4)
                difference = builder.fsub(target, _activation(builder, w, hs))
                return [vector_fma(builder, difference, difference, sums[0])]

            parts = [_loop(builder, vector, first, n, 1, body)[0] for first in range(0, LANES, vector)]
            return _total(builder, parts)

        return numba.float32(W, b, x, h), generate

    @compiled()
    def errors(W, b, start, feature, value, losses):
        x, h = np.zeros(len(b), dtype=np.float32), np.empty(m, dtype=np.float32)
        for t in range(len(losses)):
            h[:] = 0
            for k in range(start[t], start[t + 1]):
                x[feature[k]] = value[k]
                for j in range(m):
                    h[j] = fma(value[k], W[j, feature[k]], h[j])
            losses[t] = error(W, b, x, h)
            for k in range(start[t], start[t + 1]):
                x[feature[k]] = 0

    return errors


def _activation(builder: Any, w: list[Any], h: list[Any]) -> Any:
    """max(W_i . h + b_i, 0) of a vector of features; w holds m rows of weights and the biases."""
    z = w[-1]
    for weight, value in zip(w, h, strict=False):
        z = vector_fma(builder, weight, value, z)
    zero = ir.Constant(z.type, [0.0] * z.type.count)
    return builder.select(builder.fcmp_ordered(">", z, zero), z, zero)


def _loop(builder: Any, vector: int, first: int, n: Any, count: int, body: Any) -> list[Any]:
    """`count` vectors of partial sums, from 0 on, that body(i, sums) carries along i = first, first + LANES, .. < n."""
    kind = ir.VectorType(_FLOAT, vector)
    before, loop, after = builder.block, builder.append_basic_block("features"), builder.append_basic_block("end")
    builder.branch(loop)
    builder.position_at_end(loop)
    i, sums = builder.phi(_INT), [builder.phi(kind) for _ in range(count)]
    new = body(i, sums)
    following = builder.add(i, _int(LANES))
    i.add_incoming(_int(first), before)
    i.add_incoming(following, loop)
    for old, value in zip(sums, new, strict=True):
        old.add_incoming(ir.Constant(kind, [0.0] * vector), before)
        old.add_incoming(value, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, n), loop, after)
    builder.position_at_end(after)
    return list(new)


def _check(*kinds: Any) -> None:
    """The vectors read bare memory: of float32 arrays in C order only."""
    for kind in kinds:
        if not (isinstance(kind, numba.types.Array) and kind.dtype == numba.float32 and kind.layout == "C"):
            raise numba.TypingError(f"needs a float32 array in C order, got {kind}")


def _place(builder: Any, base: Any, i: Any, vector: int) -> Any:
    return builder.bitcast(builder.gep(base, [i]), ir.VectorType(_FLOAT, vector).as_pointer())


def _total(builder: Any, parts: list[Any]) -> Any:
    """The LANES partial sums, which come in one or more vectors, halved until one is left."""
    while len(parts) > 1:
        half = len(parts) // 2
        parts = [builder.fadd(x, y) for x, y in zip(parts[:half], parts[half:], strict=True)]
    (vector,) = parts
    while (count := vector.type.count) > 1:
        halves = [_shuffle(builder, vector, range(k, k + count // 2)) for k in (0, count // 2)]
        vector = builder.fadd(*halves)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _splat(builder: Any, value: Any, count: int) -> Any:
    empty = ir.Constant(ir.VectorType(_FLOAT, count), ir.Undefined)
    return _shuffle(builder, builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0)), [0] * count)


def _shuffle(builder: Any, vector: Any, lanes: Any) -> Any:
    lanes = list(lanes)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


def _int(value: int) -> Any:
    return ir.Constant(_INT, value)
