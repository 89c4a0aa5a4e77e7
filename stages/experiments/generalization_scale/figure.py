"""The largest D_f over T at m = 2, by weight decay and by sparsity, for each reduction; last, at a larger m."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.generalization_scale.claims import slices

COLUMNS = {  # an axis of the grid, what T is shown as, and its title
    "weight_decay": ("T", "by weight decay"),
    "S": ("scaled", "by sparsity, n fixed"),
    "n": ("scaled", "by sparsity, n (1 - S) fixed"),
}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure: a row for each reduction, a column for each of COLUMNS, and one for each larger m."""
    cells = tables.cells[tables.cells.selected]
    reductions = [name for name in ("sum", "mean") if (cells.reduction == name).any()]
    if not reductions:
        return {}
    sizes = sorted(cells.m.unique())
    columns = [(sizes[0], axis, x, title) for axis, (x, title) in COLUMNS.items()]
    columns += [(m, "S", "scaled", f"by sparsity, m = {m}") for m in sizes[1:]]
    figure = Figure(figsize=(3.8 * len(columns), 2.9 * len(reductions) + 0.5), layout="constrained")
    for row, reduction in zip(figure.subplots(len(reductions), len(columns), squeeze=False), reductions, strict=True):
        row[0].set_ylabel(f"largest $D_f$, {reduction} over features")
        by_size = {m: slices(of) for m, of in cells[cells.reduction == reduction].groupby("m")}
        for axes, (m, axis, x, title) in zip(row, columns, strict=True):
            of = by_size[m][axis] if m in by_size else cells.iloc[:0]
            if not len(of) or (axis == "n" and of.n.nunique() < 2):
                axes.set_axis_off()
                continue
            _curves(axes, of, axis, x)
            axes.set_ylim(0, 1.08 * cells.D_f_max.max())
            axes.set_title(title)
            axes.legend(title=axis.replace("_", " "), fontsize=8, title_fontsize=8)
    figure.suptitle(
        style.title(
            summary,
            "Features appear once each has been seen some ten times",
            "When features appear, by weight decay and sparsity",
            containing="near T (1 - S) = 10",
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
