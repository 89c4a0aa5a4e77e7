"""Test loss in the world of features and in that of points; what points have in common; the two dualities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.hypotheses.claims import KINDS, gains, twins, worlds


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    models, figures = gains(worlds(tables.cells)), {}
    if len(models):
        figures["worlds"] = _worlds(models)
    if len(pairs := twins(tables.cells)) and tables.cells.swap_rho_points.notna().any():
        figures["duality"] = _duality(pairs, tables)
    return figures


def _worlds(models: pd.DataFrame) -> Figure:
    sizes = sorted(models.m.unique())
    figure = Figure(figsize=(4.1 * (len(sizes) + 1), 3.9), layout="constrained")
    panels = figure.subplots(1, len(sizes) + 1, squeeze=False)[0]
    for axes, m in zip(panels, sizes, strict=False):
        paper = models[(models.m == m) & (models.kind == KINDS["random", 1])]
        for column, constant, color, label in (
            ("test_loss", "constant_loss", style.FEATURE, "fresh features"),
            ("mixture_loss", "mixture_constant_loss", style.POINT, "mixtures of the training points"),
        ):
            style.curve(axes, paper, column, color, label)
            mean = paper.groupby("T")[constant].mean()
            axes.plot(mean.index, mean, color=color, linestyle=":", linewidth=1)
        axes.plot([], [], color=style.LAW, linestyle=":", label="best constant output of each")
        axes.set(title=f"m = {m}, the paper's points", ylabel="loss (1: output 0)", yscale="log")
        style.plain_log_y(axes)
        style.log_T(axes, models["T"], models.S.iloc[0])
    panels[0].legend(fontsize=8, loc="lower right")
    others = models["T"][models.kind != KINDS["random", 1]]
    large = models[(models.m == sizes[-1]) & models["T"].isin(others)]
    for kind, color in zip(KINDS.values(), style.ramp(len(KINDS)), strict=True):
        if len(alike := large[large.kind == kind]):
            style.curve(panels[-1], alike, "mixture_loss", color, kind)
    panels[-1].axhline(1, color=style.LAW, linewidth=0.8)
    panels[-1].set(title=f"what points have in common, m = {sizes[-1]}", ylabel="loss on mixtures")
    panels[-1].legend(fontsize=8)
    style.log_T(panels[-1], large["T"])
    figure.suptitle("To which world does each solution generalise?")
    return figure


def _duality(pairs: pd.DataFrame, tables: Tables) -> Figure:
    figure = Figure(figsize=(12.3, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for supports, descent, color, label in (
        ("disjoint", True, style.FEATURE, "orthonormal points, gradient descent"),
        ("disjoint", False, style.POINT, "orthonormal points, Adam"),
        ("random", True, style.LAW, "random points, gradient descent"),
    ):
        if len(trained := pairs[(pairs.supports == supports) & (pairs.descent == descent)]):
            style.curve(left, trained, "twin_distance", color, label)
    left.set(yscale="log", title="distance from training on one-hot points", ylabel="of the points' Gram matrix in h")
    style.log_T(left, pairs["T"])
    left.legend(fontsize=8)
    cells = tables.cells
    swapped = cells[cells.swap_rho_points.notna()]
    for column, color, label in (
        ("swap_rho_points", style.POINT, "points: $D_x$, then $D_f$"),
        ("swap_rho_features", style.FEATURE, "features: $D_f$, then $D_x$"),
    ):
        style.curve(middle, swapped, column, color, label, x="n")
    middle.axhline(0, color=style.LAW, linewidth=0.8)
    middle.set(title="on transposed points", ylabel="rank correlation of D in the two", ylim=(-1, 1))
    style.log_T(middle, swapped.n)
    middle.legend(fontsize=8)
    _spectra(right, swapped, cells, tables.items)
    return figure


def _spectra(axes: Axes, swapped: pd.DataFrame, cells: pd.DataFrame, items: pd.DataFrame) -> None:
    """Sorted D of the most lopsided pair: points of one against features of the other."""
    lopsided = swapped[swapped.n != swapped["T"]].sort_values(["n", "data_seed"])
    if not len(lopsided):
        return
    pair = lopsided.iloc[0]
    plain = (cells.n == pair["T"]) & (cells["T"] == pair.n) & (cells.data_seed == pair.data_seed) & ~cells.transposed
    plain &= (cells.supports == "random") & (cells.alike == 1) & (cells.m == pair.m) & (cells["init"] == pair["init"])
    other = cells[plain].cell.iloc[0]
    for cell, kind, color, line, label in (
        (other, "point", style.POINT, "-", f"points, T = {pair.n}"),
        (pair.cell, "feature", style.FEATURE, "--", "features of the transposed"),
        (other, "feature", style.FEATURE, "-", f"features, T = {pair.n}"),
        (pair.cell, "point", style.POINT, "--", "points of the transposed"),
    ):
        D = np.sort(items[(items.cell == cell) & (items.kind == kind) & ~items.sampled].D)[::-1]
        axes.plot(np.arange(1, len(D) + 1), D, line, color=color, label=label)
    axes.set(xscale="log", yscale="log", ylim=(1e-4, 1.5), title="their largest D, sorted", xlabel="rank", ylabel="D")
    axes.legend(fontsize=8)
