"""Hidden vectors where test loss is highest, what carries it, and bits stored over T."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.middle.claims import Peak, peaks

WORST = "#e08214"
HIGHEST = 1.5  # share that is drawn
COLUMNS = {  # of the worst points, over sizes
    "carried": ("of the excess: carried by 1 % of fresh points", style.INK),
    "longer": ("of these: h longer than every training point's", style.POINT),
    "without_one": ("of their excess: left without one feature", WORST),
    "without_other": ("left without the second", style.LAW),
}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    found = list(peaks(tables.cells))
    if not found:
        return {}
    return {"worst": _worst(found, tables["plane"]), "bits": _bits(found)}


def _worst(found: list[Peak], planes: pd.DataFrame) -> Figure:
    """The plane at the peak of m = 2; what carries the excess at every peak; the same over T at m = 2."""
    figure = Figure(figsize=(14.5, 4.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.1, 1.1))
    plane = planes[(planes["T"] == found[0].T) & (planes.n == planes.n.max())] if len(planes) else planes
    if len(plane):
        _plane(left, plane)
        left.set_title(f"hidden vectors, m = 2, T = {found[0].T:,}")
    else:
        left.set_axis_off()
    x = np.arange(len(found))
    for k, (column, (words, color)) in enumerate(COLUMNS.items()):
        at = x + 0.14 * (k - 1.5)
        middle.plot(at, [peak.cells[column].mean() for peak in found], "o", color=color, label=words)
        for place, peak in zip(at, found, strict=True):
            middle.scatter([place] * len(peak.cells), peak.cells[column], s=9, color=color, alpha=0.4, linewidths=0)
    middle.set_xticks(
        x, labels=[f"{peak.words.replace(', ', chr(10))}\nT = {peak.T:,}" for peak in found], fontsize=8.5
    )
    middle.set(ylim=(-0.03, HIGHEST), title="where test loss is highest", ylabel="share")
    of = found[0].every
    for column, (_, color) in COLUMNS.items():
        style.curve(right, of, column, color)
    style.log_T(right, of["T"], of.S.iloc[0])
    right.set(ylim=(-0.03, HIGHEST), title=f"over T, {found[0].words}; the middle regime is shaded")
    handles, labels = middle.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    figure.suptitle("Excess: what test losses are above 1, that of output 0. Who carries it?")
    return figure


def _plane(axes: Axes, plane: pd.DataFrame) -> None:
    """Training points, fresh points, and those of largest loss."""
    for rows, color, size, words in (
        (plane[plane.fresh & ~plane.worst], style.LAW, 4, "fresh points"),
        (plane[plane.worst], WORST, 9, "the 1 % of largest loss"),
        (plane[~plane.fresh], style.POINT, 9, "training points"),
    ):
        axes.scatter(rows.x, rows.y, s=size, color=color, linewidths=0, label=words, rasterized=True)
    reach = 1.05 * float(plane[["x", "y"]].abs().max().max())
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3, markerscale=2, columnspacing=0.8)


def _bits(found: list[Peak]) -> Figure:
    """Bits stored a parameter over T; test loss over the data's bits in units of the most that are stored."""
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for peak, color in zip(found, style.ramp(len(found)), strict=True):
        of = peak.every
        parameters = of.n * (of.m + 1)
        style.curve(left, of.assign(share=of.bits_stored / parameters), "share", color, peak.words)
        most = of.groupby("data_seed").bits_stored.max()
        rows = of.groupby("T").agg(loss=("test_loss", "mean"), data=("bits_data", "mean"))
        loss = rows.loss - rows.loss.min()
        right.plot(rows.data / most.mean(), loss / loss.max(), marker="o", markersize=3, color=color, label=peak.words)
    every = pd.concat([peak.every for peak in found])
    style.log_T(left, every["T"])
    left.set(ylim=(0, None), ylabel="bits stored a parameter", title="what models hold of their training points")
    left.legend(fontsize=8.5)
    right.axvline(1, color=style.LAW, linewidth=0.8)
    right.set(xscale="log", xlabel="bits of the data, over the most that are stored", ylabel="test loss, 0 to 1 each")
    right.set(title="is test loss highest where both are equal (line)?")
    figure.suptitle("Bits stored, against those of the data")
    return figure
