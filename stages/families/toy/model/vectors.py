"""LLVM vectors of float32 for `pairs.py`: loops over features, sums in a fixed order, and the small change.

LANES features are one group, whatever the width of the vectors that hold them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
from llvmlite import ir

from stages.families.toy.model.compiler import LANES, declare

_FLOAT, _INT = ir.FloatType(), ir.IntType(64)


def fma(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """X * y + z rounded once, lane by lane."""
    return builder.call(declare(builder, f"llvm.fma.v{x.type.count}f32", x.type, [x.type] * 3), [x, y, z])


def relu(builder: Any, z: Any) -> Any:
    """max(z, 0), and 0 for what is not a number."""
    zero = constant(z.type, 0.0)
    return builder.select(builder.fcmp_ordered(">", z, zero), z, zero)


def constant(kind: Any, value: float) -> Any:
    """A vector of one value, of the vector type given."""
    return ir.Constant(kind, [value] * kind.count)


def loop(builder: Any, vector: int, first: int, n: Any, count: int, body: Any, groups: Any = None) -> list[Any]:
    """`count` vectors of partial sums, from 0 on, that body(i, sums) carries along i = first, first + LANES, .. < n.

    With `groups`, a pointer to n indices: along i = groups[0] + first, .. groups[n - 1] + first.
    """
    kind = ir.VectorType(_FLOAT, vector)
    before, loop, after = builder.block, builder.append_basic_block("features"), builder.append_basic_block("end")
    builder.branch(loop)
    builder.position_at_end(loop)
    i, sums = builder.phi(_INT), [builder.phi(kind) for _ in range(count)]
    if groups is None:
        new, following, start = body(i, sums), builder.add(i, index(LANES)), first
    else:
        here = builder.add(builder.load(builder.gep(groups, [i])), index(first))
        new, following, start = body(here, sums), builder.add(i, index(1)), 0
    i.add_incoming(index(start), before)
    i.add_incoming(following, loop)
    for old, value in zip(sums, new, strict=True):
        old.add_incoming(constant(kind, 0.0), before)
        old.add_incoming(value, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, n), loop, after)
    builder.position_at_end(after)
    return list(new)


def check(*kinds: Any) -> None:
    """The vectors read bare memory: of float32 arrays in C order only."""
    for kind in kinds:
        if not (isinstance(kind, numba.types.Array) and kind.dtype == numba.float32 and kind.layout == "C"):
            raise numba.TypingError(f"needs a float32 array in C order, got {kind}")


def at(builder: Any, base: Any, i: Any, vector: int) -> Any:
    """Pointer to the vector that starts at element i."""
    return builder.bitcast(builder.gep(base, [i]), ir.VectorType(_FLOAT, vector).as_pointer())


def totals(builder: Any, sums: list[Any]) -> list[tuple[int, Any]]:
    """Sums of LANES partial sums each, halved until one is left; (k, vector of the k-th and following totals).

    A sum comes in one or more vectors, which are added first. Then two sums at a time are halved into one vector, which
    holds half as much of twice as many, until every lane is a total: each total's additions are in the same order as if
    it were alone, at a fraction of the shuffles.
    """
    vectors = [_halved(builder, list(parts)) for parts in sums]
    group = vectors[0].type.count  # lanes that belong to one total
    while group > 1:
        if len(vectors) % 2:
            vectors.append(ir.Constant(vectors[0].type, ir.Undefined))
        lanes = range(2 * vectors[0].type.count)
        first = [lane for lane in lanes if lane % group < group // 2]
        second = [lane + group // 2 for lane in first]
        vectors = [
            builder.fadd(_shuffle(builder, x, first, y), _shuffle(builder, x, second, y))
            for x, y in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        group //= 2
    count, totals = vectors[0].type.count, []
    for k in range(0, len(sums), count):
        width = min(count, len(sums) - k)
        totals.append((k, _shuffle(builder, vectors[k // count], range(width))))
    return totals


def _halved(builder: Any, parts: list[Any]) -> Any:
    while len(parts) > 1:
        half = len(parts) // 2
        parts = [builder.fadd(x, y) for x, y in zip(parts[:half], parts[half:], strict=True)]
    return parts[0]


def splat(builder: Any, value: Any, count: int) -> Any:
    """A vector of one value that is known only when it runs."""
    empty = ir.Constant(ir.VectorType(_FLOAT, count), ir.Undefined)
    return _shuffle(builder, builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0)), [0] * count)


def insert(builder: Any, vector: Any, first: int, values: list[Any]) -> Any:
    """A vector with these values from lane `first` on."""
    for lane, value in enumerate(values, first):
        vector = builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
    return vector


def _shuffle(builder: Any, vector: Any, lanes: Iterable[int], other: Any = None) -> Any:
    """The given lanes of a vector, or of two of one type laid end to end."""
    lanes = list(lanes)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined) if other is None else other, mask)


def index(value: int) -> Any:
    """An index known beforehand."""
    return ir.Constant(_INT, value)
