"""What several experiments ask of test loss over T: where the paper's regimes lie, and the bump between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.claims import Part, intervals
from stages.core.tables import Tables

# The paper's shading of Figure 3, from its n = 10,000, S = 0.999 in units that other (n, S) share: T (1 - S)
MIDDLE = (0.69, 6.8)
ONSET = (5, 20)  # T (1 - S): ten, within a factor of two
PAPER = {"n": 10000, "S": 0.999}  # of claims whose numbers go with n: features that are not learned still count
SUM = {"reduction": "sum"}  # what Jermyn's numbers come from: the printed formula
ENOUGH = 8  # training sets: the fewest of which all alike decide a share
FEW = 8  # up to here the paper's hidden vectors are polygons
ALIKE = (0.8, 1.25)  # a measured number over what a law says, where the two are said to be the same
PEAK = (15, 60)  # T of the largest norms and lengths: the paper's 30, within a factor of two
POLYGONS_END = 30  # the last T of the paper's Figure 2, from where its test loss falls smoothly to the bump


def finite(tables: Tables) -> pd.DataFrame:
    """The trained cells of so many points, not of new ones at every step, with T (1 - S) as column scaled."""
    cells = tables.cells
    chosen: pd.DataFrame = cells[cells.selected & ~cells.fresh]
    return chosen.assign(scaled=chosen["T"] * (1 - chosen.S))


def few(tables: Tables) -> pd.DataFrame:
    """Those of no more points than the paper's polygons."""
    of = finite(tables)
    chosen: pd.DataFrame = of[of["T"] <= FEW]
    return chosen


def many(tables: Tables, enough: int = ENOUGH) -> pd.DataFrame:
    """Those of the largest T that so many training sets have (or as many as any has), if it is beyond the middle."""
    of = finite(tables)
    sets = of.groupby("T").data_seed.nunique()
    T = sets[sets >= min(enough, sets.max())].index.max() if len(sets) else 0
    last: pd.DataFrame = of[(of["T"] == T) & (of.scaled > MIDDLE[1])]
    return last


def complete(of: pd.DataFrame, name: str, enough: int | None = None) -> pd.DataFrame:
    """A column by training set and T: those T that enough sets have, and the sets that have all of these.

    enough: so many, or as many as any T has; None: half as many as any has.
    """
    over_T = of.pivot(index="data_seed", columns="T", values=name)
    sets = over_T.notna().sum()
    most = sets.max() if len(over_T) else 0
    return over_T.loc[:, sets >= (most / 2 if enough is None else min(enough, most))].dropna()


def peaks(over_T: pd.DataFrame) -> pd.Series:
    """T at which each row of `complete` is highest: the top of the parabola in log T through its highest three.

    The first T or the last, where a row is highest there.
    """
    log_T, found = np.log(over_T.columns.to_numpy(dtype=float)), {}
    for seed, row in over_T.iterrows():
        k = int(row.to_numpy().argmax())
        found[seed] = float(over_T.columns[k])
        if 0 < k < len(row) - 1:
            square, slope, _ = np.polyfit(log_T[k - 1 : k + 2] - log_T[k], row.iloc[k - 1 : k + 2].to_numpy(), 2)
            found[seed] *= float(np.exp(-slope / (2 * square))) if square < 0 else 1.0
    return pd.Series(found, dtype=float)


class Bump(NamedTuple):
    """The highest mean test loss of the middle regime, and the lowest means on either side of it."""

    T: int
    peak: float
    dip_T: int  # smaller, from POLYGONS_END on
    dip: float
    floor_T: int  # larger
    floor: float  # lowest mean at larger T

    @property
    def height(self) -> float:
        """What more data cost: the peak above the dip before it."""
        return self.peak - self.dip


def find_bump(chosen: pd.DataFrame) -> Bump | None:
    """The bump in a table of one cell a (T, data_seed); None where the table has no T on both sides of it."""
    by_T = chosen.groupby("T").test_loss.mean()
    middle = by_T[by_T.index.isin(chosen["T"][(chosen["T"] * (1 - chosen.S)).between(*MIDDLE)])]
    T = int(str(middle.idxmax())) if len(middle) else 0
    before, after = by_T[(by_T.index >= POLYGONS_END) & (by_T.index < T)], by_T[by_T.index > T]
    if not (len(before) and len(after)):
        return None
    dip_T = int(str(before.idxmin()))
    return Bump(T, by_T[T], dip_T, by_T[dip_T], int(str(after.idxmin())), after.min())


def bump_rises(chosen: pd.DataFrame) -> pd.DataFrame:
    """How far test loss rises to the bump and falls after it: a row a training set, columns rise and fall.

    Takes a table of one cell a (T, data_seed), of which those count that `complete` has from POLYGONS_END on. Where the
    highest mean is, is chance too, so each training set's rise and fall are taken at those T that are the bump of all
    others. Empty where there are fewer than three training sets, or no T on both sides of the middle regime.
    """
    chosen = chosen[chosen["T"] >= POLYGONS_END]
    losses = complete(chosen, "test_loss")
    rows = {}
    for seed in losses.index if len(losses) > 2 else []:
        others = chosen.data_seed.isin(losses.index) & (chosen.data_seed != seed)
        bump = find_bump(chosen[others & chosen["T"].isin(losses.columns)])
        if bump:
            own = losses.loc[seed]
            rows[seed] = own[bump.T] - own[bump.dip_T], own[bump.T] - own[bump.floor_T]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["rise", "fall"], dtype=float)


def bump_parts(chosen: pd.DataFrame) -> list[Part]:
    """Whether test loss rises to the bump in most training sets, and falls after it; none where `bump_rises` has none.

    Rises differ by orders of magnitude between training sets, so that their signs decide and not their mean.
    """
    rises = bump_rises(chosen)
    words = {"rise": "whose test loss rises", "fall": "whose test loss falls after it"}
    return [intervals.more_often(words[name], rises[name]) for name in words if len(rises)]


def typical_rise(chosen: pd.DataFrame) -> list[Part]:
    """The rise and the fall at the bump, for questions: their mean."""
    rises = bump_rises(chosen)
    return [intervals.mean(name, rises[name]) for name in ("rise", "fall") if len(rises)]
