"""A cost law: the seconds of a step as a sum of rates times features, fitted to a few timings, and how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from stages.core.cost import Features, Timing
from stages.core.random import generator

FITTED, HELD_OUT = 30, 6  # timings of one family, at most
_OTHER = 8.0  # how far two steps are apart where one has a feature that the other lacks, in factors of e


class Law(NamedTuple):
    """Rates by feature, and the relative errors on timings that were not used to fit them."""

    rates: dict[str, float]
    errors: Sequence[float] = ()

    def seconds(self, features: Features) -> float:
        """Of one step; a feature that was never timed costs nothing."""
        return sum(self.rates.get(name, 0.0) * value for name, value in features.items())


def chosen(steps: Sequence[Features], work: Sequence[float]) -> tuple[list[int], list[int]]:
    """Which steps to time: some that span all of them, to fit a law to, and others drawn by their work, to test it.

    The first are found one after another, each the furthest from those before, where the distance is by the features'
    logarithms: so every feature is timed, and at its largest and its smallest.
    """
    distinct: dict[tuple[tuple[str, float], ...], int] = {}
    total: dict[int, float] = {}
    for i, step in enumerate(steps):
        first = distinct.setdefault(tuple(sorted(step.items())), i)
        total[first] = total.get(first, 0.0) + work[i]
    places = list(total)
    names = sorted({name for i in places for name in steps[i]})
    table = _table([steps[i] for i in places], names)
    held, logs = table > 0, np.log(np.where(table > 0, table, 1.0))
    fitted = [max(range(len(places)), key=lambda k: total[places[k]])]
    distance = np.full(len(places), np.inf)
    while True:
        both, other = held & held[fitted[-1]], held != held[fitted[-1]]
        apart = (((logs - logs[fitted[-1]]) * both) ** 2).sum(axis=1) + _OTHER**2 * other.sum(axis=1)
        distance = np.minimum(distance, apart)
        if len(fitted) >= min(FITTED, len(names) * 4 // 3) or distance.max() == 0:
            break
        fitted.append(int(distance.argmax()))
    rest = [i for k, i in enumerate(places) if k not in fitted]
    weights = np.array([total[i] for i in rest])
    count = min(HELD_OUT, len(rest))
    rng = generator("timings held out")
    drawn = rng.choice(len(rest), count, replace=False, p=weights / weights.sum()).tolist() if rest else []
    return [places[k] for k in fitted], [rest[k] for k in drawn]


def law(fitted: Sequence[Timing], held_out: Sequence[Timing] = ()) -> Law:
    """The law of all timings, with the errors on those held out of the law of the others."""
    first = Law(_fit(fitted))
    errors = [first.seconds(one.features) / one.seconds - 1 for one in held_out]
    return Law(_fit([*fitted, *held_out]), errors)


def _fit(timings: Sequence[Timing]) -> dict[str, float]:
    """Rates of least relative error, none below 0."""
    names = sorted({name for one in timings for name in one.features})
    seconds = np.array([one.seconds for one in timings])
    table = _table([one.features for one in timings], names) / seconds[:, None]
    largest = table.max(axis=0)  # rates differ by many orders of magnitude
    rates = nnls(table / largest, np.ones(len(timings)))[0] / largest
    return dict(zip(names, rates.tolist(), strict=True))


def _table(steps: Sequence[Features], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[step.get(name, 0.0) for name in names] for step in steps], dtype=np.float64)
