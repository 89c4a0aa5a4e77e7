"""The largest D_f over T, for each weight decay and each sparsity."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.generalization_scale.claims import slices


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure: a row for each m; over T by weight decay, over T and T (1 - S) by sparsity."""
    by = slices(tables.cells)
    sizes = sorted(set(by["S"].m) & set(by["weight_decay"].m))
    if not sizes:
        return {}
    figure = Figure(figsize=(11.5, 2.9 * len(sizes) + 0.5), layout="constrained")
    for row, m in zip(figure.subplots(len(sizes), 3, squeeze=False), sizes, strict=True):
        decay, S = (of[of.m == m] for of in (by["weight_decay"], by["S"]))
        _curves(row[0], decay, "weight_decay", "T")
        _curves(row[1], S, "S", "T")
        _curves(row[2], S, "S", "scaled")
        row[0].set_ylabel(f"largest $D_f$, m = {m}")
        for axes in row:
            axes.set_ylim(0, 1.08 * tables.cells.D_f_max[tables.cells.m == m].max())
    row0 = figure.get_axes()[:3]
    for axes, title in zip(row0, ("by weight decay", "by sparsity", "by sparsity, over T (1 - S)"), strict=True):
        axes.set_title(title)
    row0[0].legend(title="weight decay", fontsize=8, title_fontsize=8)
    row0[1].legend(title="S", fontsize=8, title_fontsize=8)
    figure.suptitle(
        style.title(
            summary,
            "Features appear once each has been seen some ten times, whatever the weight decay",
            "When features appear, by weight decay and sparsity",
            containing="the jump",
        )
    )
    return {"generalization_scale": figure}


def _curves(axes: Axes, cells: Any, by: str, x: str) -> None:
    values = sorted(cells[by].unique())
    for value, color in zip(values, style.ramp(len(values)), strict=True):
        style.curve(axes, cells[cells[by] == value], "D_f_max", color, f"{value:g}", x=x)
    style.log_T(axes, cells[x])
    if x == "scaled":
        axes.set_xlabel("T (1 - S): how often a feature is there")
        axes.axvline(10, color=style.LAW, linewidth=0.8, linestyle="--")
