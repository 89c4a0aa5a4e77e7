"""What changes, and what does not, where the error is summed over features rather than averaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows, question
from stages.claims.regimes import MIDDLE, PAPER, POLYGONS_END, SUM
from stages.core.tables import Tables

HIGHER = 10  # times the excess of test loss over that of output 0, from which one is said to be far above the other
FLOOR = 0.01  # of a mean's excess there
BOTH = ["mean", "sum"]
EARLY, LATE = 10, 20  # T (1 - S): where the paper has features, and from where Jermyn has them
RISEN = 0.01  # of the lowest test loss: how far above it the rise begins
TWICE = 2  # the factor within which an onset and a peak are Jermyn's


def trained(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells, with T (1 - S) as column scaled."""
    of = cells[cells.status == "trained"]
    return of.assign(scaled=(of["T"] * (1 - of.S)).round(6))


def shared(of: pd.DataFrame) -> list[int]:
    """Each T that both a mean and a sum have."""
    both = of.groupby("T").reduction.nunique() == len(BOTH)
    return sorted(both.index[both])


def _summed(of: pd.DataFrame, name: str) -> pd.DataFrame:
    """A column under a sum, as a row a training set and a column for each T (1 - S)."""
    of = of[of.reduction == "sum"]
    return of.pivot_table(index="data_seed", columns="scaled", values=name)


def onset(over: pd.Series) -> float:
    """The index, log-linear in between, from which test loss is RISEN above its lowest before the peak; NaN: none."""
    before = over.iloc[: int(over.to_numpy().argmax()) + 1]
    bound = (1 + RISEN) * before.min()
    last = int(np.flatnonzero(before <= bound)[-1])
    if last == len(before) - 1:
        return float("nan")
    (x, above), (low, high) = before.index[last : last + 2], before.iloc[last : last + 2]
    return float(x * (above / x) ** ((bound - low) / (high - low)))


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
    worst = of.reset_index(drop=True)
    worst = worst.loc[worst.groupby(["data_seed", "reduction"]).test_loss.idxmax()]
    excess = _by_reduction(worst, (worst.test_loss - 1).clip(lower=FLOOR))
    return Finding(
        [intervals.ratio("excess under a sum over that under a mean", excess["sum"] / excess["mean"], least=HIGHER)],
        {"test loss": labelled_rows(of.groupby(["T", "reduction"]).test_loss.agg(["min", "max"]), "T", "reduction")},
        f"Excess: the highest test loss of the middle regime above 1, that of output 0, and {FLOOR} at least.",
    )


@claim(
    "J1",
    "under a sum features appear only from T (1 - S) = 20 on",
    source="Jermyn's comment on the norms",
    says="features only from T = 20,000",
    under=PAPER | SUM,
)
def late(tables: Tables, measure: Any) -> Finding:
    """The largest D_f where the paper has features, and where his are."""
    largest = _summed(trained(tables.cells), "D_f_max")
    bounds = {EARLY: {"most": measure.learned}, LATE: {"least": measure.learned}}
    parts = [
        intervals.mean(f"largest D_f at T (1 - S) = {scaled}", largest[scaled], **bound)
        for scaled, bound in bounds.items()
        if scaled in largest
    ]
    return Finding(
        parts if len(parts) == len(bounds) else [],
        {"largest D_f": labelled(largest.mean(), "T (1 - S)")} if len(largest) else None,
        f"""A feature is learned from a D_f of {measure.learned} on. His T = 20,000 is T (1 - S) = {LATE}; the paper has
        features at {EARLY}.""",
    )


