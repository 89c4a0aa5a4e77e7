"""The bump of test loss against weight decay and against the number of steps."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables
from stages.statistics.regimes import CLEAR, Bump, find_bump


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


def summary(tables: Tables, measure: Any) -> Summary:
    """Weight decay removes the bump, steps raise it."""
    by = {name: bumps(of, name) for name, of in slices(tables.cells).items()}
    decay, steps = by["weight_decay"], by["steps"]
    claims = [
        _claim(
            "a weight decay of 1 removes the bump",
            "removed",
            decay,
            any(
                bump.height > max(CLEAR * bump.standard_error, 10 * decay[max(decay)].height)
                for value, bump in decay.items()
                if value < 1
            )
            if len(decay) > 1 and max(decay) >= 1
            else None,
            f"holds if at a smaller decay it is over {CLEAR} standard errors high, and ten times as high as at 1",
        ),
        _claim(
            "less weight decay makes a larger bump",
            "larger",
            decay,
            decay[min(decay)].height > max(bump.height for value, bump in decay.items() if value > min(decay))
            if len(decay) > 1
            else None,
            "holds if it is highest at the least decay",
        ),
        _claim(
            "more steps make a larger bump",
            "larger",
            steps,
            steps[max(steps)].height - steps[min(steps)].height
            > 2 * (steps[max(steps)].standard_error + steps[min(steps)].standard_error)
            if len(steps) > 1
            else None,
            "holds if it is higher with the most steps than with the fewest, by more than two standard errors of both",
        ),
    ]
    return Summary({f"bump_decay_{value:g}": bump.height for value, bump in decay.items()}, claims)


def _claim(text: str, paper: str, found: dict[float, Bump], holds: bool | None, note: str) -> Claim:
    return Claim(
        text,
        "appendix, m = 4",
        paper,
        {f"bump at {value:g}": bump.height for value, bump in found.items()} or None,
        {f"standard error at {value:g}": bump.standard_error for value, bump in found.items()},
        None if holds is None else bool(holds),
        f"bump: the highest mean test loss of the middle regime above the lowest before it; {note}",
    )
