"""The passes over the few x_ti > 0, as text that is generated for a kind of model and tiles of L features.

Both go with what `fused.py` says of the layout; `pairs.py` and `undecided.py` have done as if every x_ti were 0.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

from stages.families.toy.model import vectors
from stages.families.toy.model.pairs import Kind, tile_rows


def lines_pay(n: int, values: int) -> bool:
    """Whether the nonzeros' gradients are summed in lines of one feature, which are added to the tiles in the end."""
    return values >= 4 * n


def line(kind: Kind) -> int:
    """Floats of a feature's line: the next power of 2."""
    return 1 << (tile_rows(kind) - 1).bit_length()


def hidden(kind: Kind, L: int) -> str:
    """h_t = sum_i x_ti W_i over the few x_ti > 0, and its ReLU; of the k-th point as they are stored into H[row[k]]."""
    J = range(kind.m)
    first = 0 if kind.tied else kind.m + 1  # row of the encoder
    relu = "; ".join(f"h{j} = max(h{j}, zero)" for j in J) if kind.relu else ""
    return f"""
@inner
def hidden(P, start, row, place, value, H):
    {"; ".join(f"P{j} = P[{(first + j) * L}:]" for j in J)}
    for t in range(len(H)):
        {"; ".join(f"h{j} = zero" for j in J)}
        for k in range(start[t], start[t + 1]):
            i, x = place[k], value[k]
            {"; ".join(f"h{j} = fma(x, P{j}[i], h{j})" for j in J)}
        {relu}
        there = row[t]
        {"; ".join(f"H[there, {j}] = h{j}" for j in J)}
"""


# (slope of the dense pass, what x > 0 adds to it, what x > 0 adds to the loss) at e = a - x, for each p
_CORRECTIONS = {
    1: ("on", "on * (float32(e > zero) - float32(e < zero) - one)", "abs(e) - a"),
    2: ("a", "-x * on", "x * (x - a - a)"),
    4: ("a * a * a", "on * (e * e * e - a * a * a)", "(e * e) * (e * e) - (a * a) * (a * a)"),
}


def corrections(kind: Kind, L: int, *, lines: bool = False) -> str:
    """The corrections where x_ti > 0, then the encoder's gradient. Leaves GH at 0; gives what x > 0 adds to the loss.

    `active` holds the corrections of the point at hand, so that neither loop branches and each entry of G is touched
    once: G_i += x grad h + correction h. With `lines` that entry is a line of R, one vector that starts at at[k];
    else at and R are not read.
    """
    J, m, rows = range(kind.m), kind.m, range(tile_rows(kind))
    c = "w * active[k - first]" if kind.weighted else "active[k - first]"
    if lines:
        h, d = (f"({', '.join(f'{name}{j}' for j in J)},)" for name in "hd")
        gradient = [f"add_to_line(R, at[k], c, {h}, x, {d})"]
    elif kind.tied:
        gradient = [f"G{j}[i] = fma(x, d{j}, fma(c, h{j}, G{j}[i]))" for j in J] + [f"G{m}[i] += c"]
    else:
        gradient = [f"G{j}[i] = fma(c, h{j}, G{j}[i]); G{m + 1 + j}[i] = fma(x, d{j}, G{m + 1 + j}[i])" for j in J]
        gradient += [f"G{m}[i] += c"]
    after = [f"d{j} *= float32(h{j} > zero)" for j in J if kind.relu]
    if kind.weighted:
        after += ["w = weight[t]", "total *= w", *(f"d{j} *= w" for j in J)]
    newline = "\n            "
    return f"""
@inner
def sparse(P, G, I, H, GH, start, row, place, value, at, R, weight, masked, active, with_loss):
    {"; ".join(f"P{j} = P[{j * L}:]" for j in range(m + 1))}
    {"; ".join(f"G{j} = G[{j * L}:]" for j in rows)}
    changes = 0.0
    for stored in range(len(H)):
        first, last, t = start[stored], start[stored + 1], row[stored]
        {"; ".join(f"h{j} = H[t, {j}]; d{j} = GH[t, {j}]; GH[t, {j}] = zero" for j in J)}
        total = zero
        if with_loss:
            {_each_correction(kind, with_loss=True)}
        else:
            {_each_correction(kind, with_loss=False)}
        {"; ".join(after)}
        changes += total
        for k in range(first, last):
            i, x, c = place[k], value[k], {c}
            {newline.join(gradient)}
    {_add_lines(kind, L) if lines else ""}
    return changes
"""


