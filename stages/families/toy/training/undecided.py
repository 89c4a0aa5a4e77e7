"""The gradient pass of `pairs.py` over undecided pairs alone.

z = U_i . h_t + b_i has the sign of b_i wherever |U_i| |h_t| <= |b_i|. With points sorted by |h|, longest first, each
feature is undecided for a first few points only, and with features sorted by |b| / |U| these are a staircase. All that
follows is off, and nothing is to be done, or it is linear, and its sums need only those points' moments:

    sum_t z h_t = (sum_t h_t h_t^T) U_i + (sum_t h_t) b_i      sum_t z = (sum_t h_t) . U_i + b_i sum_t 1
    sum_i z U_i = (sum_i U_i U_i^T) h_t + sum_i b_i U_i

(A point of weight w_t counts w_t times in the first two, a feature of importance I_i I_i times in all. The slope of an
absolute error is 1 where z > 0: sums of 1 stand for those of z. With fourth powers only what is off is decided.)
Nothing is approximated: only the order in which things are added differs.

Points go by in blocks, features in groups of LANES. Lengths are computed at every step, and the longest that is still
to come decides, so the orders (orders.py) need not be exact.

Of very many points, blocks are *boxes* of points that are close, and a group is decided for a box also where z is above
0 all over it, or nowhere. In two dimensions the lines z = 0 cross few of many boxes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stages.families.toy.model.compiler import LANES, VECTOR
from stages.families.toy.model.pairs import BLOCK, Kind, points_at_once, tile_rows, visit
from stages.families.toy.training.decided import closed, products, side
from stages.families.toy.training.orders import BOX

_CERTAIN = 0.9999  # of b^2 / |U|^2: more than what rounding can add to |h|^2, or to z


def block_points(m: int) -> int:
    """Points of a block: a divisor of BLOCK and, for most m, a multiple of all `pairs.points_at_once`."""
    return {1: 8, 2: 15, 3: 12}.get(m, 8)


def names(kind: Kind, L: int, vector: int = VECTOR, *, boxed: bool = False) -> dict[str, Any]:
    """What the text `gradients` needs, for L features a tile."""
    together = points_at_once(kind.m, vector)
    return {
        "visit": visit(kind, L, vector, together, listed=True),
        "visit_one": visit(kind, L, vector, 1, listed=True),
        "closed": closed(kind, L, vector, every=False),
        "closed_on": closed(kind, L, vector, every=True),
        "together": together,
        "size": (kind.m + 1) * L,
        "stride": tile_rows(kind) * L,
        "BLOCK": BLOCK,
        "PART": BOX if boxed else block_points(kind.m),
        "GROUPS": L // LANES,
        "LANES": LANES,
        "side": side(kind, L, vector),
        "half": np.float32(0.5),
        "certain": np.float32(_CERTAIN),
        "infinite": np.float32(np.inf),
    }


def gradients(kind: Kind, L: int, *, boxed: bool = False) -> str:
    """Text of a function `gradients` that takes and does what `pairs.gradient_pass` does, and of what it calls."""
    m, J = kind.m, range(kind.m)
    squares = products(kind)
    place = {pair: 1 + m + q for q, pair in enumerate(squares)}
    Q = range(1 + m + len(squares))
    shares = [
        f"GH[t, {j}] += float32("
        + " + ".join([f"c{1 + j}", *(f"c{place[min(j, i), max(j, i)]} * H[t, {i}]" for i in J if squares)])
        + ")"
        for j in J
    ]
    undecided = "if b > zero: ratio[i] = -one" if kind.power == 4 else "pass"
    newline = "\n            "
    low, high = ([f"{name}[k, {j}]" for j in J] for name in ("middle", "reach"))  # a box's edges, at first
    edges = "; ".join(f"{low[j]} = min({low[j]}, h{j}); {high[j]} = max({high[j]}, h{j})" for j in J)
    halves = "; ".join(
        f"l{j} = {low[j]}; h{j} = {high[j]}; {low[j]} = (l{j} + h{j}) * half; {high[j]} = (h{j} - l{j}) * half"
        for j in J
    )
    edges, halves = (edges, halves) if boxed else ("pass", "")
    return f"""
@inner
def survey(H, weight, longest, moments, own, middle, reach):
    # of each block: the longest point of it and of all that follow, and their moments; its own, and where it lies
    blocks = len(longest) - 1
    longest[blocks], moments[blocks] = -one, 0
    {"; ".join(f"c{q} = 0.0" for q in Q)}
    for k in range(blocks - 1, -1, -1):
        {"; ".join(f"s{q} = zero" for q in Q)}
        top = longest[k + 1]
        {"middle[k], reach[k] = H[k * PART], H[k * PART]" if boxed else ""}
        for t in range(k * PART, min(k * PART + PART, len(H))):
            {"; ".join(f"h{j} = H[t, {j}]" for j in J)}
            {edges}
            square = zero
            {"; ".join(f"square = fma(h{j}, h{j}, square)" for j in J)}
            if not square <= top:
                top = square
            w = {"weight[t]" if kind.weighted else "one"}
            s0 += w
            {"; ".join(f"s{1 + j} = fma(w, h{j}, s{1 + j})" for j in J)}
            {"; ".join(f"s{q} = fma(w * h{j}, h{i}, s{q})" for (j, i), q in place.items()) or "pass"}
        {"; ".join(f"c{q} += np.float64(s{q}); moments[k, {q}] = float32(c{q})" for q in Q)}
        {"; ".join(f"own[k, {q}] = s{q}" for q in Q if boxed)}
        longest[k] = top
        {halves}

