"""Where over T the largest D_f jumps, for several sparsities and weight decays, at two numbers of hidden dimensions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.tables import Tables

TOGETHER = 1.5  # onsets within this factor of each other count as one
NEAR = (5, 20)  # a factor of two about T (1 - S) = 10


def slices(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The trained cells by sparsity and by weight decay, each at the other's usual value (the grid's most frequent)."""
    chosen = cells[cells.selected]
    chosen = chosen.assign(scaled=(chosen["T"] * (1 - chosen.S)).round(2))
    usual = {name: chosen[name].mode().iloc[0] for name in ("S", "weight_decay")} if len(chosen) else {}
    return {
        name: chosen[chosen[other] == usual[other]] if usual else chosen
        for name, other in (("S", "weight_decay"), ("weight_decay", "S"))
    }


class Onset(NamedTuple):
    """T (1 - S) at which the mean largest D_f first passes measure.learned, log-linear in between.

    Where it has not by the last T, that is a lower bound: `reached` is False.
    """

    scaled: float
    reached: bool

    def __str__(self) -> str:
        return f"{self.scaled:.3g}" if self.reached else f"beyond {self.scaled:.3g}"


def onset(of: pd.DataFrame, learned: float) -> Onset | None:
    """Of one curve; None where it has passed at its first T, so that it may have done so before."""
    mean = of.groupby("scaled").D_f_max.mean()
    above = (mean > learned).to_numpy()
    if not len(mean) or above[0]:
        return None
    if not above.any():
        return Onset(float(mean.index[-1]), False)
    k = int(above.argmax())
    (x0, x1), (y0, y1) = np.log(mean.index[k - 1 : k + 1].to_numpy(float)), mean.iloc[k - 1 : k + 1]
    return Onset(float(np.exp(x0 + (x1 - x0) * (learned - y0) / (y1 - y0))), True)


def onsets(cells: pd.DataFrame, by: str, learned: float) -> dict[str, Onset | None]:
    """The onset at each value of an axis."""
    return {f"{by}={float(str(value)):g}": onset(of, learned) for value, of in cells.groupby(by)}


def together(found: dict[str, Onset | None]) -> bool | None:
    """Whether all onsets lie within a factor of TOGETHER; None where those that are not reached leave it open."""
    known = [onset.scaled for onset in found.values() if onset and onset.reached]
    beyond = [onset.scaled for onset in found.values() if onset and not onset.reached]
    if len(found) < 2 or not known:
        return None
    if max(known + beyond) >= TOGETHER * min(known):
        return False
    return True if len(known) == len(found) else None


def summary(tables: Tables, measure: Any) -> Summary:
    """The jump is near T (1 - S) = 10, for every sparsity and weight decay; less clean at larger m."""
    cells = tables.cells
    by = slices(cells)
    headline: dict[str, float | int] = {}
    claims, last, factors = [], [], {}
    for m in sorted(cells.m.unique()):
        of, decays = (by[name][by[name].m == m] for name in ("S", "weight_decay"))
        S, decay = onsets(of, "S", measure.learned), onsets(decays, "weight_decay", measure.learned)
        claims += [_near_ten(m, S), _collapses(m, S, of), _unmoved(m, decay)]
        last.append(_falls(m, of, measure.learned))
        known = [onset.scaled for onset in S.values() if onset and onset.reached]
        if known:
            headline[f"onset_m{m}"] = float(np.exp(np.mean(np.log(known))))
        factors[int(m)] = max(known) / min(known) if len(known) == len(S) > 1 else None
    return Summary(headline, [*claims, *last, _less_clean(factors)])


def _words(found: dict[str, Onset | None]) -> dict[str, str] | None:
    return {value: str(onset) if onset else "before the first T" for value, onset in found.items()} or None


def _near_ten(m: int, found: dict[str, Onset | None]) -> Claim:
    near = [
        None if onset is None or (not onset.reached and onset.scaled < NEAR[1]) else NEAR[0] <= onset.scaled <= NEAR[1]
        for onset in found.values()
    ]
    return Claim(
        f"features appear near T (1 - S) = 10 (m = {m})",
        "Jermyn's comment",
        "the jump of the largest D_f lies near T (1 - S) = 10",
        _words(found),
        None,
        False if False in near else None if None in near or not near else True,
        "T (1 - S) at which the mean largest D_f passes measure.learned; holds if within a factor of two at each S",
    )


def _collapses(m: int, found: dict[str, Onset | None], of: pd.DataFrame) -> Claim:
    apart = float((1 - of.S).max() / (1 - of.S).min()) if len(of) else 1.0
    return Claim(
        f"against T (1 - S) curves of different S coincide (m = {m})",
        "Jermyn's comment",
        "they coincide",
        _words(found),
        {"1 - S itself spans a factor": apart},
        together(found) if apart > TOGETHER**2 else None,
        f"T (1 - S) at the jump; holds if all lie within a factor of {TOGETHER} of each other. Adam's eps goes with 1 "
        f"- S here. n is fixed, so that S also decides how many features a point has, and how much points overlap",
    )


def _unmoved(m: int, found: dict[str, Onset | None]) -> Claim:
    return Claim(
        f"weight decay does not move the jump (m = {m})",
        "Jermyn's comment",
        "it does not move",
        _words(found),
        None,
        together(found),
        f"T (1 - S) at the jump; holds if all lie within a factor of {TOGETHER} of each other. A decay of 1 (a weight "
        f"without a gradient is gone by the end) lets few points be stored, and features come earlier",
    )


def _less_clean(factors: dict[int, float | None]) -> Claim:
    known = {m: factor for m, factor in factors.items() if factor}
    return Claim(
        "the collapse is less clean for larger m",
        "Jermyn's comment",
        "less clean for larger m",
        {f"m={m}": factor for m, factor in known.items()} or None,
        None,
        known[max(known)] > 1.25 * known[min(known)] if len(known) == len(factors) > 1 else None,
        "largest over smallest onset T (1 - S) among sparsities; holds if by a quarter larger at the largest m than at "
        "the smallest; cannot tell where the jump lies beyond the grid",
    )


def _falls(m: int, of: pd.DataFrame, learned: float) -> Claim:
    mean = of.groupby(["S", "scaled"]).D_f_max.mean().groupby("S")
    peak, last = mean.max(), mean.last()  # of each S
    known = len(peak) > 0 and bool((mean.size() > 2).all() and (peak > learned).all())
    return Claim(
        f"the largest D_f falls again past the jump (m = {m})",
        "Jermyn's comment",
        "peak D_f falls past the jump",
        {"highest, " + key: value for key, value in labelled(peak, "S").items()}
        | {"at the last, " + key: value for key, value in labelled(last, "S").items()}
        if known
        else None,
        None,
        bool((last < 0.95 * peak).mean() > 0.5) if known else None,
        "mean over training sets; holds if at more than half of the sparsities it ends 5 % below its highest",
    )