def _add_lines(kind: Kind, L: int) -> str:
    """Add the lines to the tiles, and leave them at 0."""
    rows, width = range(tile_rows(kind)), line(kind)
    adds = (f"tile[{j * L} + i] += lines[{width} * i + {j}]; lines[{width} * i + {j}] = zero" for j in rows)
    newline = "\n            "
    return f"""
    for first in range(0, len(G), {len(rows) * L}):
        tile, lines = G[first:], R[first // {len(rows)} * {width}:]
        for i in range({L}):
            {newline.join(adds)}
"""


def _each_correction(kind: Kind, *, with_loss: bool) -> str:
    """A loop over a point's nonzeros: their corrections into `active`, with the loss where that is asked for."""
    J = range(kind.m)
    slope, correction, loss = _CORRECTIONS[kind.power]
    steps = [
        "i, x = place[k], value[k]",
        *(f"w{j} = P{j}[i]" for j in J),
        f"z = {functools.reduce(lambda z, j: f'fma(w{j}, h{j}, {z})', J, f'P{kind.m}[i]')}",
        "on = float32(z > zero)",  # a select would become a branch, missed half the time
        "a = on * z",
        "e = a - x",
        f"c = {correction}",
        f"change = {loss}" if with_loss else "",
        f"if masked[t]: c = -({slope})" + (f"; change = -a * ({slope})" if with_loss else "") if kind.masked else "",
        "c *= I[i]" if kind.importance else "",
        ("total += change * I[i]" if kind.importance else "total += change") if with_loss else "",
        "active[k - first] = c",
        *(f"d{j} = fma(c, w{j}, d{j})" for j in J),
    ]
    return "\n                ".join(["for k in range(first, last):", *filter(None, steps)])


def add_to_line(kind: Kind) -> Any:
    """Add(R, at, c, h, x, d): R[at : at + line] += c (h, 1) + x d; d has lanes of its own if the encoder has rows.

    One load, two fma and one store, where rows of G would take as many of each as they are.
    """
    width, m = line(kind), kind.m
    first = 0 if kind.tied else m + 1

    @intrinsic
    def add(typing, R, at, c, h, x, d):
        vectors.check(R)

        def generate(context, builder, signature, arguments):
            R, at, c, h, x, d = arguments
            data = context.make_array(signature.args[0])(context, builder, R).data
            place = vectors.at(builder, data, builder.zext(at, ir.IntType(64)), width)
            zeros = vectors.constant(ir.VectorType(ir.FloatType(), width), 0.0)
            hidden = vectors.insert(builder, zeros, 0, [builder.extract_value(h, j) for j in range(m)])
            hidden = vectors.insert(builder, hidden, m, [ir.Constant(ir.FloatType(), 1.0)])
            back = vectors.insert(builder, zeros, first, [builder.extract_value(d, j) for j in range(m)])
            sums = builder.load(place, align=4)
            for factor, lanes in ((c, hidden), (x, back)):
                sums = vectors.fma(builder, vectors.splat(builder, factor, width), lanes, sums)
            builder.store(sums, place, align=4)
            return context.get_dummy_value()

        one, row = numba.float32, numba.types.UniTuple(numba.float32, m)
        return numba.void(R, at, one, row, one, row), generate

    return add
