"""Figure 2 of the paper: trained on a few points, the model stores them as the corners of a regular polygon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.claims import Claim, Summary
from stages.params import Measure
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.polygon import is_regular, norms_in_span, polygon

COLUMNS = {
    "regular": Column(bool, "the hidden vectors form a regular T-gon, within measure.regular"),
    "radius": Column(float, "mean length of the hidden vectors"),
    "D_x_deviation": Column(float, "largest |D_x T / m - 1| among the points"),
    "norm_W_span": Column(float, "Frobenius norm of W within the span of the points"),
    "norm_b_span": Column(float, "norm of b within the span of the points"),
}

WORDS = {"random": "random", "disjoint": "orthonormal"}
TOLERANCE = 0.02  # of the exact law's D_x, radius and norms, on exactly orthonormal points


def cell(W: NDArray[np.float32], b: NDArray[np.float32], points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    h = points.hidden(W)
    norm_W, norm_b = norms_in_span(W, b, points)
    return {
        "regular": len(W) == 2 and points.T > 2 and is_regular(h, measure.regular),
        "radius": np.linalg.norm(h, axis=1).mean(),
        "D_x_deviation": np.abs(dimensionality(h) * points.T / len(W) - 1).max(),
        "norm_W_span": norm_W,
        "norm_b_span": norm_b,
    }


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """How often T-gons form, and how closely they follow the exact law."""
    trained = cells[cells.status == "trained"]
    paper_decay = trained[trained.weight_decay == trained.weight_decay.min()]
    best = paper_decay[paper_decay.selected].groupby(["supports", "T"]).regular.mean()
    every = paper_decay.groupby(["supports", "T"]).regular.mean()
    exact = trained[trained.regular & (trained.supports == "disjoint") & (trained["T"] > 3)]
    headline = {f"polygons_{WORDS[supports]}": float(best[supports].mean()) for supports in best.index.levels[0]}
    claims = [
        *(_forms(supports, best[supports], every[supports]) for supports in best.index.levels[0]),
        *(_law(decay, runs) for decay, runs in exact.groupby("weight_decay")),
    ]
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


def _forms(supports: str, best: pd.Series, every: pd.Series) -> Claim:
    return Claim(
        f"few points form a regular polygon ({WORDS[supports]} points)",
        "Figure 2",
        "polygons at T = 3, 5, 6, 8, 10, though two circles at its own T = 8",
        {f"T={T}": value for T, value in best.items()},
        {f"T={T}": value for T, value in every.items()},
        bool((best[best.index.isin([5, 6])] >= 0.5).all()),
        "measured: share of training sets whose initialisation of lowest train loss is regular; spread: share of all "
        "runs. Holds if at least half the sets are regular at T = 5 and at 6: three points more than 90 degrees apart "
        "are stored exactly whatever their angles, and from T = 8 many runs end on two circles. Random points overlap, "
        "so their best polygon is not quite regular",
    )


def _law(decay: Any, runs: pd.DataFrame) -> Claim:
    deviation = deviations(runs)
    return Claim(
        f"regular polygons of orthonormal points follow the exact law (weight decay {decay:g})",
        "derived: stages/toy/polygon.py",
        f"D_x = 2 / T, radius and norms within {TOLERANCE:.0%}",
        deviation.median().to_dict(),
        {name: [float(column.min()), float(column.max())] for name, column in deviation.items()},
        bool((deviation.median() <= TOLERANCE).all()),
        "relative deviations of the regular runs at T > 3, median and range, norms within the span of the points. Any "
        "radius from the exact one up stores the points exactly; decay moves a run to the least only at a rate of "
        "weight decay x learning rate, and 1e-2 x 25 (the schedule's sum) is a quarter of the way",
    )
