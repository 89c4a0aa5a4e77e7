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
from stages.params import Measure
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model, point_losses

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
    """Share of the map's runs on the side of R = boundary T / n that they should be on."""
    return float(((of.copies > boundary * of["T"] / of.n) == (of[test] > 0.5)).mean())


def best_boundary(of: pd.DataFrame, test: str) -> float:
    """The c whose R = c T / n most runs agree with (the middle, in logarithms, of the best ones)."""
    candidates = np.geomspace(0.02, 50, 300)
    shares = np.array([agreement(of, test, c) for c in candidates])
    return float(np.exp(np.log(candidates[shares == shares.max()]).mean()))


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """The boundary, what a repeated point does to the features, and many of them."""
    of, seen = mapped(cells), watched(cells)
    claims = [_boundary(of, test) for test in TESTS] + [
        _few_repeats(of),
        _suppresses(of),
        _many(seen),
    ]
    headline = {}
    if len(of):
        headline = {"boundary_recalled": best_boundary(of, "repeated_recalled")}
    return Summary(headline, claims)


def _boundary(of: pd.DataFrame, test: str) -> Claim:
    both = len(of) > 0 and of[test].gt(0.5).nunique() > 1
    share, best = (agreement(of, test), best_boundary(of, test)) if both else (0.0, 0.0)
    return Claim(
        f"a point is memorised from R = 0.4 T / n copies on ({TESTS[test]})",
        "Jermyn's comment",
        "R about 0.4 T / n, derived from gradients; agrees by eye",
        {
            "runs on their side of it": share,
            "best c of R = c T / n": best,
            "on their side of that": agreement(of, test, best),
        }
        if both
        else None,
        labelled(of.groupby(["T", "copies"])[test].mean(), "T", "R"),
        share >= 0.9 if both else None,
        "holds if nine runs of ten lie on the right side; spread: share memorised at each T and R",
    )


def _few_repeats(of: pd.DataFrame) -> Claim:
    far = of[of["T"] / of.n >= 2]
    rate = far.groupby("copies").repeated_recalled.mean()
    early = of[(of.copies > 1)].groupby(["T", "copies"]).repeated_recalled.mean()
    few = rate[(rate.index > 1) & (rate.index <= 2)]
    return Claim(
        "two copies beside many points change nothing",
        "Jermyn's comment, T = 30,000 of n = 10,000",
        "2-3 repeats change nothing, 5 do",
        labelled(rate, "R") if len(few) else None,
        labelled(early, "T", "R"),
        bool(few.max() < 0.5) if len(few) else None,
        "share of runs at T >= 2 n that recall the point; holds if fewer than half do at R = 2",
    )


def _suppresses(of: pd.DataFrame) -> Claim:
    far = of[of["T"] / of.n >= 2]
    stored = far[far.repeated_recalled > 0.5].features_learned
    without = far[far.copies == 1].features_learned
    known = len(stored) > 2 and len(without) > 2
    return Claim(
        "a memorised point takes a feature's place",
        "Jermyn's comment",
        "embedded beside four features, suppresses the fifth",
        {"features beside it": float(stored.mean()), "features without": float(without.mean())} if known else None,
        {"beside it": sorted(stored), "without": sorted(without)},
        bool(0.5 < without.mean() - stored.mean() < 1.5) if known else None,
        "mean number of features learned at T >= 2 n, in runs that recall the point and in those where it is there "
        "once; holds if about one fewer",
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
