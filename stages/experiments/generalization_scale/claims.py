"""Where over T the largest D_f jumps, for several sparsities and weight decays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.claims import Finding, Part, claim, intervals, labelled, labelled_rows
from stages.claims.regimes import SUM
from stages.core.tables import Tables

AXES = ("S", "n", "weight_decay")
TOGETHER = 1.5  # jumps within this factor of each other count as one
LESS = 1.25  # so many times as far apart are clearly so
LEAST, MOST = 5, 20  # a factor of two about T (1 - S) = 10
FAR = 100  # T (1 - S) ten times that: well past the jump
FALL = 0.95  # of the peak
STORED = 0.5  # of the best constant output's train loss
SOURCE = "Jermyn's comment on the generalisation scale"


def slices(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The trained cells along three axes, all else at its usual value (the grid's most frequent).

    They are S, which with n fixed decides how many features a point has, n (1 - S); n, with that number fixed, so that
    S goes with it; and weight_decay.
    """
    chosen = cells[cells.selected]
    chosen = chosen.assign(scaled=(chosen["T"] * (1 - chosen.S)).round(2))
    if not len(chosen):
        return dict.fromkeys(AXES, chosen)
    usual = {axis: chosen[axis].mode().iloc[0] for axis in AXES}
    as_usual = {axis: chosen[axis] == usual[axis] for axis in AXES}
    as_many = np.isclose(chosen.n * (1 - chosen.S), usual["n"] * (1 - usual["S"]))
    return {
        "S": chosen[as_usual["n"] & as_usual["weight_decay"]],
        "n": chosen[as_many & as_usual["weight_decay"]],
        "weight_decay": chosen[as_usual["n"] & as_usual["S"]],
    }


class Jump(NamedTuple):
    """T (1 - S) at which a curve passes measure.learned, log-linear in between; or the grid's end beyond it."""

    scaled: float
    inside: bool  # whether the grid has it, and not only a bound: its first T or its last


def jump(curve: pd.Series, learned: float) -> Jump:
    """Of the largest D_f by T (1 - S), smoothed so that it only rises: one feature can carry one of few points alone.

    Up to the peak it is the mean of the highest so far and the lowest from there on.
    """
    rising = curve[: int(curve.argmax()) + 1]
    rising = (rising.cummax() + rising[::-1].cummin()[::-1]) / 2
    curve = rising.reindex(curve.index, fill_value=curve.max())
    above = (curve > learned).to_numpy()
    if above[0] or not above.any():
        return Jump(float(curve.index[0 if above[0] else -1]), False)
    k = int(above.argmax())
    (x0, x1), (y0, y1) = np.log(curve.index[k - 1 : k + 1].to_numpy(float)), curve.iloc[k - 1 : k + 1]
    return Jump(float(np.exp(x0 + (x1 - x0) * (learned - y0) / (y1 - y0))), True)


