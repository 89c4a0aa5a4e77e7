"""What needs no visit of (point, feature) pairs, as LLVM vectors; see undecided.py."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

from stages.families.toy.model import vectors
from stages.families.toy.model.compiler import LANES, declare
from stages.families.toy.model.pairs import Kind


def products(kind: Kind) -> list[tuple[int, int]]:
    """The (j, k), j <= k, of which sums of h_j h_k are needed."""
    return [(j, k) for j in range(kind.m) for k in range(j, kind.m)] if kind.power == 2 else []


def side(kind: Kind, L: int, vector: int) -> Any:
    """On_side(P, middle, reach, place): 1 where LANES features have z > 0 all over a box, -1 where none has, else 0.

    The box: all h within `reach` of `middle`, (m,) each.
    """

    @intrinsic
    def on_side(typing, P, middle, reach, place):
        vectors.check(P, middle, reach)

        def generate(context, builder, signature, arguments):
            P, middle, reach = (
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip(signature.args[:3], arguments[:3], strict=True)
            )
            at = [builder.gep(P, [builder.add(arguments[3], vectors.index(row * L))]) for row in range(kind.m + 1)]
            all_on = all_off = None
            for first in range(0, LANES, vector):
                *U, b = (builder.load(vectors.at(builder, row, vectors.index(first), vector), align=4) for row in at)
                z, width = b, vectors.constant(b.type, 0.0)
                for j, u in enumerate(U):
                    c, r = (
                        vectors.splat(builder, builder.load(builder.gep(array, [vectors.index(j)])), vector)
                        for array in (middle, reach)
                    )
                    z = vectors.fma(builder, u, c, z)
                    size = builder.call(declare(builder, f"llvm.fabs.v{vector}f32", u.type, [u.type]), [u])
                    width = vectors.fma(builder, size, r, width)
                zero = vectors.constant(b.type, 0.0)
                on = builder.fcmp_ordered(">", builder.fsub(z, width), zero)
                off = builder.fcmp_ordered("<=", builder.fadd(z, width), zero)
                all_on = on if all_on is None else builder.and_(all_on, on)
                all_off = off if all_off is None else builder.and_(all_off, off)
            bits, result = ir.IntType(vector), ir.IntType(64)
            on, off = (
                builder.zext(builder.icmp_unsigned("==", builder.bitcast(lanes, bits), ir.Constant(bits, -1)), result)
                for lanes in (all_on, all_off)
            )
            return builder.sub(on, off)

        return numba.int64(P, middle, reach, place), generate

    return on_side


def closed(kind: Kind, L: int, vector: int, *, every: bool) -> Any:
    """Add(P, G, I, moments, inner, place, groups, count): what decided groups of features share with some points.

    Where not `every` one is on, those features that are: b > 0. moments holds the sums over the points of 1, h_j, and
    h_j h_k (j <= k); inner gets the sums over features of b U_j (from 1 on) and of U_j U_k.
    """
    m, squares = kind.m, products(kind)

    @intrinsic
    def add(typing, P, G, I, moments, inner, place, groups, count):
        vectors.check(P, G, I, moments, inner)

        def generate(context, builder, signature, arguments):
            if kind.power == 4:  # what is on is not decided
                return context.get_dummy_value()
            P, G, I, moments, inner = (
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip(signature.args[:5], arguments[:5], strict=True)
            )
            P, I = (builder.gep(base, [arguments[5]]) for base in (P, I))
            groups = context.make_array(signature.args[6])(context, builder, arguments[6]).data
            known = [builder.load(builder.gep(moments, [vectors.index(q)])) for q in range(1 + m + len(squares))]
            passes = [
                _closed_pass(builder, kind, L, vector, P, G, I, known, first, arguments[7], groups, every)
                for first in range(0, LANES, vector)
            ]
            for k, total in vectors.totals(builder, list(zip(*passes, strict=True))):
                here = builder.bitcast(builder.gep(inner, [vectors.index(1 + k)]), total.type.as_pointer())
                builder.store(builder.fadd(builder.load(here, align=4), total), here, align=4)
            return context.get_dummy_value()

        return numba.void(P, G, I, moments, inner, place, groups, count), generate

    return add


def _closed_pass(
    builder: Any,
    kind: Kind,
    L: int,
    vector: int,
    P: Any,
    G: Any,
    I: Any,
    known: list[Any],
    first: int,
    count: Any,
    groups: Any,
    every: bool,
) -> list[Any]:
    """Lanes first .. first + vector - 1 of every group; gives the partial sums of b U_j and U_j U_k."""
    m, squares = kind.m, products(kind)
    points, *rest = [vectors.splat(builder, value, vector) for value in known]
    s = rest[:m]
    S = {pair: value for (j, k), value in zip(squares, rest[m:], strict=True) for pair in ((j, k), (k, j))}

    def body(i: Any, sums: list[Any]) -> list[Any]:
        places = [
            [vectors.at(builder, base, builder.add(i, vectors.index(row * L)), vector) for row in range(m + 1)]
            for base in (P, G)
        ]
        *U, b = (builder.load(place, align=4) for place in places[0])
        *g, gb = (builder.load(place, align=4) for place in places[1])
        one, zero = (vectors.constant(b.type, x) for x in (1.0, 0.0))
        factor = one if every else builder.select(builder.fcmp_ordered(">", b, zero), one, zero)
        if kind.importance:
            factor = builder.fmul(factor, builder.load(vectors.at(builder, I, i, vector), align=4))
        if kind.power == 1:  # the slope is 1 wherever z > 0
            gb = vectors.fma(builder, points, factor, gb)
            g = [vectors.fma(builder, s[j], factor, g[j]) for j in range(m)]
            terms = [(factor, U[j]) for j in range(m)]
        else:
            c, u = builder.fmul(b, factor), [builder.fmul(value, factor) for value in U]
            gb = vectors.fma(builder, points, c, gb)
            for j in range(m):
                gb = vectors.fma(builder, s[j], u[j], gb)
                g[j] = vectors.fma(builder, s[j], c, g[j])
                for k in range(m):
                    g[j] = vectors.fma(builder, S[j, k], u[k], g[j])
            terms = [(c, U[j]) for j in range(m)] + [(u[j], U[k]) for j, k in squares]
        for value, place in zip([*g, gb], places[1], strict=True):
            builder.store(value, place, align=4)
        return [vectors.fma(builder, x, y, total) for (x, y), total in zip(terms, sums, strict=True)]

    return vectors.loop(builder, vector, first, count, m + len(squares), body, groups)
