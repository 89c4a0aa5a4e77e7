"""Test loss over T for each weight decay and each number of steps."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.regularization.claims import slices

TITLES = {"weight_decay": "weight decay", "steps": "steps"}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    by = slices(tables.cells)
    if not len(by["steps"]):
        return {}
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    for axes, (name, cells) in zip(figure.subplots(1, 2), by.items(), strict=True):
        values = sorted(cells[name].unique())
        for value, color in zip(values, style.ramp(len(values)), strict=True):
            style.curve(axes, cells[cells[name] == value], "test_loss", color, f"{value:,g}")
        axes.axhline(1, color=style.LAW, linewidth=0.7)
        axes.set(ylabel="test loss", title=f"by {TITLES[name]}")
        style.log_T(axes, cells["T"], cells.S.iloc[0])
        if cells.test_loss.max() > 3:
            axes.set_yscale("log")
            style.plain_log_y(axes)
        axes.legend(title=TITLES[name], fontsize=8.5)
    figure.suptitle(
        style.title(
            summary,
            "Weight decay takes the bump away, more steps raise it",
            "What weight decay and steps do to the bump",
        )
        + f" (m = {by['steps'].m.iloc[0]})"
    )
    return {"regularization": figure}
