"""The passes over the few x_ti > 0, as text that is generated for a kind of model and tiles of L features.

Both go with what `fused.py` says of the layout; `pairs.py` and `boxes.py` have done as if every x_ti were 0.
"""

from __future__ import annotations

import functools

from stages.families.toy.model.pairs import Kind, tile_rows


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


def corrections(kind: Kind, L: int) -> str:
    """The corrections where x_ti > 0, then the encoder's gradient. Leaves GH at 0; gives what x > 0 adds to the loss.

    `active` holds the corrections of the point at hand, so that neither loop branches and each entry of G is touched
    once: G_i += x grad h + correction h.
    """
    J, m = range(kind.m), kind.m
    c = "w * active[k - first]" if kind.weighted else "active[k - first]"
    if kind.tied:
        gradient = [f"G{j}[i] = fma(x, d{j}, fma(c, h{j}, G{j}[i]))" for j in J]
    else:
        gradient = [f"G{j}[i] = fma(c, h{j}, G{j}[i]); G{m + 1 + j}[i] = fma(x, d{j}, G{m + 1 + j}[i])" for j in J]
    after = [f"d{j} *= float32(h{j} > zero)" for j in J if kind.relu]
    if kind.weighted:
        after += ["w = weight[t]", "total *= w", *(f"d{j} *= w" for j in J)]
    return f"""
@inner
def sparse(P, G, I, H, GH, start, row, place, value, weight, masked, active, with_loss):
    {"; ".join(f"P{j} = P[{j * L}:]" for j in range(m + 1))}
    {"; ".join(f"G{j} = G[{j * L}:]" for j in range(tile_rows(kind)))}
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
            {"; ".join(gradient)}
            G{m}[i] += c
    return changes
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
