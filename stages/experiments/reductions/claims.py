"""What changes, and what does not, where the error is summed over features rather than averaged."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals, labelled_rows, question
from stages.claims.regimes import MIDDLE
from stages.core.tables import Tables

HIGHER = 10  # times the excess of test loss over that of output 0, from which one is said to be far above the other
FLOOR = 0.01  # of a mean's excess there
BOTH = ["mean", "sum"]


def trained(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells, with T (1 - S) as column scaled."""
    of = cells[cells.status == "trained"]
    return of.assign(scaled=of["T"] * (1 - of.S))


def _by_reduction(of: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Values, one a training set and reduction, as a row a training set; those that have both."""
    wide: pd.DataFrame = of.assign(value=values).pivot(index="data_seed", columns="reduction", values="value")
    return wide.reindex(columns=BOTH).dropna()


@claim(
    "R1",
    "a sum raises the test loss of the middle regime by orders of magnitude",
    source="replications of the paper, which sum",
    says="1.015 in the paper, hundreds or thousands in replications",
)
def middle(tables: Tables, measure: Any) -> Finding:
    """The highest test loss of the middle regime, under both."""
    of = trained(tables.cells)
    of = of[of.scaled.between(*MIDDLE)]
    worst = of.loc[of.groupby(["data_seed", "reduction"]).test_loss.idxmax()]
    excess = _by_reduction(worst, (worst.test_loss - 1).clip(lower=FLOOR))
    return Finding(
        [intervals.ratio("excess under a sum over that under a mean", excess["sum"] / excess["mean"], least=HIGHER)],
        {"test loss": labelled_rows(of.groupby(["T", "reduction"]).test_loss.agg(["min", "max"]), "T", "reduction")},
        f"Excess: the highest test loss of the middle regime above 1, that of output 0, and {FLOOR} at least.",
    )


@question("Are few points stored as points either way?")
def first(tables: Tables, measure: Any) -> Finding:
    """Whether points' dimensionalities are above features' at small T."""
    of = trained(tables.cells)
    few = of[of.scaled <= MIDDLE[0] / 2]
    points = (few.D_x_max > few.D_f_max).groupby([few.data_seed, few.reduction]).all().unstack("reduction")
    means = few.groupby(["T", "reduction"])[["D_x_max", "D_f_max"]].mean()
    return Finding(
        [intervals.share(f"training sets where they are, {name}", points[name], among=2) for name in points],
        labelled_rows(means, "T", "reduction") if len(few) else None,
        """Training sets where, up to half of where the middle regime begins, the largest dimensionality is a point's at
        every T. A feature that only one point has can stand for that point.""",
    )


@question("Does what many points teach generalise alike either way?")
def last(tables: Tables, measure: Any) -> Finding:
    """Test loss against the best constant output, at the largest T."""
    of = trained(tables.cells)
    of = of[of["T"] == of["T"].max()]
    gain = _by_reduction(of, of.constant_loss - of.test_loss)
    parts = [intervals.mean(f"below the best constant output, {name}", gain[name], among=3) for name in gain]
    apart = intervals.mean("a sum's less a mean's", gain["sum"] - gain["mean"], among=3)
    return Finding([*parts, apart], note="Test loss at the largest T.")
