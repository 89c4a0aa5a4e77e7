"""What share of runs ends in which shape, and whether the learning rate or the steps change it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.tables import Tables
from stages.experiments.optimization_failure import SHAPES


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
    chosen: pd.DataFrame = cells[(cells.lr == cells.lr.mode().iloc[0]) & (cells.steps == cells.steps.mode().iloc[0])]
    return chosen


def summary(tables: Tables, measure: Any) -> Summary:
    """How often, and whether the learning rate or the steps change it."""
    cells = tables.cells
    at = shares(usual(cells), ["supports", "T"])
    random = at.loc["random"] if "random" in at.index.get_level_values(0) else at.iloc[:0].droplevel(0)
    measured = {f"T={T}": float(row["two circles"]) for T, row in random.iterrows()}
    claims = [
        Claim(
            "some runs leave points on two circles",
            "Figure 2, T = 8; appendix",
            "its own T = 8 panel is one",
            measured or None,
            {", ".join(map(str, index)): at.loc[index].to_dict() for index in at.index.to_list()},
            bool(any(share > 0 for share in measured.values())) if measured else None,
            "share of runs on random points, of 100 at laptop scale; holds if any; spread: the share of every shape",
        ),
        _regular(at),
        _stored(cells),
        _by(cells, "lr", "a larger learning rate does not cure it"),
        _by(cells, "steps", "more steps do not cure it"),
    ]
    return Summary({f"two_circles_T{T}": float(row["two circles"]) for T, row in random.iterrows()}, claims)


def _regular(at: pd.DataFrame) -> Claim:
    exact = at.loc["disjoint"].regular if "disjoint" in at.index.get_level_values(0) else None
    measured = None if exact is None else {f"T={T}": float(share) for T, share in exact.items()}
    return Claim(
        "even where an exact polygon exists most runs miss it from T = 8 on",
        "this project's question (orthonormal points)",
        "not stated",
        measured,
        None,
        bool((exact[exact.index >= 8] < 0.5).all()) if exact is not None and exact.index.max() >= 8 else None,
        "share of regular polygons; holds if below one half at every T from 8 on",
    )


def _stored(cells: pd.DataFrame) -> Claim:
    """Whether the other shapes store the points as well, which orthonormal points allow (any larger polygon does)."""
    exact = usual(cells)[lambda of: (of.status == "trained") & (of.supports == "disjoint") & (of["T"] >= 8)]
    lost = (exact.train_loss > 1 / (2 * exact["T"])).groupby(exact["shape"]).mean()
    others = lost.drop("regular", errors="ignore")
    known = len(others) > 0 and "regular" in lost.index
    return Claim(
        "runs that miss the polygon leave points unstored",
        "this project's question (orthonormal points)",
        "not stated",
        labelled(lost, "shape") if known else None,
        labelled(exact.groupby("shape").train_loss.median(), "shape"),
        bool(others.min() > 0.9 and lost["regular"] < 0.1) if known else None,
        "share of each shape's runs at T of 8 and more whose train loss exceeds what half a lost point costs; holds if "
        "above .9 for every other shape and below .1 for regular ones; spread: median train loss",
    )


def _by(cells: pd.DataFrame, axis: str, text: str) -> Claim:
    other = "steps" if axis == "lr" else "lr"
    of = cells[(cells.supports == "disjoint") & (cells[other] == cells[other].mode().iloc[0]) & (cells["T"] >= 8)]
    usual_value = cells[axis].mode().iloc[0]
    of = paired(of[of[axis] >= usual_value], axis)
    share = shares(of, [axis]).regular if len(of) else pd.Series(dtype=float)
    return Claim(
        text,
        "this project's question (orthonormal points)",
        "not stated",
        {f"{axis}={value:g}": float(part) for value, part in share.items()} or None,
        None,
        bool(share.max() < 0.9) if len(share) > 1 else None,
        "share of regular polygons among T of 8 and more, from the usual value on; holds if below .9 throughout, which "
        "is not to say that it does not help",
    )
