"""New points for every step, drawn in compiled code from integers alone, so that every machine draws the same.

The same coins as in `core/sparse.py`: rows of n are read as one long sequence, of which the gaps between nonzeros are
drawn; a row without any is dropped; values are uniform on (0, 1], and each point is scaled to unit length.
"""

from __future__ import annotations

import functools
import hashlib
from decimal import Decimal, localcontext

import numba
import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points

_GOLDEN, _MIX1, _MIX2 = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_GUIDE = 14  # bits of a random number that say about where to look a gap up


def draw(n: int, S: float, T: int, seeds: list[str]) -> Points:
    """T points for each of the seeds, one seed's after another's."""
    states = [int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "little") for seed in seeds]
    limits, guide = _gaps(n, S)
    held = len(seeds) * T * max(1.0, n * (1 - S)) / (1 - S**n)
    room = int(held + 10 * held**0.5) + n
    while True:  # once, but for luck beyond measure
        start = np.zeros(len(seeds) * T + 1, dtype=np.int64)
        feature, value = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.float32)
        count = _draw(n, limits, guide, np.array(states, dtype=np.uint64), T, start, feature, value)
        if count <= room:
            return Points(n, start, feature[:count], value[:count])
        room = 2 * count


@functools.cache
def _gaps(n: int, S: float) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """2^64 S^g for g = 0 .. n, which a random number is below if the gap is longer than g; and where to begin to look.

    In decimals of 60 digits: what a machine makes of a power has no part in it.
    """
    with localcontext() as context:
        context.prec = 60
        powers = [Decimal(2**64)]
        for _ in range(n):
            powers.append(powers[-1] * Decimal(repr(S)))
        limits = np.array([min(int(power), 2**64 - 1) for power in powers], dtype=np.uint64)
    last = (np.arange(1, 2**_GUIDE + 1, dtype=np.uint64) << np.uint64(64 - _GUIDE)) - np.uint64(1)  # of its bits
    return limits, np.maximum(1, n - np.searchsorted(limits[:0:-1], last, side="right") + 1)


@numba.njit(nogil=True, cache=True)
def _mixed(state):
    """64 random bits of a state (Steele, Lea and Flood, 2014: SplitMix64)."""
    z = (state ^ (state >> np.uint64(30))) * _MIX1
    z = (z ^ (z >> np.uint64(27))) * _MIX2
    return z ^ (z >> np.uint64(31))


@numba.njit(nogil=True, cache=True)
def _draw(n, limits, guide, states, T, start, feature, value):
    """How many nonzeros were drawn; those that the arrays have no room for are counted and not kept."""
    count, room = 0, len(feature)
    drawn = np.empty(n, dtype=np.float64)
    for step in range(len(states)):
        state, place, t, first, square = states[step], -1, step * T, count, 0.0
        while True:
            state += _GOLDEN
            bits = _mixed(state)
            gap = guide[bits >> np.uint64(64 - _GUIDE)]
            while gap <= n and bits < limits[gap]:
                gap += 1
            place += min(gap, n)
            if place >= n:  # in the next row
                place -= n
                if count > first:
                    scale = 1 / np.sqrt(square)
                    for k in range(min(count, room) - first):
                        value[first + k] = drawn[k] * scale
                    t, first, square = t + 1, count, 0.0
                    start[t] = count
                    if t == step * T + T:
                        break
            if gap <= n:  # else none of the next n coins was a 1
                state += _GOLDEN
                number = np.float64((_mixed(state) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53
                if count < room:
                    feature[count], drawn[count - first] = place, number
                square += number * number
                count += 1
    return count
