"""Polygons of data points: one training set a column, every training set, and the exact law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stages.core.tables import Tables
from stages.experiments import style
from stages.statistics.polygon import polygon

SHOWN = 2  # training sets in the gallery


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    cells, vectors = tables.cells, tables.items
    decay = cells.weight_decay.min()  # the paper's
    cells = cells[(cells.status == "trained") & (cells["T"] > 2)]  # a polygon has three corners
    of_paper = vectors[(vectors.weight_decay == decay) & (vectors["T"] > 2)]
    figures = {}
    if (of_paper.supports == "random").any():
        figures["polygons"] = _polygons(of_paper)
    if (cells.weight_decay == decay).any():
        figures["gallery"] = _gallery(cells[cells.weight_decay == decay], of_paper)
    if (cells.supports == "disjoint").any():
        figures["law"] = _law(cells[cells.supports == "disjoint"])
    return figures


def _polygons(vectors: pd.DataFrame) -> Figure:
    """The paper's Figure 2: features above, hidden vectors below, one T a column; the first training set of each."""
    shown = vectors[vectors.supports == "random"]
    shown = shown[shown.data_seed == shown.groupby("T").data_seed.transform("min")]
    sizes = sorted(shown["T"].unique())
    figure = Figure(figsize=(1.55 * len(sizes), 3.5))
    grid = figure.subplots(2, len(sizes), squeeze=False)
    for column, T in zip(grid.T, sizes, strict=True):
        of_T = shown[shown["T"] == T]
        for axes, kind, color in zip(column, ("feature", "point"), (style.FEATURE, style.POINT), strict=True):
            v = of_T[of_T.kind == kind]
            radius = polygon(T).radius if kind == "point" else 0.0
            style.arrows(axes, v.x, v.y, color, 1.2 * max(v.norm.max(), radius), spokes=True)
            if kind == "point":
                style.circle(axes, radius)
        column[0].set_title(f"T = {T}")
    _row_label(grid[0, 0], "features\n(columns of W)", style.FEATURE)
    _row_label(grid[1, 0], "data points\n(h = W x)", style.POINT)
    figure.suptitle("Few data points become the corners of a polygon; features line up with their points", y=1.02)
    return figure


def _gallery(cells: pd.DataFrame, vectors: pd.DataFrame) -> Figure:
    """Hidden vectors of the first training sets (the initialisation of lowest train loss); regular ones marked."""
    sizes, seeds = sorted(cells["T"].unique()), sorted(cells.data_seed.unique())[:SHOWN]
    rows = [(supports, seed) for supports in ("random", "disjoint") for seed in seeds]
    figure = Figure(figsize=(1.25 * len(sizes), 1.25 * len(rows)))
    grid = figure.subplots(len(rows), len(sizes), squeeze=False)
    points = vectors[vectors.kind == "point"]
    regular = cells[cells.selected].set_index(["supports", "data_seed", "T"]).regular
    for line, (supports, seed) in zip(grid, rows, strict=True):
        for axes, T in zip(line, sizes, strict=True):
            v = points[(points.supports == supports) & (points.data_seed == seed) & (points["T"] == T)]
            radius = polygon(T).radius
            style.arrows(axes, v.x, v.y, style.POINT, 1.3 * max([radius, *v.norm]), spokes=True)
            style.circle(axes, radius)
            if regular.get((supports, seed, T), default=False):
                axes.text(0.97, 0.03, "✓", transform=axes.transAxes, ha="right", va="bottom", fontsize=11)
            if seed == seeds[0] and supports == "random":
                axes.set_title(f"T = {T}")
        _row_label(line[0], f"{supports}\nset {seed}", style.INK)
    figure.suptitle("Hidden vectors of some training sets; ✓ a regular polygon, grey the exact law's radius", y=0.93)
    return figure


def _law(cells: pd.DataFrame) -> Figure:
    """Radius and norms against the exact T-gon's, on exactly orthonormal points."""
    T = np.geomspace(3, max(4, cells["T"].max()), 200)
    law = [polygon(t) for t in T]
    figure = Figure(figsize=(10.5, 3.1))
    panels = [
        ("radius", "radius", "radius of the hidden vectors"),
        ("norm_W_span", "norm_W", "norm of W in the points' span"),
        ("norm_b_span", "norm_b", "norm of b in the points' span"),
    ]
    for axes, (column, name, title) in zip(figure.subplots(1, 3), panels, strict=True):
        axes.plot(T, [getattr(exact, name) for exact in law], color=style.LAW, zorder=0)
        for k, (decay, runs) in enumerate(cells.groupby("weight_decay")):
            color = style.SERIES[k % len(style.SERIES)]
            for is_regular, face in ((False, "none"), (True, color)):
                some = runs[runs.regular.eq(is_regular)]
                label = f"{'regular' if is_regular else 'another shape'}, decay {decay:g}"
                axes.scatter(
                    some["T"] * 1.05**k,
                    some[column],
                    s=18,
                    facecolors=face,
                    edgecolors=color,
                    linewidths=0.7,
                    label=label,
                )
        axes.set(xscale="log", yscale="log", xlabel="training points T", title=title)
        axes.set_xticks(sorted(cells["T"].unique()), labels=map(str, sorted(cells["T"].unique())))
        axes.xaxis.set_minor_formatter(NullFormatter())
        style.plain_log_y(axes)
    figure.get_axes()[0].plot([], [], color=style.LAW, label="exact law")
    figure.get_axes()[0].legend(loc="upper left", fontsize=8)
    figure.suptitle(
        "Orthonormal points: regular polygons against the exact law",
        y=1.04,
    )
    return figure


def _row_label(axes: Any, text: str, color: str) -> None:
    axes.text(-0.08, 0.5, text, transform=axes.transAxes, ha="right", va="center", color=color, fontsize=10)
