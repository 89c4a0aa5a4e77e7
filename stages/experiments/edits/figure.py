"""Recall of wrong labels against validation accuracy by amount of each removal; and units that labels hang on."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.edits import METHODS
from stages.experiments.edits.claims import early, untouched

DRAWN = {  # removals, and their colour and line
    "low curvature, W": (style.POINT, "-"),
    "low curvature, V": (style.POINT, "--"),
    "own directions": (style.FEATURE, "-"),
    "own directions of right labels": (style.FEATURE, "--"),
    "highest D*": ("#35978f", "-"),
    "least variance": ("#35978f", "--"),
    "random directions": ("#35978f", ":"),
    "units by margin": ("#e08214", "-"),
    "random units": ("#e08214", ":"),
    "small singular values, W": ("#8f5aa8", "-"),
    "small entries, W": ("#8f5aa8", "--"),
}
LOWEST = 0.8  # validation accuracy that is drawn


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    removals, before = tables["removals"], untouched(tables["removals"])
    if not len(before):
        return {}
    figure = Figure(figsize=(13, 5.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _against(left, removals, before, tables)
    _flips(right, tables["flips"])
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8.5)
    figure.suptitle("Taking wrong labels out of a classifier: to the left and up is better")
    return {"edits": figure}


def _against(axes: Axes, removals: pd.DataFrame, before: pd.DataFrame, tables: Tables) -> None:
    start = before[["recalled_untold", "validation"]].mean()
    for name, (color, line) in DRAWN.items():
        mean = removals[removals.removal == name].groupby("amount")[["recalled_untold", "validation"]].mean()
        path = pd.concat([start.to_frame().T, mean])
        axes.plot(
            path.recalled_untold, path.validation, line, color=color, marker="o", markersize=3, label=METHODS[name]
        )
    stopped = early(tables).groupby("epoch")[["wrong_fitted", "validation_accuracy"]].mean()
    axes.plot(stopped.wrong_fitted, stopped.validation_accuracy, "-", color=style.INK, marker="s", markersize=4)
    axes.plot([], [], "-s", color=style.INK, markersize=4, label="stopped early: epochs 1, 2, 4, ...")
    axes.plot(*start, "*", color=style.INK, markersize=13, label="nothing taken out")
    clean = removals[removals.wrong == 0].validation
    if len(clean):
        axes.axhline(clean.mean(), color=style.INK, linewidth=0.7, linestyle=":", label="trained on right labels")
    axes.set(xlim=(-0.02, 1.02), ylim=(max(LOWEST, axes.get_ylim()[0]), None))
    axes.set(xlabel="wrong labels recalled (of removals: of the half that none is told)")
    axes.set_ylabel(f"validation accuracy, from {LOWEST:g} on; means of all training sets")


def _flips(axes: Axes, flips: pd.DataFrame) -> None:
    for labels, color in (("wrong", style.POINT), ("right", style.FEATURE)):
        style.curve(axes, flips[flips.labels == labels], "flipped", color, f"{labels} labels", "units")
    ticks = sorted(flips.units.unique())
    axes.set(xscale="log", ylim=(0, 1.03), xlabel="units taken out, by what they cost its margin")
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(ylabel="share no longer predicted", title="how many units one label hangs on")
    axes.legend(fontsize=9, loc="lower right")
