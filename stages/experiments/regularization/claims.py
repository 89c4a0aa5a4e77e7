"""The bump of test loss against weight decay and against the number of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals
from stages.claims.regimes import Bump, bump_rises, find_bump
from stages.core.tables import Tables

USUAL = 0.01  # weight decay
REMOVED = 0.1  # of the bump at the usual weight decay: what may be left of one that is removed


def slices(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The trained cells by weight decay, and by steps, each at the other's usual value (the grid's most frequent)."""
    chosen = cells[cells.selected]
    usual = {name: chosen[name].mode().iloc[0] for name in ("weight_decay", "steps")} if len(chosen) else {}
    return {
        name: chosen[chosen[other] == usual[other]] if usual else chosen
        for name, other in (("weight_decay", "steps"), ("steps", "weight_decay"))
    }


def bumps(cells: pd.DataFrame, by: str) -> dict[float, Bump]:
    """The bump at each value of an axis, where its grid of T has both sides of one."""
    found = {float(value): find_bump(cells[cells[by] == value]) for value in sorted(cells[by].unique())}
    return {value: bump for value, bump in found.items() if bump}


def rises(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """How far test loss rises to the bump: a row a training set, a column for each value of the axis, in order."""
    found = {value: bump_rises(cells[cells[by] == value]).rise for value in sorted(map(float, cells[by].unique()))}
    return pd.DataFrame({value: rise for value, rise in found.items() if len(rise)}, dtype=float).dropna()


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The bump at each weight decay."""
    found = bumps(slices(tables.cells)["weight_decay"], "weight_decay")
    return {f"bump_decay_{value:g}": bump.height for value, bump in found.items()}


@claim("A2", "a weight decay of 1 removes the bump", source="appendix, m = 4", says="removed")
def decay_removes(tables: Tables, measure: Any) -> Finding:
    """What is left of the bump at a weight decay of 1."""
    rise = rises(slices(tables.cells)["weight_decay"], "weight_decay")
    if 1.0 not in rise or rise.shape[1] < 2:
        return Finding()
    usual = USUAL if USUAL in rise else float(rise.columns[0])
    return Finding(
        [
            intervals.more_often(f"with a bump at {usual:g}", rise[usual]),
            intervals.more_often(f"whose bump at 1 is less than {REMOVED} of that", REMOVED * rise[usual] - rise[1.0]),
        ],
        _heights(rise),
        NOTE,
    )


@claim("A2", "less weight decay makes a larger bump", source="appendix, m = 4", says="larger")
def less_decay(tables: Tables, measure: Any) -> Finding:
    """The bump at each weight decay, less that at the next."""
    return _ordered(rises(slices(tables.cells)["weight_decay"], "weight_decay").iloc[:, ::-1])


@claim("A1", "more steps make a larger bump", source="appendix, m = 4", says="larger")
def more_steps(tables: Tables, measure: Any) -> Finding:
    """The bump with the most steps, less that with the fewest."""
    rise = rises(slices(tables.cells)["steps"], "steps")
    if rise.shape[1] < 2:
        return Finding()
    most, fewest = rise.iloc[:, -1], rise.iloc[:, 0]
    what = f"whose bump with {most.name:,.0f} steps is above that with {fewest.name:,.0f}"
    return Finding([intervals.more_often(what, most - fewest)], _heights(rise), NOTE)


def _ordered(rise: pd.DataFrame) -> Finding:
    """Whether each column's bumps are larger than those of the one before."""
    pairs = list(zip(rise.columns[:-1], rise.columns[1:], strict=True))
    return Finding(
        [intervals.more_often(f"whose bump at {b:g} is above that at {a:g}", rise[b] - rise[a]) for a, b in pairs],
        _heights(rise),
        NOTE,
    )


NOTE = """Bump: the highest test loss of the middle regime above the lowest before it, at the T where the other training
sets have them. More than half of the training sets. The middle regime is that of m = 2, where the bump at m = 4 may lie
beyond it."""


def _heights(rise: pd.DataFrame) -> dict[str, float] | None:
    return {f"bump at {value:g}": float(rise[value].mean()) for value in rise} if len(rise) else None
