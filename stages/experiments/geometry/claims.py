"""How often T-gons form, and how close to the exact one they are."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables
from stages.statistics.polygon import polygon

WORDS = {"random": "random", "disjoint": "orthonormal"}
PANELS = (5, 6, 8, 10)  # the paper's T where an exact solution has to be a regular polygon
TOLERANCE = 0.02  # of the exact law's D_x, radius and norms, on exactly orthonormal points


def summary(tables: Tables, measure: Any) -> Summary:
    """By kind of points, how many training sets end in a polygon; by weight decay, how closely they follow the law."""
    cells = tables.cells
    trained = cells[cells.status == "trained"]
    paper_decay = trained[trained.weight_decay == cells.weight_decay.min()]
    headline: dict[str, float | int] = {}
    claims = []
    for supports, of in paper_decay.groupby("supports"):
        regular = of.regular.astype(float)
        best, every = (r.groupby(of["T"]).mean() for r in (regular[of.selected], regular))
        headline[f"polygons_{WORDS[str(supports)]}"] = float(best.mean())
        claims.append(_forms(WORDS[str(supports)], best, every))
    exact = trained[trained.regular.eq(True) & (trained.supports == "disjoint") & (trained["T"] > 3)]
    claims += [_law(decay, exact[exact.weight_decay == decay]) for decay in sorted(cells.weight_decay.unique())]
    return Summary(headline, claims)


def deviations(exact: pd.DataFrame) -> pd.DataFrame:
    """Relative deviation of each run from the exact T-gon, one column a quantity (D_x, radius, norms of W and b)."""
    law = {T: polygon(T) for T in exact["T"].unique()}
    return pd.DataFrame(
        {
            "D_x": exact.D_x_deviation,
            "radius": (exact.radius / exact["T"].map(lambda T: law[T].radius) - 1).abs(),
            "norm_W": (exact.norm_W_span / exact["T"].map(lambda T: law[T].norm_W) - 1).abs(),
            "norm_b": (exact.norm_b_span / exact["T"].map(lambda T: law[T].norm_b) - 1).abs(),
        }
    )


def _forms(points: str, best: pd.Series, every: pd.Series) -> Claim:
    shown = best[best.index.isin(PANELS)]
    return Claim(
        f"few points form a regular polygon ({points} points)",
        "Figure 2",
        "polygons at T = 3, 5, 6, 8, 10, though two circles at its own T = 8",
        {f"T={T}": value for T, value in best.items()},
        {f"T={T}": value for T, value in every.items()},
        False if (shown < 0.5).any() else True if len(shown) == len(PANELS) else None,
        "measured: share of training sets whose initialisation of lowest train loss is regular; spread: share of all "
        "runs. Holds if at least half the sets are regular at T = 5, 6, 8 and 10; T = 3 need not be, as three points "
        "more than 90 degrees apart are stored exactly whatever their angles. From T = 8 many runs end on two circles, "
        "and random points overlap, so that their best polygon is not quite regular",
    )


def _law(decay: float, runs: pd.DataFrame) -> Claim:
    deviation = deviations(runs)
    return Claim(
        f"regular polygons of orthonormal points follow the exact law (weight decay {decay:g})",
        "derived: stages/statistics/polygon.py",
        f"D_x = 2 / T, radius and norms within {TOLERANCE:.0%}",
        deviation.median().to_dict() if len(runs) else None,
        {name: [float(column.min()), float(column.max())] for name, column in deviation.items()},
        bool((deviation.median() <= TOLERANCE).all()) if len(runs) else None,
        "relative deviations of the regular runs at T > 3, median and range, norms within the span of the points. Any "
        "radius from the exact one up stores the points exactly; decay moves a run to the least only at a rate of "
        "weight decay x learning rate, and 1e-2 x 25 (the schedule's sum) is a quarter of the way",
    )
