"""Whether stored points and features are attractors, and what the others are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals, question
from stages.core.tables import Tables
from stages.experiments.attractors import KINDS

ANSWERED = 0.9  # share of training points from which on a model has stored them
TURNED = 500  # points from which on unseen inputs no longer end at rest (m = 2)
MANY = 1000  # points from which on features are learned (n = 1,000, S = .99, m = 2)
UNIT = "An interval is over training sets."


def trained(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that have a model, trained from random weights."""
    found: pd.DataFrame = cells[(cells.status == "trained") & (cells.supports == "random")]
    return found


def per_set(cells: pd.DataFrame, column: str) -> pd.Series:
    """Means of a column over the models of each training set."""
    means: pd.Series = cells.groupby("data_seed")[column].mean()
    return means


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Of models that store all points: the share of points that are attractors, up to T = 2 m and beyond."""
    few, more = storing(tables.cells)
    kept = {"kept_up_to_2m": few, "kept_beyond_2m": more}
    return {name: float(of.points_kept.mean()) for name, of in kept.items() if len(of)}


def storing(cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Models whose output for nearly all training points is near the point: those of T <= 2 m, and of more."""
    of = trained(cells)
    of = of[of.points_answered > ANSWERED]
    return of[of["T"] <= 2 * of.m], of[of["T"] > 2 * of.m]


@claim(
    "L9",
    "corners of a triangle are attractors; of five, six or eight none is: they end half-way between two",
    source="stages/families/toy/model/iteration.py",
    says="beside a corner a neighbour's weight grows by 1 / (1 - cos(2 pi / T)) a step: above 1 from T = 5 on",
)
def halfway(tables: Tables, measure: Any) -> Finding:
    """Models trained from regular polygons of orthonormal points, which they keep: where points end."""
    cells = tables.cells[(tables.cells.status == "trained") & (tables.cells.supports == "disjoint")]
    three, more = cells[cells["T"] == 3], cells[cells["T"].between(5, 8)]
    if not len(three) or not len(more):
        return Finding()
    ends = tables["ends"]
    between = ends[ends.cell.isin(more.cell) & (ends.kind == "points")]
    parts = [
        intervals.mean("points that end at themselves, T = 3", per_set(three, "points_kept"), least=0.9),
        intervals.mean("that end at mixtures, T = 5, 6, 8", per_set(more, "points_to_points"), least=0.9),
        intervals.mean("of two: cosine", per_set(between, "point_2"), least=0.9),
        intervals.mean("of two: smaller over larger weight", per_set(between, "balance"), least=0.8),
    ]
    return Finding(parts, None, f"Weight decay as in the paper. At T = 5, 6, 8 unseen inputs end at output 0. {UNIT}")


@question("Are stored points attractors?", source="Radhakrishnan et al. (2020), of autoencoders")
def points(tables: Tables, measure: Any) -> Finding:
    """Of models that answer nearly all training points right: the share that iterating leaves where they are."""
    few, more = storing(tables.cells)
    parts = [
        intervals.mean(f"points kept, {words}", per_set(of, "points_kept"))
        for words, of in (("up to T = 2 m", few), ("of more", more))
        if len(of)
    ]
    shown = {
        f"m = {m}": ", ".join(f"{share:.2f} at T = {T}" for T, share in of.groupby("T").points_kept.mean().items())
        for m, of in pd.concat([few, more]).groupby("m")
    }
    note = f"""Models whose output is near the point for nine of ten training points or more. Up to 2 m points can be at
        right angles or opposite to each other. {UNIT}"""
    return Finding(parts, shown, note)


@question("What do unseen points end at?", source="Pham et al. (2025), of memory and generalisation")
def unseen(tables: Tables, measure: Any) -> Finding:
    """By T at m = 2: shares of fresh points that end at each kind of attractor."""
    cells = trained(tables.cells)
    plane = cells[cells.m == 2]
    regimes = {
        "few points (T up to 30)": plane[plane["T"] <= 30],
        "T = 100 to 300": plane[plane["T"].between(100, 300)],
        "T = 500": plane[plane["T"] == TURNED],
        "T = 1,000 and more": plane[plane["T"] >= MANY],
    }
    parts, shown = [], {}
    for words, of in regimes.items():
        if len(of):
            shares = {kind: of[f"fresh_to_{kind}"].mean() for kind in KINDS}
            shown[words] = ", ".join(f"{name}: {share:.2f}" for name, share in shares.items() if share >= 0.005)
            most = max(shares, key=lambda kind: shares[kind])
            parts.append(intervals.mean(f"{words}: {KINDS[most]}", per_set(of, f"fresh_to_{most}")))
    return Finding(parts, shown, UNIT)


@question("What do models that learned features end at?")
def features(tables: Tables, measure: Any) -> Finding:
    """From T = 1,000 on, m = 2: how many attractors, and what of each two features are."""
    cells = trained(tables.cells)
    many = cells[(cells.m == 2) & (cells["T"] >= MANY)]
    if not len(many):
        return Finding()
    ends = tables["ends"]
    ends = ends[ends.cell.isin(many.cell)]
    parts = [
        intervals.mean("attractors", per_set(many, "attractors")),
        intervals.mean("cosine with one feature", per_set(ends, "feature_1")),
        intervals.mean("with a mixture of two", per_set(ends, "feature_2")),
        intervals.mean("with a mixture of two training points", per_set(ends, "point_2")),
        intervals.mean("learned features whose end is near the first output", per_set(many, "features_kept")),
    ]
    return Finding(parts, None, UNIT)


@question("What are attractors in between, neither points nor features?", source="Pham et al. (2025): spurious ones")
def between(tables: Tables, measure: Any) -> Finding:
    """At m = 2, of attractors that directions of h end at, rest left out: what mixtures they are near, by T."""
    cells = trained(tables.cells)
    ends = tables["ends"]
    if not len(cells) or not len(ends):
        return Finding()
    ends = ends[ends.cell.isin(cells[cells.m == 2].cell) & (ends.from_noise > 0) & (ends.kind != "rest")]
    parts = []
    for words, of in (("T = 100 to 300", ends[ends["T"].between(100, 300)]), ("T = 500", ends[ends["T"] == TURNED])):
        for mixture, column in (
            ("three training points", "point_3"),
            ("three of as many fresh points", "fresh_3"),
            ("two features", "feature_2"),
        ):
            if len(of):
                parts.append(intervals.mean(f"{words}: cosine with {mixture}", per_set(of, column)))
    shown = {
        f"m = {m}": ", ".join(f"{count:.0f} at T = {T}" for T, count in of.groupby("T").attractors.mean().items())
        for m, of in cells.groupby("m")
    }
    return Finding(parts, shown, f"Shown: how many attractors there are, a mean over training sets. {UNIT}")


@question("What if outputs are not scaled to unit length?")
def unscaled(tables: Tables, measure: Any) -> Finding:
    """Shares of training points that grow without end, and how short the others get."""
    cells = trained(tables.cells)
    if not len(cells):
        return Finding()
    few, more = storing(cells)
    parts = [
        intervals.mean(f"training points that grow without end, {words}", per_set(of, "unscaled_grow"))
        for words, of in (("stored, up to T = 2 m", few), ("stored, of more", more))
        if len(of)
    ]
    parts.append(intervals.mean("length that the others come to", per_set(cells, "unscaled_length")))
    return Finding(parts, None, UNIT)
