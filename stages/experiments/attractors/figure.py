"""The plane of hidden vectors with what each direction becomes; and how much is kept, and where inputs end, over T."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.attractors import KINDS
from stages.experiments.attractors.claims import trained

PANELS = (3, 5, 30, 200, 500, 10000)  # numbers of points whose plane is drawn
COLORS = {  # of kinds of attractors
    "rest": "#c9ccce",
    "point": style.POINT,
    "points": "#e79a86",
    "feature": style.FEATURE,
    "features": "#86b0de",
    "other": "#e0a526",
}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    cells = trained(tables.cells)
    if not len(cells):
        return {}
    figures = {"kept": _kept(cells, summary)}
    paths = tables["paths"]
    planes = [T for T in PANELS if (paths["T"] == T).any()] if len(paths) else []
    if planes:
        figures["planes"] = _planes(planes, tables)
    return figures


def _planes(chosen: list[int], tables: Tables) -> Figure:
    """Hidden vectors of points and features, what directions of h become, and what they end at."""
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = Figure(figsize=(4 * columns, 4.1 * rows + 0.5), layout="constrained")
    every = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes, T in zip(every, chosen, strict=False):
        paths = tables["paths"][tables["paths"]["T"] == T]
        ends = tables["ends"][tables["ends"].cell == paths.cell.iloc[0]]
        items = tables.items[tables.items.cell == paths.cell.iloc[0]]
        _plane(axes, paths, ends, items)
        axes.set_title(f"T = {T:,}")
    for axes in every[len(chosen) :]:
        axes.set_axis_off()
    names = [kind for kind in KINDS if kind in set(tables["ends"].kind)]
    handles = [
        every[0].plot([], [], "*", markersize=13, color=COLORS[kind], markeredgecolor=style.INK, label=KINDS[kind])[0]
        for kind in names
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle("What each direction of h becomes (lines), and ends at (stars): seldom a stored point or a feature")
    return figure


def _plane(axes: Axes, paths: pd.DataFrame, ends: pd.DataFrame, items: pd.DataFrame) -> None:
    for _, path in paths.sort_values("moment").groupby("path"):
        axes.plot(path.x, path.y, color=style.LAW, linewidth=0.7, alpha=0.8)
    for kind, color, size in (("feature", style.FEATURE, 5), ("point", style.POINT, 9)):
        of = items[items.kind == kind]
        axes.scatter(of.x, of.y, s=size, color=color, linewidths=0, alpha=0.8, zorder=2, rasterized=True)
    for name, of in ends.groupby("kind"):
        axes.scatter(
            of.x, of.y, marker="*", s=170, color=COLORS[str(name)], edgecolors=style.INK, linewidths=0.8, zorder=3
        )
    reach = 1.1 * float(max(1e-9, paths[["x", "y"]].abs().max().max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.tick_params(labelsize=7)


def _kept(cells: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """Left: answered and kept over T / m, by m. Right: what fresh points end at over T, where m = 2."""
    figure = Figure(figsize=(14, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes = sorted(cells.m.unique())
    for color, m in zip(style.ramp(len(sizes)), sizes, strict=True):
        of = cells[cells.m == m].groupby("T")[["points_answered", "points_kept"]].mean()
        left.plot(of.index / m, of.points_answered, "--", color=color, linewidth=1)
        left.plot(of.index / m, of.points_kept, marker="o", markersize=3, color=color, label=f"m = {m}")
    left.axvline(2, color=style.LAW, linewidth=0.8)
    left.text(2.3, 1.01, "T = 2 m", color=style.LAW, fontsize=8)
    left.set(xscale="log", ylim=(-0.03, 1.05), xlabel="training points over hidden dimensions, T / m")
    left.set(ylabel="share of the training points", title="first output right (dashed); end at themselves")
    left.legend(fontsize=8.5)
    plane = cells[cells.m == 2].groupby("T")[[f"fresh_to_{kind}" for kind in KINDS]].mean()
    x, bottom = np.arange(len(plane)), np.zeros(len(plane))
    for kind, words in KINDS.items():
        share = plane[f"fresh_to_{kind}"].to_numpy()
        right.bar(x, share, bottom=bottom, width=0.9, color=COLORS[kind], label=words)
        bottom += share
    right.set_xticks(x, labels=[f"{T:,}" for T in plane.index], fontsize=8)
    right.set(ylim=(0, 1), xlabel="training points T, m = 2", title="what unseen points end at")
    right.legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(
        style.title(
            summary,
            "Beyond 2 m points few are attractors, even where the first output for them is right",
            "Are stored points attractors?",
        )
    )
    return figure
