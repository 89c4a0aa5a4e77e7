"""What share of runs ends in which shape, and whether the learning rate or the steps change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows, question
from stages.core.tables import Tables
from stages.experiments.optimization_failure import SHAPES

SOMETIMES = 0.01  # of the training sets, at least
WIDE = 1.25  # times 360 degrees / T
SEVERAL = 8  # T from which runs miss the polygon


def shares(cells: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The share of each shape (columns, in order of SHAPES) by the given columns; all trained cells count."""
    trained = cells[cells.status == "trained"]
    counts = trained.groupby([*by, "shape"]).size().unstack(fill_value=0).reindex(columns=list(SHAPES), fill_value=0)
    return counts.div(counts.sum(axis=1), axis=0)


def paired(cells: pd.DataFrame, axis: str) -> pd.DataFrame:
    """The cells whose training set and initialisation are there at every value of the axis."""
    alike = cells.groupby(["supports", "T", "data_seed", "init_seed"])[axis].transform("nunique")
    chosen: pd.DataFrame = cells[alike == cells[axis].nunique()]
    return chosen


def usual(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells at the learning rate and number of steps that most have."""
    chosen: pd.DataFrame = cells[cells.lr.isin(cells.lr.mode()[:1]) & cells.steps.isin(cells.steps.mode()[:1])]
    return chosen


def ended(cells: pd.DataFrame, supports: str) -> pd.DataFrame:
    """The trained cells on points of that kind, at the usual learning rate and number of steps."""
    at = usual(cells)
    chosen: pd.DataFrame = at[(at.status == "trained") & (at.supports == supports)]
    return chosen


def gaps(tables: Tables) -> pd.DataFrame:
    """Of each run whose hidden vectors are listed: the largest angle between neighbours, over 360 degrees / T."""
    at, items = usual(tables.cells), tables.items
    runs = at[at.status == "trained"].set_index("cell")[["data_seed", "T", "shape"]]
    points = items[(items.kind == "point") & items.cell.isin(runs.index)]
    of = {cell: _gap(vectors.x, vectors.y) for cell, vectors in points.groupby("cell")}
    return runs.join(pd.Series(of, name="gap", dtype=float), how="inner")


def _gap(x: pd.Series, y: pd.Series) -> float:
    turn = np.sort(np.arctan2(y.to_numpy(float), x.to_numpy(float))) / (2 * np.pi)
    return float(np.diff(turn, append=turn[0] + 1).max() * len(turn))


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The share of runs on random points that end on two circles."""
    share = shares(ended(tables.cells, "random"), ["T"])["two circles"]
    return {f"two_circles_T{T}": float(value) for T, value in share.items()}


@claim(
    "C1",
    "some runs leave points on two circles",
    source="Figure 2, T = 8; appendix",
    says="its own T = 8 panel is one",
)
def two_circles(tables: Tables, measure: Any) -> Finding:
    """The share of training sets with such a run."""
    of = ended(tables.cells, "random")
    some = (of["shape"] == "two circles").groupby(of.data_seed).any()
    return Finding(
        [intervals.share("training sets with such a run", some, least=SOMETIMES)],
        labelled_rows(shares(of, ["T"]), "T") if len(of) else None,
        """Random points, at any T and from any initialisation; certainly more than one training set in a hundred.
        Shown: the share of runs that end in each shape.""",
    )


@claim("C1", "where the two circles meet there is a large angular gap", source="appendix", says="a large gap")
def gap(tables: Tables, measure: Any) -> Finding:
    """The largest angle between neighbours on two circles."""
    found = gaps(tables)
    of = found[found["shape"] == "two circles"].groupby("data_seed").gap.mean()
    return Finding(
        [intervals.ratio("largest angle between neighbours, over 360 degrees / T", of, least=WIDE)],
        labelled(found.groupby("shape").gap.mean(), "shape") if len(found) else None,
        f"""Runs of lowest train loss that end on two circles, on random or orthonormal points; the largest angle
        anywhere. A quarter more than in the regular polygon, where it is 1 (within {measure.regular:.0%}). Shown: of
        other shapes.""",
    )


@question("How often is the best of several initialisations a regular polygon?")
def best(tables: Tables, measure: Any) -> Finding:
    """The share of training sets whose run of lowest train loss is regular, at each T."""
    both = {name: ended(tables.cells, name) for name in ("random", "disjoint")}
    chosen = {name: of[of.selected].assign(regular=of["shape"] == "regular") for name, of in both.items()}
    sizes = chosen["random"].groupby("T").regular
    orthonormal = chosen["disjoint"].groupby("T").regular.mean()
    return Finding(
        [intervals.share(f"training sets, T = {T}", hits) for T, hits in sizes],
        {"on orthonormal points": labelled(orthonormal, "T")} if len(orthonormal) else None,
        "Random points. The best: of lowest train loss.",
    )


@question("How many runs miss the polygon where an exact one exists?")
def missed(tables: Tables, measure: Any) -> Finding:
    """The share of runs on orthonormal points that are not regular, at each T."""
    of = ended(tables.cells, "disjoint")
    by_set = (of["shape"] != "regular").groupby([of["T"], of.data_seed]).mean().groupby("T")
    return Finding(
        [intervals.mean(f"share of runs, T = {T}", values) for T, values in by_set],
        labelled_rows(shares(of, ["T"]), "T") if len(of) else None,
        "Orthonormal points, mean over initialisations and training sets. Shown: the share of every shape.",
    )


@question("Do runs that miss the polygon leave points unstored?")
def unstored(tables: Tables, measure: Any) -> Finding:
    """The share of each shape's runs whose train loss is more than half a lost point costs."""
    of = ended(tables.cells, "disjoint")
    of = of[of["T"] >= SEVERAL]
    lost = (of.train_loss > 1 / (2 * of["T"])).groupby([of["shape"], of.data_seed]).mean()
    found = {name: lost[name] for name in SHAPES if name in lost.index.get_level_values(0)}
    return Finding(
        [intervals.mean(f"share of runs: {name}", values) for name, values in found.items()],
        {"median train loss": labelled(of.groupby("shape").train_loss.median(), "shape")} if len(of) else None,
        f"""Orthonormal points, T of {SEVERAL} and more: runs of each shape whose train loss exceeds what half a lost
        point costs. Any larger polygon stores orthonormal points exactly, so other shapes may do so too.""",
    )


@question("Does a larger learning rate help?")
def learning_rate(tables: Tables, measure: Any) -> Finding:
    """Regular polygons at larger learning rates, less those at the usual one."""
    return _gained(tables.cells, "lr")


@question("Do more steps help?")
def steps(tables: Tables, measure: Any) -> Finding:
    """Regular polygons after more steps, less those after the usual number."""
    return _gained(tables.cells, "steps")


def _gained(cells: pd.DataFrame, axis: str) -> Finding:
    """The share of regular polygons at larger values, less that of the same runs at the usual value."""
    other = "steps" if axis == "lr" else "lr"
    trained = cells[(cells.status == "trained") & (cells.supports == "disjoint") & (cells["T"] >= SEVERAL)]
    normal = cells[axis].mode().min()
    of = paired(trained[trained[other].isin(cells[other].mode()[:1]) & (trained[axis] >= normal)], axis)
    share = (of["shape"] == "regular").groupby([of[axis], of.data_seed]).mean()
    larger = [value for value in sorted(of[axis].unique()) if value > normal]
    return Finding(
        [intervals.mean(f"more of runs at {axis} = {value:g}", share[value] - share[normal]) for value in larger],
        {"share of regular polygons": labelled(share.groupby(axis).mean(), axis)} if larger else None,
        f"""Orthonormal points, T of {SEVERAL} and more: the share of regular polygons, less that at the usual
        {axis} = {normal:g}, on the same training sets from the same initialisations.""",
    )
