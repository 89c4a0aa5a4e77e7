"""Test loss, dimensionality and vectors against the number of training points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stages.claims.regimes import MIDDLE
from stages.claims.regimes import PAPER as SIZE
from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.dataset_size import LEAST, PAPER, endless, panels

PAPERS = "#8f5aa8"


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    cells, vectors = tables.cells, tables.items
    chosen = cells[cells.selected]
    if not (~chosen.fresh).any():
        return {}
    end = endless(chosen["T"][~chosen.fresh])
    chosen, vectors = (table.assign(T=table["T"].where(~table.fresh, end)) for table in (chosen, vectors))
    return {"regimes": _regimes(chosen, vectors, end)}


def _regimes(cells: pd.DataFrame, vectors: pd.DataFrame, end: float) -> Figure:
    """The paper's Figure 3 on one axis: test loss, both dimensionalities, and what the vectors look like."""
    figure = Figure(figsize=(11, 9.2))
    top, middle = figure.add_axes((0.08, 0.72, 0.9, 0.25)), figure.add_axes((0.08, 0.42, 0.9, 0.27))
    _test_loss(top, cells)
    if (cells.n == SIZE["n"]).all() and np.isclose(cells.S, SIZE["S"]).all():
        _papers(top, cells["T"].max(), end)
    _dimensionalities(middle, cells, vectors)
    limits = cells["T"].min() / 1.6, cells["T"].max() * 1.6
    for axes in (top, middle):
        _log_T(axes, cells, limits, end)
    top.set_xticklabels([])
    top.set_title(
        "Trained on few points the network stores points, on many it stores features; in between, test loss rises",
        pad=10,
    )
    middle.set_xlabel("training points T")

    first = vectors[vectors.data_seed == vectors.groupby("T").data_seed.transform("min")]
    shown = panels(cells["T"].unique())
    width = 0.9 / len(shown)
    for k, T in enumerate(shown):
        for kind, color, bottom in (("feature", style.FEATURE, 0.19), ("point", style.POINT, 0.05)):
            axes = figure.add_axes((0.08 + k * width + 0.004, bottom, width - 0.008, 0.135))
            v = first[(first["T"] == T) & (first.kind == kind)]
            style.arrows(axes, v.x, v.y, color, 1.1 * v.norm.max(), spokes=kind == "feature" or T <= 300)
            if kind == "feature":
                axes.set_title("T = ∞" if end == T else f"T = {T:,.0f}", pad=2)
            if k == 0:
                label = "features" if kind == "feature" else "data points"
                axes.text(
                    -0.1, 0.5, label, transform=axes.transAxes, ha="center", va="center", rotation=90, color=color
                )
    return figure


def _test_loss(axes: Axes, cells: pd.DataFrame) -> None:
    mean = cells.groupby("T").test_loss.mean()
    middle = cells.test_loss[(cells["T"] * (1 - cells.S)).between(*MIDDLE)]
    constant = cells.constant_loss.iloc[0]
    high = max(1 + 1.15 * (max(middle, default=1) - 1), 1 + 2 * abs(1 - mean.min()))
    low = 1 - 1.8 * (1 - np.nanmin([mean.min(), constant]))
    if np.isfinite(constant):  # known for the paper's loss
        where = ("axes fraction", "data")
        look: dict[str, Any] = {"xycoords": where, "color": style.LAW, "fontsize": 8.5}
        axes.axhline(1, color=style.LAW, linewidth=0.7)
        axes.axhline(constant, color=style.LAW, linewidth=0.7, linestyle=(0, (4, 3)))
        axes.annotate("output 0", (1, 1), ha="right", va="bottom", **look)
        axes.annotate("best constant output", (0.005, constant), va="top", **look)
    axes.plot(mean.index, mean, color=style.INK, label="mean")
    axes.scatter(
        cells["T"], cells.test_loss, s=14, color=style.INK, alpha=0.45, linewidths=0, label="each training set"
    )
    above = cells[cells.test_loss > high]
    if len(above):
        axes.scatter(
            above["T"], [high] * len(above), s=22, marker="^", color=style.INK, alpha=0.6, clip_on=False, linewidths=0
        )
        text = f"▲ off the axis, up to {above.test_loss.max():.2f}"
        axes.annotate(text, (above["T"].max() * 1.25, high), va="top", fontsize=8.5)
    axes.set(ylim=(low, high), ylabel="test loss")
    axes.legend(loc="upper right")


def _papers(axes: Axes, last: float, end: float) -> None:
    """The paper's own test loss, where these sizes have it; T = infinity at its place on the axis."""
    known = {end if math.isinf(T) else T: loss for T, loss in PAPER.items() if last >= T or math.isinf(T)}
    look: dict[str, Any] = {"color": PAPERS, "marker": "x", "markersize": 5, "linewidth": 0.8}
    axes.plot(list(known), list(known.values()), label="the paper, read off its figure", **look)
    axes.legend(loc="upper right")


def _dimensionalities(axes: Axes, cells: pd.DataFrame, vectors: pd.DataFrame) -> None:
    for kind, color, side, label in (
        ("feature", style.FEATURE, 0.97, "features $D_f$"),
        ("point", style.POINT, 1.03, "data points $D_x$"),
    ):
        v = vectors[vectors.kind == kind]
        axes.scatter(v["T"] * side, v.D, s=5, color=color, alpha=0.35, linewidths=0)
        axes.scatter([], [], s=16, color=color, label=label)
    T = np.geomspace(cells["T"].min(), cells["T"][~cells.fresh].max(), 50)
    axes.plot(T, cells.m.iloc[0] / T, color=style.LAW, label="m / T", zorder=0)
    axes.set(yscale="log", ylim=(LEAST, 1.3), ylabel="dimensionality")
    axes.legend(loc="upper right", ncols=3, bbox_to_anchor=(1, 1.06))


def _log_T(axes: Axes, cells: pd.DataFrame, limits: tuple[float, float], end: float) -> None:
    """A log axis of T, with the paper's middle regime shaded."""
    ticks: list[float] = [T for T in (3, 5, 10, 30, 100, 300, 1000, 3000, 10_000) if limits[0] <= T <= 0.8 * end]
    labels = [f"{T:,}" for T in ticks]
    if (cells["T"] == end).any():
        ticks, labels = [*ticks, end], [*labels, "∞"]
    axes.set(xscale="log", xlim=limits)
    axes.set_xticks(ticks, labels=labels)
    axes.xaxis.set_minor_formatter(NullFormatter())
    low, high = (share / (1 - cells.S.iloc[0]) for share in MIDDLE)
    axes.axvspan(low, high, color=style.SHADE, zorder=-1, linewidth=0)
