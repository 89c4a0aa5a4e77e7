"""What changes, and what does not, where the error is summed over features rather than averaged."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled, labelled_rows
from stages.core.tables import Tables
from stages.statistics.intervals import above_zero
from stages.statistics.regimes import MIDDLE

HIGHER = 10  # times the excess of test loss over that of output 0, from which one is said to be far above the other
FLOOR = 0.01  # of a mean's excess there
ALIKE = 0.1  # of what is gained over the best constant output


def trained(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells, with T (1 - S) as column scaled."""
    of = cells[cells.status == "trained"]
    return of.assign(scaled=of["T"] * (1 - of.S))


def summary(tables: Tables, measure: Any) -> Summary:
    """The two differ in how badly the middle regime generalises, and end alike."""
    of = trained(tables.cells)
    return Summary({}, [_middle(of), _first(of), _last(of)])


def _middle(of: pd.DataFrame) -> Claim:
    worst = of[of.scaled.between(*MIDDLE)].groupby("reduction").test_loss.max()
    known = {"mean", "sum"} <= set(worst.index)
    return Claim(
        "a sum raises the test loss of the middle regime by orders of magnitude",
        "replications of the paper, which sum",
        "1.015 in the paper, hundreds or thousands in replications",
        labelled(worst, "reduction") if known else None,
        labelled_rows(of.groupby(["T", "reduction"]).test_loss.agg(["min", "max"]), "T", "reduction"),
        bool(worst["sum"] - 1 > HIGHER * max(worst["mean"] - 1, FLOOR)) if known else None,
        f"highest test loss there; holds if it is above 1, that of output 0, by more than {HIGHER} times a mean's",
    )


def _first(of: pd.DataFrame) -> Claim:
    few = of[of.scaled <= MIDDLE[0] / 2]
    by = few.groupby(["T", "reduction"])[["D_x_max", "D_f_max"]].mean()
    return Claim(
        "few points are stored as points either way",
        "this project's question",
        "not tested",
        labelled_rows(by, "T", "reduction") if len(few) else None,
        None,
        bool((few.D_x_max > few.D_f_max).all()) if len(few) else None,
        "largest dimensionality of a point and of a feature; holds if the point's is the larger in every run up to "
        "half of where the middle regime begins. Fails where a feature that only one point has stands for that point",
    )


def _last(of: pd.DataFrame) -> Claim:
    last = of[of["T"] == of["T"].max()]
    gain = last.assign(gain=last.constant_loss - last.test_loss).pivot_table(
        index="data_seed", columns="reduction", values="gain"
    )
    known = len(gain) > 1 and {"mean", "sum"} <= set(gain)
    apart = (gain["sum"] - gain["mean"]).abs() if known else pd.Series(dtype=float)
    return Claim(
        "many points: what is learned generalises alike either way",
        "this project's question",
        "not tested",
        {"sum": gain["sum"].mean(), "mean": gain["mean"].mean()} if known else None,
        labelled(apart, "data_seed"),
        bool((gain > 0).all(axis=None) and above_zero(ALIKE * gain["mean"] - apart)) if known else None,
        "test loss below that of the best constant output at the largest T; holds if above 0 in every run, and the two "
        f"differ by less than {ALIKE} of it, by two standard errors over training sets; spread: how far apart",
    )
