"""Where over T and R a repeated point is memorised; how it comes about; what the plane looks like then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.repeats import HIGHEST
from stages.experiments.repeats.claims import BOUNDARY, TESTS, best_boundary, mapped, watched

REPEATED = "#e08214"  # orange: repeated points


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    runs, seen = mapped(tables.cells), watched(tables.cells)
    figures = {}
    if runs.groupby("T").copies.nunique().max() > 1:  # of one R at each T it would say nothing
        figures["map"] = _map(runs, summary)
    if len(seen := seen[seen.cell.isin(tables.items.cell)]):
        figures["embedding"] = _embedding(seen, tables.items, summary)
    return figures


def _map(runs: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """Every (T, R) at its place on log axes, coloured by what became of the point; lines R = c T / n beneath."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    titles = {name: f"share of runs: {words}" for name, words in TESTS.items()} | {
        "features_learned": "features learned"
    }
    T, R = np.array(sorted(runs["T"].unique())), np.array(sorted(runs.copies.unique()))
    for axes, (column, title) in zip(panels, titles.items(), strict=True):
        found = runs.groupby(["T", "copies"], as_index=False)[column].mean()
        top = 1.0 if column in TESTS else max(5.0, float(runs.features_learned.max()))
        axes.scatter(found["T"], found.copies, c=found[column], s=290, vmin=0, vmax=top, edgecolors="white", zorder=2)
        for x, y, value in found.itertuples(index=False):
            color = style.INK if value > 0.6 * top else "white"
            axes.text(x, y, f"{round(value, 2):g}", ha="center", va="center", fontsize=7, color=color, zorder=3)
        lines = {BOUNDARY: "--"} | ({best: "-"} if (best := best_boundary(runs, "repeated_recalled")) else {})
        for c, dashes in lines.items():
            label = f"R = {c:.2g} T / n"
            axes.plot(T, c * T / runs.n.iloc[0], dashes, color=style.LAW, linewidth=1.2, label=label, zorder=1)
        axes.set(xscale="log", yscale="log", title=title, xlabel="training points T", ylim=(R[0] / 1.5, R[-1] * 1.5))
        axes.set_xlim(T[0] / 1.5, T[-1] * 1.5)
        axes.set_xticks(T, labels=[f"{value:,}" for value in T], fontsize=8)
        axes.set_yticks(R, labels=[f"{value}" for value in R])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(NullFormatter())
    panels[0].set_ylabel("copies R")
    panels[0].legend(fontsize=8, loc="lower right")
    figure.suptitle(
        style.title(
            summary,
            "A point that is there often enough takes a feature's place",
            "One point, R times among T others: when is it memorised?",
            "takes the place of one feature",
        )
    )
    return figure


def _embedding(seen: pd.DataFrame, items: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """One run of each kind: features, hidden vectors, and their dimensionalities during training."""
    first = seen.sort_values("data_seed").groupby(["T", "repeated", "copies"], as_index=False).first()
    figure = Figure(figsize=(min(2.5 * len(first), 14.5), 7), layout="constrained")
    grid = figure.subplots(3, len(first), squeeze=False)
    for column, (_, run) in zip(grid.T, first.iterrows(), strict=True):
        vectors = items[items.cell == run.cell]
        last = vectors[vectors.step == vectors.step.max()]
        is_feature, again = last.kind == "feature", (last.kind == "point") & (last.item < run.repeated)
        style.arrows(column[0], *_xy(last[is_feature]), style.FEATURE, 1.15 * last[is_feature].norm.max(), spokes=True)
        points = last[~is_feature]
        style.arrows(column[1], *_xy(points), style.POINT, 1.15 * points.norm.max(), spokes=False)
        style.arrows(column[1], *_xy(last[again]), REPEATED, 1.15 * points.norm.max(), spokes=True)
        _history(column[2], vectors, int(run.repeated))
        column[0].set_title(
            f"T = {run['T']:,}\n{run.repeated} point{'s' if run.repeated > 1 else ''}, R = {run.copies}"
        )
    for axes, text in zip(grid[:, 0], ("features", "data points", "dimensionality"), strict=True):
        place = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axes.annotate(text, (0, 0.5), (-30, 0), rotation=90, ha="right", va="center", **place)
    handles = [figure.get_axes()[0].plot([], [], color=color)[0] for color in (style.FEATURE, REPEATED)]
    figure.legend(handles, ["features", "repeated points (each copy)"], loc="outside lower center", ncols=2)
    figure.suptitle(
        style.title(
            summary,
            "Points that are there R times among T others take the features' corners",
            "Points that are there R times among T others",
            "repeated points",
        )
    )
    return figure


def _history(axes: Axes, vectors: pd.DataFrame, repeated: int) -> None:
    """D of the features that are largest at some time, and of the repeated points, over the steps."""
    moving = vectors[vectors.step > 0]
    features = moving[moving.kind == "feature"]
    largest = features.groupby("item").D.max().nlargest(HIGHEST).index
    for color, shown in (
        (style.FEATURE, features[features.item.isin(largest)]),
        (REPEATED, moving[(moving.kind == "point") & (moving.item < repeated)]),
    ):
        for _, line in shown.groupby("item"):
            axes.plot(line.step, line.D, color=color, linewidth=1)
    axes.set(xscale="log", xlabel="steps", ylim=(0, None))


def _xy(vectors: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return vectors.x, vectors.y