@inner
def decide(P, longest, ratio, first):
    # from which block on each group is decided; gives the last of them
    {"; ".join(f"P{j} = P[{j * L}:{(j + 1) * L}]" for j in range(m + 1))}
    for i in range({L}):
        b, square = P{m}[i], zero
        {"; ".join(f"square = fma(P{j}[i], P{j}[i], square)" for j in J)}
        ratio[i] = certain * (b * b) / max(square, float32(1e-30))
        if square + abs(b) == zero:
            ratio[i] = infinite
        {undecided}
    k = last = 0
    for group in range(GROUPS - 1, -1, -1):
        least = infinite
        for i in range(group * LANES, group * LANES + LANES):
            if not ratio[i] >= least:
                least = ratio[i]
        {"k = 0" if boxed else ""}
        while longest[k] > least:
            k += 1
        first[group] = k
        last = max(last, k)
    return last

@inner
def classify(P, middle, reach, first, k, place, on, mixed):
    # of the groups that block k leaves undecided: those that are on all over it, and those that are neither on nor off
    ons = count = 0
    for group in range(GROUPS):
        if first[group] > k:
            where = side(P, middle, reach, place + group * LANES)
            on[ons] = mixed[count] = group * LANES
            ons += where > 0
            count += where == 0
    return ons, count

@entry
def gradients(P, G, I, H, GH, weight, block):
    T = len(H)
    blocks = (T + PART - 1) // PART
    longest, ratio = np.empty(blocks + 1, dtype=np.float32), np.empty({L}, dtype=np.float32)
    moments = np.empty((blocks + 1, {len(Q)}), dtype=np.float32)
    inner = np.zeros((blocks + 1, {len(Q)}), dtype=np.float32)
    own, alone = np.empty_like(moments), np.zeros_like(inner)
    middle, reaches = np.empty((blocks, {m}), dtype=np.float32), np.empty((blocks, {m}), dtype=np.float32)
    every, first = np.arange(GROUPS + 1) * LANES, np.empty(GROUPS, dtype=np.int64)
    on, mixed = np.empty(GROUPS + 1, dtype=np.int64), np.empty(GROUPS + 1, dtype=np.int64)
    survey(H, weight, longest, moments, own, middle, reaches)
    for place in range(0, len(P), stride):
        reached = decide(P[place : place + size], longest, ratio, first)
        whole = G[place : place + size]
        sums, count, listed, written = whole, GROUPS, every, False
        for k in range(reached):
            {_BOXED if boxed else _PREFIX}
            t, last = k * PART, min(k * PART + PART, T)
            if count > 0:
                while t + together <= last:
                    visit(P, sums, I, H, GH, weight, place, t, listed, count)
                    t += together
                while t < last:
                    visit_one(P, sums, I, H, GH, weight, place, t, listed, count)
                    t += 1
            if last % BLOCK == 0 or k + 1 == reached:
                if written:
                    for i in range(size):
                        G[place + i] += block[i]
                        block[i] = 0
                sums, written = block, True
        start = 0
        while start < GROUPS:
            group, k = start, first[start]
            while group < GROUPS and first[group] == k:
                group += 1
            if k < blocks:
                closed(P, whole, I, moments[k], inner[k], place, every[start:], group - start)
            start = group
    {"; ".join(f"t{q} = 0.0" for q in Q)}
    for k in range(blocks):
        {"; ".join(f"t{q} += np.float64(inner[k, {q}]); c{q} = t{q} + np.float64(alone[k, {q}])" for q in Q)}
        for t in range(k * PART, min(k * PART + PART, T)):
            {newline.join(shares)}
"""


_PREFIX = """while first[count - 1] <= k:
                count -= 1"""
_BOXED = """ons, count = classify(P, middle[k], reaches[k], first, k, place, on, mixed)
            listed = mixed
            if ons > 0:
                closed_on(P, sums, I, own[k], alone[k], place, on, ons)"""


SORT = """
@inner
def sort(H, row):
    # points that came unsorted: H is put in order, about (256 lengths are told apart), and row says where each went
    T, top, count = len(H), zero, np.zeros(257, dtype=np.int64)
    square, before = np.zeros(T, dtype=np.float32), H.copy()
    for t in range(T):
        for j in range(H.shape[1]):
            square[t] = fma(H[t, j], H[t, j], square[t])
        if square[t] > top:
            top = square[t]
    scale = float32(255) / max(top, float32(1e-30))
    for t in range(T):
        row[t] = 255 - np.int64(square[t] * scale) if square[t] < top else 0
        count[row[t] + 1] += 1
    for k in range(256):
        count[k + 1] += count[k]
    for t in range(T):
        length = row[t]
        row[t] = count[length]
        count[length] += 1
        H[row[t]] = before[t]
"""
