"""99 % intervals over independent values, as the parts of a finding.

Values are one a training set, or a pair of them: what is measured on many points of one model is one value. Fewer than
three values have no interval and decide nothing. What takes few values, as a count or a T of the grid does, is a share
of training sets: that all have the same is no certainty.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from stages.claims import Part

DOUBT = 0.01  # of an interval: the share of cases in which it misses the true value
FEWEST = 3  # values that have an interval
MOST = 1000  # training sets: that more would decide is not worth saying
PARTS = 40  # more than a claim has
FEW_PARTS = 4  # about as many as one has
RANKS = 1.06  # variance of the arctanh of a rank correlation, times the pairs less three

Floats = NDArray[np.float64]
Interval = Callable[[Floats, float], tuple[Floats, Floats]]  # of so many sets, that misses in such a share of cases


def mean(what: str, values: Any, *, least: float = -math.inf, most: float = math.inf) -> Part:
    """The mean of independent values, with Student's interval. Values that are not numbers do not count."""
    known = _known(values)
    if not len(known):
        return Part(what, math.nan, -math.inf, math.inf, 0, least, most)
    effect = float(known.mean())
    if len(known) < FEWEST:
        return Part(what, effect, -math.inf, math.inf, len(known), least, most)
    deviation = float(known.std(ddof=1))

    def interval(sets: Floats, doubt: float) -> tuple[Floats, Floats]:
        reach = special.stdtrit(sets - 1, 1 - doubt / 2) * deviation / np.sqrt(sets)
        return effect - reach, effect + reach

    return _part(what, effect, len(known), least, most, interval)


def ratio(what: str, values: Any, *, least: float = -math.inf, most: float = math.inf) -> Part:
    """The geometric mean of independent values, with Student's interval of their logarithms; none where one is 0."""
    known = _known(values)
    if (known <= 0).any():
        return Part(what, 0.0, -math.inf, math.inf, len(known), least, most)
    bounds = (math.log(bound) if bound > 0 else -math.inf for bound in (least, most))
    log = mean(what, np.log(known), **dict(zip(("least", "most"), bounds, strict=True)))
    effect, low, high = (math.exp(min(x, 700.0)) for x in (log.effect, log.low, log.high))
    known_low = low if math.isfinite(log.low) else -math.inf
    known_high = high if math.isfinite(log.high) else math.inf
    return Part(what, effect, known_low, known_high, log.sets, least, most, log.refutes, log.would_take)


def share(what: str, hits: Any, *, least: float = -math.inf, most: float = math.inf) -> Part:
    """The share of independent trials that hit, with the exact interval of Clopper and Pearson."""
    known = _known(hits)
    if not len(known):
        return Part(what, math.nan, -math.inf, math.inf, 0, least, most)
    effect = float(known.mean())
    if len(known) < FEWEST:
        return Part(what, effect, -math.inf, math.inf, len(known), least, most)

    def interval(sets: Floats, doubt: float) -> tuple[Floats, Floats]:
        k = np.round(effect * sets)
        low = special.betaincinv(k, sets - k + 1, doubt / 2)
        high = special.betaincinv(k + 1, sets - k, 1 - doubt / 2)
        return np.where(k == 0, 0.0, low), np.where(k == sets, 1.0, high)

    return _part(what, effect, len(known), least, most, interval)


def more_often(what: str, values: Any, *, least: float = 0.0) -> Part:
    """The share of independent values above `least`, needed above one half: a sign test, for any distribution."""
    return share(f"training sets {what}", _known(values) > least, least=0.5)


def correlation(
    what: str, first: Any, second: Any, *, groups: int = 1, least: float = -math.inf, most: float = math.inf
) -> Part:
    """The rank correlation of independent pairs, with the interval of Fieller, Hartley and Pearson (1957).

    Takes ranks, within each of so many groups where there are several. Ranks that are all alike have none.
    """
    pairs = pd.DataFrame({"first": first, "second": second}).dropna()
    if len(pairs) < FEWEST + groups or (pairs.nunique() < 2).any():
        return Part(what, math.nan, -math.inf, math.inf, 0, least, most)
    effect = float(pairs["first"].corr(pairs["second"]))

    def interval(sets: Floats, doubt: float) -> tuple[Floats, Floats]:
        reach = special.ndtri(1 - doubt / 2) * np.sqrt(RANKS / (sets - groups - 2))
        middle = np.arctanh(np.clip(effect, -1 + 1e-12, 1 - 1e-12))
        return np.tanh(middle - reach), np.tanh(middle + reach)

    return _part(what, effect, len(pairs), least, most, interval)


def _part(what: str, effect: float, sets: int, least: float, most: float, interval: Interval) -> Part:
    """With the interval of so many sets, and how many would decide at the same effect and spread."""

    def outside(sets: Floats, parts: int) -> NDArray[np.bool_]:
        low, high = interval(sets, DOUBT / parts)
        return (high <= least) | (low >= most)

    now = np.array([float(sets)])
    refutes = next((parts for parts in range(PARTS) if not outside(now, parts + 1)[0]), PARTS)
    more = np.arange(sets, max(sets, MOST) + 1, dtype=np.float64)
    low, high = interval(more, DOUBT)
    decided = ((low > least) & (high < most)) | outside(more, FEW_PARTS)
    would_take = float(more[decided][0]) if decided.any() else math.inf
    return Part(what, effect, float(low[0]), float(high[0]), sets, least, most, refutes, would_take)


def _known(values: Any) -> Floats:
    found: Floats = pd.Series(values).dropna().to_numpy(dtype=np.float64)
    return found
