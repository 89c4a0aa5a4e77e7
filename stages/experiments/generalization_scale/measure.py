"""Where over T the largest D_f jumps, for several sparsities and weight decays, at two numbers of hidden dimensions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.claims import Claim, Summary, labelled
from stages.params import Measure

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


def onset(of: pd.DataFrame) -> float | None:
    """T (1 - S) at which the mean largest D_f first passes half of the highest it gets to; log-linear in between.

    None where it is past it at once, or never gets twice as high as at the start.
    """
    mean = of.groupby("scaled").D_f_max.mean()
    if len(mean) < 2 or mean.iloc[0] > mean.max() / 2:
        return None
    k = int((mean > mean.max() / 2).to_numpy().argmax())
    (x0, x1), (y0, y1) = np.log(mean.index[k - 1 : k + 1].to_numpy(float)), mean.iloc[k - 1 : k + 1]
    return float(np.exp(x0 + (x1 - x0) * (mean.max() / 2 - y0) / (y1 - y0)))


def onsets(cells: pd.DataFrame, by: str) -> dict[str, float | None]:
    """The onset at each value of an axis; None where there is none."""
    return {f"{by}={float(str(value)):g}": onset(of) for value, of in cells.groupby(by)}


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """The jump is near T (1 - S) = 10, for every sparsity and weight decay; less clean at larger m."""
    by = slices(cells)
    sizes = sorted(cells.m.unique())
    headline: dict[str, float | int] = {}
    of_m = {m: {name: of[of.m == m] for name, of in by.items()} for m in sizes}
    factors = {}
    claims = []
    for m, of in of_m.items():
        S, decay = onsets(of["S"], "S"), onsets(of["weight_decay"], "weight_decay")
        factors[int(m)] = _factor(S)
        claims += [_near_ten(m, S, of["S"]), _collapses(m, S, of["S"]), _unmoved(m, decay)]
        if known := [scaled for scaled in S.values() if scaled]:
            headline[f"onset_m{m}"] = float(np.exp(np.mean(np.log(known))))
    claims += [_falls(m, of["S"]) for m, of in of_m.items()]
    return Summary(headline, [*claims, _less_clean(factors)])


def _factor(found: dict[str, float | None]) -> float | None:
    """Largest over smallest onset, where every value has one."""
    known = [scaled for scaled in found.values() if scaled]
    return max(known) / min(known) if len(known) == len(found) > 1 else None


def _words(found: dict[str, float | None]) -> dict[str, float | str] | None:
    return {value: scaled or "no jump" for value, scaled in found.items()} or None


def _near_ten(m: int, found: dict[str, float | None], of: pd.DataFrame) -> Claim:
    far = len(of) > 0 and bool((of.groupby("S").scaled.max() > NEAR[1]).all())
    return Claim(
        f"features appear near T (1 - S) = 10 (m = {m})",
        "Jermyn's comment",
        "the jump of the largest D_f lies near T (1 - S) = 10",
        _words(found),
        None,
        all(scaled is not None and NEAR[0] <= scaled <= NEAR[1] for scaled in found.values()) if far else None,
        "T (1 - S) at which the mean largest D_f passes half of its highest; holds if within a factor of two at each S",
    )


def _collapses(m: int, found: dict[str, float | None], of: pd.DataFrame) -> Claim:
    apart = float((1 - of.S).max() / (1 - of.S).min()) if len(of) else 1.0
    factor = _factor(found)
    return Claim(
        f"against T (1 - S) curves of different S coincide (m = {m})",
        "Jermyn's comment",
        "they coincide",
        {"onsets in T (1 - S) within a factor": factor or "no jump somewhere", "1 - S itself spans a factor": apart}
        if found
        else None,
        _words(found),
        factor is not None and factor < TOGETHER if apart > TOGETHER**2 else None,
        f"holds if the onsets lie within a factor of {TOGETHER} of each other. Adam's eps goes with 1 - S here",
    )


def _unmoved(m: int, found: dict[str, float | None]) -> Claim:
    factor = _factor(found)
    return Claim(
        f"weight decay does not move the jump (m = {m})",
        "Jermyn's comment",
        "it does not move",
        _words(found),
        None,
        factor is not None and factor < TOGETHER if len(found) > 1 else None,
        f"T (1 - S) at the jump; holds if there is one at each, all within a factor of {TOGETHER} of each other",
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
        "the smallest",
    )


def _falls(m: int, of: pd.DataFrame) -> Claim:
    mean = of.groupby(["S", "scaled"]).D_f_max.mean().groupby("S")
    peak, last = mean.max(), mean.last()  # of each S
    known = len(peak) > 0 and bool((mean.size() > 2).all())
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