def jumps(cells: pd.DataFrame, by: str, learned: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """T (1 - S) at the jump by training set and value of an axis, and where it lies inside the grid."""
    rows = [
        (seed, value, *jump(of.groupby("scaled").D_f_max.mean(), learned))
        for (seed, value), of in cells.groupby(["data_seed", by])
    ]
    found = pd.DataFrame(rows, columns=["data_seed", by, "scaled", "inside"])
    at, inside = (found.pivot(index="data_seed", columns=by, values=name).dropna() for name in ("scaled", "inside"))
    return at, inside.astype(bool)


def apart(at: pd.DataFrame, inside: pd.DataFrame) -> pd.Series:
    """The latest jump over the earliest, a training set each; which values' these are is read off the other sets.

    Not a number where the grid does not have the earliest; a bound where it does not have the latest.
    """
    of: dict[Any, float] = {}
    for seed in at.index if len(at) > 1 and at.shape[1] > 1 else []:
        others = np.log(at.drop(seed)).mean()
        last, first = others.idxmax(), others.idxmin()
        of[seed] = at.loc[seed, last] / at.loc[seed, first] if inside.loc[seed, first] else np.nan
    return pd.Series(of, dtype=float)


def of_size(tables: Tables, by: str, largest: bool = False) -> pd.DataFrame:
    """The slice by an axis, at the smallest m or the largest."""
    of = slices(tables.cells)[by]
    chosen: pd.DataFrame = of[of.m == (of.m.max() if largest else of.m.min())]
    return chosen


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The mean jump under each reduction, n fixed, where the grid has it."""
    found = {}
    for reduction, cells in tables.cells.groupby("reduction"):
        at, inside = jumps(of_size(Tables({"cells": cells}), "S"), "S", measure.learned)
        known = np.log(at[[S for S in at if inside[S].all()]].to_numpy())
        if known.size:
            found[f"onset_{reduction}"] = float(np.exp(known.mean()))
    return found


def _together(cells: pd.DataFrame, by: str, learned: float) -> Sequence[Part]:
    """How far apart jumps lie along that axis, as the part that decides.

    Jumps that are only bounded can show that they lie apart, and not that they lie together.
    """
    at, inside = jumps(cells, by, learned)
    part = intervals.ratio("latest jump over earliest", apart(at, inside), most=TOGETHER)
    return [part] if inside.all(axis=None) or part.refutes else []


def _shown(cells: pd.DataFrame, by: str, learned: float) -> dict[str, Any]:
    at, inside = jumps(cells, by, learned)
    beyond = [f"{by}={value:g}" for value in at if not inside[value].all()]
    means = {"T (1 - S) at the jump": labelled(np.exp(np.log(at).mean()), by)} if len(at) else {}
    return means | ({"only bounds": ", ".join(beyond)} if beyond else {})


@claim("J5", "the jump of the largest D_f is near T (1 - S) = 10", source=SOURCE, says="near 10", under=SUM)
def near_ten(tables: Tables, measure: Any) -> Finding:
    """Where training sets jump, over all sparsities; or how many do there, where some jump beyond the grid."""
    of = of_size(tables, "S")
    at, inside = jumps(of, "S", measure.learned)
    parts = []
    if len(at) and inside.all(axis=None):
        means = np.exp(np.log(at).mean(axis=1))
        parts.append(intervals.ratio("T (1 - S) at the jump", means, least=LEAST, most=MOST))
    for S, curves in of.groupby("S") if not parts else ():
        known, first, last = inside[S], curves.scaled.min(), curves.scaled.max()
        if known.all():
            parts.append(intervals.ratio(f"T (1 - S) at the jump, S = {S:g}", at[S], least=LEAST, most=MOST))
        else:  # a bound says no where it is beside that range
            outside = ((at[S] <= first) & (first <= LEAST)) | ((at[S] >= last) & (last >= MOST))
            hits = (at[S].between(LEAST, MOST) & known).astype(float).where(known | (outside & (first < last)))
            parts.append(intervals.share(f"training sets, S = {S:g}", hits, least=0.5))
    return Finding(
        parts,
        _shown(of, "S", measure.learned) or None,
        f"""n is fixed. Between {LEAST} and {MOST}, a geometric mean over training sets and S: whether all S jump
        together is a claim of its own. The jump is where a training set's largest D_f passes {measure.learned},
        smoothed so that it only rises: one feature can carry one of few points alone.""",
    )


def _coincide(axis: str, tables: Tables, measure: Any, note: str) -> Finding:
    """The latest jump over the earliest, by sparsity."""
    of = of_size(tables, axis)
    span = float((1 - of.S).max() / (1 - of.S).min()) if len(of) else 1.0
    return Finding(
        _together(of, axis, measure.learned) if span > TOGETHER**2 else [],
        {"1 - S spans a factor of": span} | _shown(of, axis, measure.learned) if len(of) else None,
        f"""T (1 - S) at the jump, within a factor of {TOGETHER}; which jumps are last and first is read off the other
        training sets. Adam's eps goes with 1 - S. {note}""",
    )


@claim(
    "J5",
    "over T (1 - S) the jump is the same for every S (n fixed)",
    source=SOURCE,
    says="curves of several S coincide",
    under=SUM,
)
def collapses(tables: Tables, measure: Any) -> Finding:
    """Jumps of several S at one n."""
    return _coincide("S", tables, measure, "S then also decides how many features a point has.")


