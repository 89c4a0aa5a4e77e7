"""99 % intervals over independent values, as the parts of a finding.

Values are one a training set, or a pair of them: what is measured on many points of one model is one value. Where a
claim has several parts, `among` says how many, and each interval is so much wider that all of them hold their true
values in 99 % of cases (Bonferroni). One value has no interval, and decides nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from stages.claims import Part

LEVEL = 0.99


def mean(what: str, values: Any, *, among: int = 1, least: float = -math.inf, most: float = math.inf) -> Part:
    """The mean of independent values, with Student's interval. Values that are not numbers do not count."""
    known = _known(values)
    if not len(known):
        return Part(what, math.nan, -math.inf, math.inf, 0, least, most)
    effect = float(known.mean())
    if len(known) == 1:
        return Part(what, effect, -math.inf, math.inf, 1, least, most)
    reach = float(stats.t.ppf(1 - (1 - LEVEL) / among / 2, len(known) - 1)) * float(stats.sem(known))
    return Part(what, effect, effect - reach, effect + reach, len(known), least, most)


def ratio(what: str, values: Any, *, among: int = 1, least: float = -math.inf, most: float = math.inf) -> Part:
    """The geometric mean of independent values above 0, with Student's interval of their logarithms."""
    known = _known(values)
    log = mean(what, np.log(known), among=among)
    effect, low, high = (float(np.exp(x)) for x in (log.effect, log.low, log.high))
    return Part(what, effect, low, high, log.sets, least, most)


def share(what: str, hits: Any, *, among: int = 1, least: float = -math.inf, most: float = math.inf) -> Part:
    """The share of independent trials that hit, with the exact interval of Clopper and Pearson."""
    known = _known(hits)
    if not len(known):
        return Part(what, math.nan, -math.inf, math.inf, 0, least, most)
    found = stats.binomtest(int(known.sum()), len(known)).proportion_ci(1 - (1 - LEVEL) / among)
    return Part(what, float(known.mean()), float(found.low), float(found.high), len(known), least, most)


def _known(values: Any) -> np.ndarray:
    found: np.ndarray = pd.Series(values).dropna().to_numpy(dtype=np.float64)
    return found
