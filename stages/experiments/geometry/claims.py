"""How often T-gons form, and how close to the exact one they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows
from stages.claims.regimes import ALIKE
from stages.core.tables import Tables
from stages.statistics.polygon import polygon

WORDS = {"random": "random", "disjoint": "orthonormal"}
PANELS = (5, 6, 10, 15)  # the paper's polygons of which an exact solution has to be regular
LAST = 30  # up to here norms grow
DECAYS = (0.01, 0.1)  # the paper's; ten times it gets to the least norm
TOLERANCE = 0.02  # of the exact law's D_x, radius and norms, on exactly orthonormal points


def paper_runs(tables: Tables, supports: str) -> pd.DataFrame:
    """The trained cells at the paper's decay, on points of that kind."""
    cells = tables.cells
    decay = cells.weight_decay == cells.weight_decay.min()
    of: pd.DataFrame = cells[(cells.status == "trained") & decay & (cells.supports == supports)]
    return of.assign(regular=of.regular.astype(float))


def deviations(exact: pd.DataFrame) -> pd.DataFrame:
    """Relative deviation of each run from the exact T-gon, one column a quantity (D_x, radius, norms of W and b)."""
    law = {T: polygon(T) for T in exact["T"].unique()}
    return pd.DataFrame(
        {
            "D_x": exact.D_x_deviation,
            "radius": (exact.radius / exact["T"].map(lambda T: law[T].radius) - 1).abs(),
            "norm of W": (exact.norm_W_span / exact["T"].map(lambda T: law[T].norm_W) - 1).abs(),
            "norm of b": (exact.norm_b_span / exact["T"].map(lambda T: law[T].norm_b) - 1).abs(),
        }
    )


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The share of training sets that end in a polygon, a mean over T, by kind of points."""
    shares = {}
    for supports, word in sorted(WORDS.items()):
        of = paper_runs(tables, supports)
        if len(of):
            shares[f"polygons_{word}"] = float(of[of.selected].groupby("T").regular.mean().mean())
    return shares


@claim(
    "P1",
    "few points form a regular polygon (random points)",
    source="Figure 2",
    says="regular polygons at T = 3, 5, 6, 10 and 15; its T = 8 has failed",
)
def random_forms(tables: Tables, measure: Any) -> Finding:
    """On points as the paper's."""
    return _forms(
        paper_runs(tables, "random"), measure.regular, "They overlap, so that their best polygon is not quite regular."
    )


@claim(
    "P1",
    "few points form a regular polygon (orthonormal points)",
    source="Figure 2",
    says="regular polygons at T = 3, 5, 6, 10 and 15; its T = 8 has failed",
)
def orthonormal_forms(tables: Tables, measure: Any) -> Finding:
    """On points of which no two share a feature."""
    return _forms(paper_runs(tables, "disjoint"), measure.regular, "A regular polygon stores them exactly.")


def _forms(of: pd.DataFrame, tolerance: float, note: str) -> Finding:
    """How many training sets' runs of lowest train loss are regular, at each T."""
    best = of[of.selected].groupby("T").regular
    panels = {int(str(T)): regular for T, regular in best if T in PANELS}
    parts = [intervals.share(f"regular at T = {T}", regular, least=0.5) for T, regular in panels.items()]
    shares = pd.DataFrame({"training sets": best.mean(), "all runs": of.groupby("T").regular.mean()})
    return Finding(
        parts if len(parts) == len(PANELS) else [],
        labelled_rows(shares, "T") if len(shares) else None,
        f"""Share of training sets whose initialisation of lowest train loss is regular (radii and angles within
        {tolerance:.0%}); three points need not be, as they are stored exactly at many angles. {note} From T = 8 many
        runs end on two circles.""",
    )


@claim(
    "P9",
    "up to T = 30 the norms of W and b grow as those of a T-gon must",
    source="Figure 4",
    says="both rise to a peak near T = 30, as a T-gon's do",
)
def growth(tables: Tables, measure: Any) -> Finding:
    """The slope of log norm over log T, relative to the law's on the same T."""
    of = paper_runs(tables, "random")
    of = of[of.selected & of["T"].between(3, LAST)]
    T = sorted(map(int, of["T"].unique()))
    if len(T) < 3 or T[-1] < LAST:
        return Finding()
    parts, ratios = [], {}
    for name in ("norm_W", "norm_b"):
        word = f"norm of {name[-1]}"
        over_T = of.pivot(index="data_seed", columns="T", values=name).dropna()
        exact = pd.Series({t: getattr(polygon(t), name) for t in T})
        relative = _slopes(over_T) / _slopes(exact.to_frame().T).iloc[0]
        parts.append(intervals.mean(f"growth of the {word}", relative, least=ALIKE[0], most=ALIKE[1]))
        ratios[f"{word} over the T-gon's"] = (over_T / exact).mean()
    return Finding(
        parts,
        labelled_rows(pd.DataFrame(ratios), "T"),
        f"""Growth: slope of log norm over log T from T = {T[0]} to {LAST}, relative to that of the exact T-gon of
        orthonormal points; random points, the paper's decay, lowest train loss. A norm below the exact one means that
        not all points are stored.""",
    )


def _slopes(norms: pd.DataFrame) -> pd.Series[float]:
    """Of log norm over log T, which the columns are, by least squares in each row."""
    x = np.log(norms.columns.to_numpy(dtype=float))
    x -= x.mean()
    return pd.Series(np.log(norms.to_numpy(dtype=float)) @ x / (x @ x), norms.index)


@claim(
    "L1",
    f"regular polygons of orthonormal points have the exact law's size (weight decay {DECAYS[0]:g})",
    source="stages/statistics/polygon.py",
    says=f"D_x = 2 / T, and radius and norms, within {TOLERANCE:.0%}",
)
def at_the_paper_s_decay(tables: Tables, measure: Any) -> Finding:
    """Where decay has not the time to bring runs to the least norm."""
    return _law(tables, DECAYS[0])


@claim(
    "L2",
    f"regular polygons of orthonormal points have the exact law's size (weight decay {DECAYS[1]:g})",
    source="stages/statistics/polygon.py",
    says=f"D_x = 2 / T, and radius and norms, within {TOLERANCE:.0%}",
)
def at_more_decay(tables: Tables, measure: Any) -> Finding:
    """Where it has."""
    return _law(tables, DECAYS[1])


def _law(tables: Tables, decay: float) -> Finding:
    """Deviations of the regular runs, a mean over T and initialisations a training set."""
    cells = tables.cells
    regular = cells.regular.eq(True) & (cells.status == "trained") & (cells["T"] > 3)
    runs = cells[regular & (cells.supports == "disjoint") & np.isclose(cells.weight_decay, decay)]
    deviation = deviations(runs)
    means = deviation.groupby(runs.data_seed).mean()
    parts = [intervals.mean(str(name), means[name], most=TOLERANCE) for name in means]
    return Finding(
        parts if len(runs) else [],
        {f"largest deviation of {name}": labelled(deviation[name].groupby(runs["T"]).max(), "T") for name in means}
        if len(runs)
        else None,
        """Relative deviation, a mean over a training set's regular runs at T > 3; norms in the span of the points. Any
        larger radius stores the points as well; at decay 0.01 the schedule is a quarter of the way to the least.""",
    )