@claim(
    "J5",
    "over T (1 - S) the jump is the same for every S (n (1 - S) fixed)",
    source=SOURCE,
    says="curves of several S coincide",
    under=SUM,
)
def collapses_along(tables: Tables, measure: Any) -> Finding:
    """Jumps of several S, and n in proportion."""
    return _coincide("n", tables, measure, "Points then have as many features at every S.")


@claim("J4", "weight decay does not move the jump", source=SOURCE, says="it does not move", under=SUM)
def unmoved(tables: Tables, measure: Any) -> Finding:
    """The latest jump over the earliest, by weight decay, of those under which points are stored at all."""
    of = of_size(tables, "weight_decay")
    left = _left(of)
    return Finding(
        _together(of[of.weight_decay.isin(left[left < STORED].index)], "weight_decay", measure.learned),
        _shown(of, "weight_decay", measure.learned)
        | {"train loss over the best constant output's, at the smallest T": labelled(left, "weight_decay")}
        if len(of)
        else None,
        f"""Within a factor of {TOGETHER}; which jumps are last and first is read off the other training sets. Counts
        decays under which points are stored: at the smallest T, train loss is below {STORED} of the best constant
        output's.""",
    )


def _left(cells: pd.DataFrame) -> pd.Series[float]:
    """Train loss at the smallest T over the best constant output's, by weight decay: 1 where nothing is stored."""
    few = cells[cells["T"] == cells["T"].min()]
    left: pd.Series[float] = (few.train_loss / few.constant_loss).groupby(few.weight_decay).mean()
    return left


@claim("J6", "the collapse is less clean for larger m", source=SOURCE, says="less clean for larger m", under=SUM)
def less_clean(tables: Tables, measure: Any) -> Finding:
    """How far apart jumps of different S lie at the largest m, against the smallest."""
    sizes = [of_size(tables, "S", largest) for largest in (False, True)]
    if not len(sizes[0]) or sizes[0].m.iloc[0] == sizes[1].m.iloc[0]:
        return Finding()
    found = [jumps(of, "S", measure.learned) for of in sizes]
    both = pd.concat([apart(*of) for of in found], axis=1, keys=["small", "large"]).dropna()
    part = intervals.ratio("how far apart jumps lie, largest m over smallest", both.large / both.small, least=LESS)
    return Finding(
        [part] if all(inside.all(axis=None) for _, inside in found) else [],
        {f"m={of.m.iloc[0]}": _shown(of, "S", measure.learned) for of in sizes},
        f"""How far apart: T (1 - S) at the latest jump over that at the earliest, by S. Larger by a factor of {LESS} or
        more. Cannot tell where jumps lie beyond the grid.""",
    )


@claim("J7", "far beyond, the largest D_f falls again", source=SOURCE, says="peak D_f falls past the jump", under=SUM)
def falls(tables: Tables, measure: Any) -> Finding:
    """The largest D_f at the last T over the highest before it, mean over sparsities."""
    of = of_size(tables, "S")
    of = of[of.groupby("S").scaled.transform("max") >= FAR]
    drops, means = {}, {}
    for S, curves in of.groupby("S"):
        table = curves.pivot_table(index="data_seed", columns="scaled", values="D_f_max").dropna()
        peaks = {seed: table.drop(seed).iloc[:, :-1].mean().idxmax() for seed in table.index if len(table) > 1}
        drops[S] = pd.Series({seed: table.loc[seed].iloc[-1] / table.loc[seed, at] for seed, at in peaks.items()})
        means[S] = {"highest before": table.iloc[:, :-1].mean().max(), "at the last": table.mean().iloc[-1]}
    shown = pd.DataFrame(means).T
    if not len(shown) or not (shown["highest before"] > measure.learned).all():
        return Finding(note=f"No T (1 - S) of {FAR} or more, or no jump.")
    part = intervals.ratio(
        "last over the highest before it", np.exp(np.log(pd.DataFrame(drops)).mean(axis=1)), most=FALL
    )
    return Finding(
        [part],
        labelled_rows(shown, "S"),
        f"""At the smallest m and the S whose T (1 - S) reach {FAR}, ten times the jump. By 5 % or more, geometric mean
        over S; at which T the highest before is, is read off the other training sets.""",
    )