@claim(
    "J1",
    "under a sum test loss rises from T (1 - S) = 0.1 on, up to 5,000",
    source="Jermyn's comment on the norms",
    says="middle regime from T of about 100, test losses up to 5,000",
    under=PAPER | SUM,
)
def wide(tables: Tables, measure: Any) -> Finding:
    """Where test loss begins to rise, and its peak."""
    of = trained(tables.cells)
    losses = _summed(of[of["T"] >= POLYGONS_END], "test_loss").dropna(axis="columns")
    if losses.shape[1] < 3:
        return Finding()
    starts = losses.apply(onset, axis="columns")
    return Finding(
        [
            intervals.ratio("T (1 - S) where it has risen", starts, least=0.1 / TWICE, most=0.1 * TWICE),
            intervals.ratio("highest test loss", losses.max(axis="columns"), least=5000 / TWICE, most=5000 * TWICE),
        ],
        {"test loss": labelled(losses.mean(), "T (1 - S)")},
        f"""From T = {POLYGONS_END} on. Risen: {RISEN:.0%} above the lowest test loss before the peak. Both within a
        factor of {TWICE}. An output of 0 has a test loss of 1.""",
    )


@claim(
    "J2",
    "the norm of b is below that of W at small T, above it later, and below it again with features",
    source="Jermyn's comment on the norms",
    says="crosses twice",
    under=SUM,
)
def norms_cross(tables: Tables, measure: Any) -> Finding:
    """Which norm is larger, at three T."""
    of = trained(tables.cells)
    if of["T"].nunique() < 3 or not (of.scaled > MIDDLE[1]).any():
        return Finding()
    above = (of.norm_b > of.norm_W).groupby([of.data_seed, of["T"]]).all().unstack("T").dropna().astype(bool)
    parts = {
        f"below at T = {above.columns[0]}": ~above.iloc[:, 0],
        "above at some T": above.any(axis=1),
        f"below at T = {above.columns[-1]}": ~above.iloc[:, -1],
    }
    return Finding(
        [intervals.share(f"training sets whose norm of b is {what}", hit, least=0.5) for what, hit in parts.items()],
        {"norms": labelled_rows(of.groupby("T")[["norm_W", "norm_b"]].mean(), "T")},
        "At the smallest T, anywhere, and at the largest T. More than half of the training sets.",
    )


@claim(
    "J3",
    "under a sum the norm of b peaks at about three times the paper's",
    source="Jermyn's comment on the norms",
    says="about three times",
    under=PAPER,
)
def norms_peak(tables: Tables, measure: Any) -> Finding:
    """The largest norm of b over T, under a sum over that under a mean."""
    of = trained(tables.cells)
    peak = of.reset_index(drop=True)
    peak = peak.loc[peak.groupby(["data_seed", "reduction"]).norm_b.idxmax()]
    both = _by_reduction(peak, peak.norm_b)
    return Finding(
        [intervals.ratio("peak under a sum over that under a mean", both["sum"] / both["mean"], least=2, most=4.5)],
        {"norms": labelled_rows(of.groupby(["T", "reduction"])[["norm_W", "norm_b"]].mean(), "T", "reduction")},
        "The paper's loss is taken for a mean. Three, within a factor of 1.5.",
    )


@question("Are few points stored as points either way?")
def first(tables: Tables, measure: Any) -> Finding:
    """Whether points' dimensionalities are above features' at small T."""
    of = trained(tables.cells)
    few = of[of.scaled <= MIDDLE[0] / 2]
    points = (few.D_x_max > few.D_f_max).groupby([few.data_seed, few.reduction]).all().unstack("reduction")
    means = few.groupby(["T", "reduction"])[["D_x_max", "D_f_max"]].mean()
    return Finding(
        [intervals.share(f"training sets where they are, {name}", points[name]) for name in points],
        labelled_rows(means, "T", "reduction") if len(few) else None,
        """Training sets where, up to half of where the middle regime begins, the largest dimensionality is a point's at
        every T. A feature that only one point has can stand for that point.""",
    )


@question("Does what many points teach generalise alike either way?")
def last(tables: Tables, measure: Any) -> Finding:
    """Test loss against the best constant output, at the largest T."""
    of = trained(tables.cells)
    of = of[of["T"] == max(shared(of), default=0)]
    gain = _by_reduction(of, of.constant_loss - of.test_loss)
    parts = [intervals.mean(f"below the best constant output, {name}", gain[name]) for name in gain]
    apart = intervals.mean("a sum's less a mean's", gain["sum"] - gain["mean"])
    return Finding([*parts, apart], note="Test loss at the largest T of both.")
