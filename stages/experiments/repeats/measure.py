"""Which points that are in the training set several times are memorised, by two tests.

    top         Jermyn's: its D_x, that of each copy, is among the highest .1 % of all points
    recalled    ours: the model's error on the point is below half of what an output of 0 would make

The first always finds someone at the top, and a copy's D_x is at most 1 / R; the second says what the network does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Claim, Summary, labelled
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model, point_losses
from stages.toy.spec import Measure

COLUMNS = {
    "repeated_loss": Column(float, "mean error on the repeated points"),
    "repeated_top": Column(float, "share of the repeated points whose D_x is among the highest .1 % of all points"),
    "repeated_recalled": Column(float, "share of the repeated points with an error below half of that of output 0"),
    "others_recalled": Column(float, "share of the other points with an error below half of that of output 0"),
}
TESTS = {"repeated_top": "top .1 % of D_x", "repeated_recalled": "recalled"}
BOUNDARY = 0.4  # Jermyn's: memorised from R = BOUNDARY T / n


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell; the repeated points are those that weigh more."""
    repeated = np.arange(points.T) < 1 if points.weight is None else points.weight > 1
    D, loss = dimensionality(model.hidden(points), points.weight), point_losses(model, points)
    zero = np.add.reduceat(points.value.astype(np.float64) ** 2, points.start[:-1])
    rank = (D[None, :] > D[repeated, None]).sum(axis=1)
    recalled = loss < zero / 2
    return {
        "repeated_loss": loss[repeated].mean(),
        "repeated_top": (rank < max(1.0, 1e-3 * points.T)).mean(),
        "repeated_recalled": recalled[repeated].mean(),
        "others_recalled": recalled[~repeated].mean() if not repeated.all() else None,
    }


def mapped(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of the T x R map: one repeated point, not watched."""
    chosen: pd.DataFrame = cells[cells.selected & (cells.repeated == 1) & (cells.snapshots == 0)]
    return chosen


def watched(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells that were watched."""
    chosen: pd.DataFrame = cells[cells.selected & (cells.snapshots > 0)]
    return chosen


def agreement(of: pd.DataFrame, test: str, boundary: float = BOUNDARY) -> float:
    """How many runs of a point that is there twice or more are on the side of R = boundary T / n they should be on.

    The mean of the shares above and below it, so that neither side counts for more; 0 where a side has no runs.
    """
    several = of[of.copies > 1]
    above = several.copies > boundary * several["T"] / several.n
    right = above == (several[test] > 0.5)
    return float((right[above].mean() + right[~above].mean()) / 2) if above.nunique() > 1 else 0.0


def best_boundary(of: pd.DataFrame, test: str) -> float | None:
    """The c whose R = c T / n has the highest `agreement` (the middle, in logarithms); None if all runs are alike."""
    if of[of.copies > 1][test].gt(0.5).nunique() < 2:
        return None
    candidates = np.geomspace(0.02, 50, 400)
    shares = np.array([agreement(of, test, c) for c in candidates])
    return float(np.exp(np.log(candidates[shares == shares.max()]).mean()))


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """The boundary, what a repeated point does to the features, and many of them."""
    of, seen = mapped(cells), watched(cells)
    claims = [_boundary(of, test) for test in TESTS] + [_few_repeats(seen), _suppresses(of), _many(seen)]
    best = best_boundary(of, "repeated_recalled")
    return Summary({"boundary_recalled": best} if best else {}, claims)


def _boundary(of: pd.DataFrame, test: str) -> Claim:
    best = best_boundary(of, test)
    share = agreement(of, test) if best else 0.0
    return Claim(
        f"a point is memorised from R = 0.4 T / n copies on ({TESTS[test]})",
        "Jermyn's comment",
        "R about 0.4 T / n, derived from gradients; agrees by eye",
        {
            "runs on their side of it": share,
            "best c of R = c T / n": best,
            "on their side of that": agreement(of, test, best),
        }
        if best
        else None,
        labelled(of.groupby(["T", "copies"])[test].mean(), "T", "R"),
        share >= 0.9 if best else None,
        "of runs with R of 2 and more, the shares above and below the boundary that are on the right side, their mean; "
        "holds if .9 or more; spread: share memorised at each T and R",
    )


def _few_repeats(seen: pd.DataFrame) -> Claim:
    one = seen[(seen.repeated == 1) & (seen["T"] / seen.n).between(2.5, 3.5)]
    rate = one.groupby("copies").repeated_recalled.mean()
    few, many = rate[rate.index <= 3], rate[rate.index >= 5]
    known = len(few) > 0 and len(many) > 0
    return Claim(
        "at T = 3 n two copies of a point change nothing, five make it memorised",
        "Jermyn's comment, T = 30,000 of n = 10,000",
        "2-3 repeats change nothing, 5 do",
        labelled(rate, "R") if known else None,
        labelled(one.groupby("copies").features_learned.mean(), "features at R"),
        bool(few.max() < 0.5 and many.min() > 0.5) if known else None,
        "share of the watched runs that recall the point; holds if fewer than half do at R up to 3, and more than half "
        "from 5 on; spread: mean number of features learned",
    )


def _suppresses(of: pd.DataFrame) -> Claim:
    far = of[of["T"] / of.n >= 2]
    stored, without = far[far.repeated_recalled > 0.5], far[(far.copies == 1) & (far.repeated_recalled < 0.5)]
    means = pd.DataFrame(
        {name: runs.groupby("T").features_learned.mean() for name, runs in (("beside", stored), ("without", without))}
    ).dropna()
    fewer = means.without - means.beside
    return Claim(
        "a memorised point takes a feature's place",
        "Jermyn's comment",
        "embedded beside four features, suppresses the fifth",
        {"features fewer": float(fewer.mean())} if len(fewer) else None,
        {
            f"T={T}": {"features beside it": float(row.beside), "features without": float(row.without)}
            for T, row in means.iterrows()
        },
        bool(0.5 < fewer.mean() < 1.5) if len(fewer) else None,
        "features learned in runs that recall the point, and where it is there once, compared at each T >= 2 n; "
        "holds if about one fewer",
    )


def _many(seen: pd.DataFrame) -> Claim:
    many = seen[seen.repeated > 5]
    return Claim(
        "of more than five repeated points, five are stored and no feature",
        "Jermyn's comment",
        "five are embedded, all features suppressed",
        {
            "recalled": float((many.repeated_recalled * many.repeated).mean()),
            "of": float(many.repeated.mean()),
            "features": float(many.features_learned.mean()),
        }
        if len(many)
        else None,
        {"recalled": sorted(many.repeated_recalled * many.repeated), "features": sorted(many.features_learned)},
        bool((many.features_learned == 0).all() and ((many.repeated_recalled * many.repeated).round() == 5).all())
        if len(many)
        else None,
        "mean over the watched runs; holds if each recalls five and has no feature learned",
    )
