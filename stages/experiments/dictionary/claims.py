"""What learned dictionaries find: the best way is chosen on half of the training sets, and judged on the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, intervals, labelled, question
from stages.core.tables import Tables
from stages.experiments.dictionary import METHODS, SOURCES

FEW = 30  # points up to which there are as many atoms as stored points, from m = 5 on
MORE = 800  # points from which on hardly any is stored, up to m = 8
MANY = 2000  # points from which on features are learned
WAY = ["method", "sparsity"]
CHOSEN = "The way that does best on even training sets is judged on odd ones; an interval is over these."


def found(tables: Tables, target: str, **where: Any) -> pd.DataFrame:
    """Rows on one kind of target, of models in which there is one, with what `where` says of them."""
    rows = tables.scores
    if not len(rows):
        return pd.DataFrame(columns=["source", *WAY, "data_seed", "recovered", "chance", "m", "T", "copies"])
    rows = rows[rows.target == target]
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return rows


def best(rows: pd.DataFrame) -> Iterator[tuple[str, tuple[str, float], pd.DataFrame]]:
    """By source: the way of highest recovery on even training sets, and its rows on the odd ones."""
    for source in SOURCES:
        of = rows[rows.source == source]
        chosen = of[of.data_seed % 2 == 0].groupby(WAY).recovered.mean()
        if len(chosen):
            method, sparsity = chosen.sort_values(kind="stable").index[-1]
            judged = of[(of.data_seed % 2 == 1) & (of.method == method) & (of.sparsity == sparsity)]
            yield source, (method, sparsity), judged


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Stored points of m = 8 that are found in hidden vectors of training points, and of fresh ones."""
    few = found(tables, "points", m=8)
    shares = {source: of.recovered.mean() for source, _, of in best(few[few["T"] <= FEW])}
    return {f"points_from_{source}": float(share) for source, share in shares.items() if share == share}


def _finding(rows: pd.DataFrame, by: str, note: str) -> Finding:
    parts, shown = [], {}
    for source, (method, sparsity), of in best(rows):
        if not len(of):
            continue
        per_set = of.groupby("data_seed")[["recovered", "chance"]].mean()
        parts.append(intervals.mean(f"from {SOURCES[source]}", per_set.recovered))
        words = f"{SOURCES[source]}: {METHODS[method]}" + (f", penalty {sparsity:g}" if sparsity else "")
        shown[words] = labelled(of.groupby(by).recovered.mean(), by) | {"by chance": float(per_set.chance.mean())}
    return Finding(parts, shown or None, f"{note} {CHOSEN}")


@question("Does a dictionary that is told nothing find the points that a model stores?", source="the discussion")
def points(tables: Tables, measure: Any) -> Finding:
    """The share of stored points near an atom, m = 5 and 8, T = 10 and 30."""
    rows = found(tables, "points")
    rows = rows[(rows["T"] <= FEW) & (rows.m >= 5)] if len(rows) else rows
    return _finding(rows, "T", "Stored: reproduced at cosine .8 or more. Near: cosine above .99 in h, .8 in outputs.")


@question("Does it find the features that a model has learned?", source="the discussion")
def features(tables: Tables, measure: Any) -> Finding:
    """The share of main features near an atom, in models trained on many points."""
    rows = found(tables, "features")
    rows = rows[rows["T"] >= MANY] if len(rows) else rows
    return _finding(rows, "m", "Main: at least half of the largest D_f.")


@question("Does it find both, where points that are there several times sit beside features?", source="the discussion")
def planted(tables: Tables, measure: Any) -> Finding:
    """The share of recalled planted points near an atom, m from 4 on."""
    rows = found(tables, "planted")
    rows = rows[rows.m >= 4] if len(rows) else rows
    return _finding(
        rows, "copies", "Of planted points that the model recalls; m = 2 is left out, where chance is half."
    )


@question("How far do stored points outgrow the dictionary?")
def outgrown(tables: Tables, measure: Any) -> Finding:
    """At T = 150 and m = 8, where more points are stored than there are atoms: the share of atoms that are points."""
    rows = found(tables, "points", m=8)
    rows = rows[(rows["T"] > FEW) & (rows["T"] < MORE)] if len(rows) else rows
    parts = []
    for source, _, of in best(rows):
        means = of.groupby("data_seed").on_target.mean()
        if len(means):
            parts.append(intervals.mean(f"atoms that are points, from {SOURCES[source]}", means))
    return Finding(parts, None, CHOSEN)
