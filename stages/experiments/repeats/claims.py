"""From how many copies on a point is memorised, and what it does to the features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.tables import Tables

TESTS = {"repeated_top": "top .1 % of D_x", "repeated_recalled": "recalled"}
BOUNDARY = 0.4  # Jermyn's: memorised from R = BOUNDARY T / n


def mapped(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of the T x R map: one repeated point, not watched."""
    chosen: pd.DataFrame = cells[cells.selected & (cells.repeated == 1) & (cells.snapshots == 0)]
    return chosen


def watched(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells that were watched."""
    chosen: pd.DataFrame = cells[cells.selected & (cells.snapshots > 0)]
    return chosen


def agreement(runs: pd.DataFrame, test: str, boundary: float = BOUNDARY) -> float:
    """How many runs of a point that is there twice or more are on the side of R = boundary T / n they should be on.

    The mean of the shares above and below it, so that neither side counts for more; 0 where a side has no runs.
    """
    several = runs[runs.copies > 1]
    above = several.copies > boundary * several["T"] / several.n
    right = above == (several[test] > 0.5)
    return float((right[above].mean() + right[~above].mean()) / 2) if above.nunique() > 1 else 0.0


def best_boundary(runs: pd.DataFrame, test: str) -> float | None:
    """The c whose R = c T / n has the highest `agreement` (the middle, in logarithms); None if all runs are alike."""
    if runs[runs.copies > 1][test].gt(0.5).nunique() < 2:
        return None
    candidates = np.geomspace(0.02, 50, 400)
    shares = np.array([agreement(runs, test, c) for c in candidates])
    return float(np.exp(np.log(candidates[shares == shares.max()]).mean()))


def summary(tables: Tables, measure: Any) -> Summary:
    """The boundary, what a repeated point does to the features, and many of them."""
    runs, seen = mapped(tables.cells), watched(tables.cells)
    claims = [_boundary(runs, test) for test in TESTS] + [_few_repeats(seen), _suppresses(runs), _many(seen)]
    best = best_boundary(runs, "repeated_recalled")
    return Summary({"boundary_recalled": best} if best else {}, claims)


def _boundary(runs: pd.DataFrame, test: str) -> Claim:
    best = best_boundary(runs, test)
    share = agreement(runs, test) if best else 0.0
    return Claim(
        f"a point is memorised from R = 0.4 T / n copies on ({TESTS[test]})",
        "Jermyn's comment",
        "R about 0.4 T / n, derived from gradients; agrees by eye",
        {
            "runs on their side of it": share,
            "best c of R = c T / n": best,
            "on their side of that": agreement(runs, test, best),
        }
        if best
        else None,
        labelled(runs.groupby(["T", "copies"])[test].mean(), "T", "R"),
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


def _suppresses(runs: pd.DataFrame) -> Claim:
    far = runs[runs["T"] / runs.n >= 2]
    stored, without = far[far.repeated_recalled > 0.5], far[(far.copies == 1) & (far.repeated_recalled < 0.5)]
    means = pd.DataFrame(
        {name: part.groupby("T").features_learned.mean() for name, part in (("beside", stored), ("without", without))}
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
