"""A film of features and hidden vectors of five runs, and their curves over the steps."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.style import Film


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure | Film]:
    """The experiment's film and figure."""
    history = tables.history
    if not len(history):
        return {}
    return {"curves": _curves(history), "film": _film(tables)}


def runs(tables: Tables) -> list[tuple[int, str]]:
    """(cell, what it is) of the first run at each T, and of the one at the largest T that forgets most.

    Of those whose frames the table of items holds.
    """
    cells = tables.cells[tables.cells.cell.isin(tables.items.cell)]
    first = cells.sort_values("data_seed").groupby("T").cell.first()
    shown = [(int(cell), f"T = {T:,}") for T, cell in first.items()]
    others = cells[~cells.cell.isin(first) & (cells["T"] == cells["T"].max())].sort_values(
        "features_forgotten", ascending=False
    )
    if len(others) and others.features_forgotten.iloc[0] > 0:
        miss = others.iloc[0]
        shown.append((int(miss.cell), f"T = {miss['T']:,}, forgets one"))
    return shown


def _curves(history: pd.DataFrame) -> Figure:
    columns = {"test_loss": "test loss", "train_loss": "train loss"}
    columns |= {"D_f_max": "largest $D_f$", "D_x_max": "largest $D_x$"}
    sizes = sorted(history["T"].unique())
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    for axes, (column, label) in zip(figure.subplots(1, 4), columns.items(), strict=True):
        for T, color in zip(sizes, style.ramp(len(sizes)), strict=True):
            for k, (_, run) in enumerate(history[(history["T"] == T) & (history.step > 0)].groupby("cell")):
                axes.plot(run.step, run[column], color=color, linewidth=0.9, label=None if k else f"T = {T:,}")
        axes.set(xscale="log", xlabel="steps", title=label)
        if column == "test_loss":
            axes.set_ylim(history.test_loss.min() - 0.01, min(1.15, 1.02 * history.test_loss.max()))
    figure.get_axes()[0].legend(fontsize=8)
    figure.suptitle("Losses and largest dimensionalities during training")
    return figure


def _film(tables: Tables) -> Film:
    shown = runs(tables)
    items = tables.items[tables.items.cell.isin([cell for cell, _ in shown])]
    steps = sorted(items.step.unique())
    figure = Figure(figsize=(2.6 * len(shown), 5.6))
    panels = figure.subplots(2, len(shown), squeeze=False)
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=0.85, wspace=0.05, hspace=0.05)

    def frame(k: int) -> list[Any]:
        for column, (cell, title) in enumerate(shown):
            vectors = items[(items.cell == cell) & (items.step == steps[k])]
            _vectors(panels[0, column], vectors[vectors.kind == "feature"], style.FEATURE)
            _vectors(panels[1, column], vectors[vectors.kind == "point"], style.POINT)
            panels[0, column].set_title(title)
        figure.suptitle(f"features (above), data points (below), after {steps[k]:,} steps")
        return []

    return Film(figure, len(steps), frame)


def _vectors(axes: Axes, vectors: pd.DataFrame, color: str) -> None:
    axes.clear()
    limit = 1.15 * vectors.norm.max() if len(vectors) else 1.0
    style.arrows(axes, vectors.x, vectors.y, color, max(limit, 1e-6), spokes=True)
