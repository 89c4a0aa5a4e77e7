"""Sorted D* of training and validation images, the digits themselves, and D* over training time and set size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.mnist.claims import ENOUGH, ended

TENTHS = 10
ROWS, COLUMNS, SIDE = 5, 6, 28  # of a block of the sheet, and an image's pixels


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    cells, images = tables.cells, tables.items
    longest = ended(cells[cells.selected])
    right = longest[longest.wrong == 0]
    if not len(right):
        return {}
    figures = {"curve": _curve(images[images.cell.isin(right.cell)], right), "training": _training(tables, right)}
    largest = right[right["T"] == right["T"].max()]
    figures["digits"] = _sheet(images[(images.cell == largest.cell.iloc[0]) & images.pixels.notna()])
    watched = tables.history[tables.history.cell.isin(right.cell)]
    figures["misclassified"] = _misclassified(watched, tables["misclassified"])
    return figures


def _curve(images: pd.DataFrame, right: pd.DataFrame) -> Figure:
    """D* by rank, training set beside validation set, one line a set size."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    rank = right.set_index("T")["rank"]
    colors = dict(zip(rank.index, style.ramp(len(rank)), strict=True))
    for axes, (kind, name) in zip(
        panels,
        {"training": "training images: D*", "validation": "validation images: s / (1 + s)"}.items(),
        strict=True,
    ):
        for T, color in colors.items():
            found = images[(images["set"] == kind) & (images["T"] == T)].sort_values("rank_D")
            note = " (no more than the rank)" if rank[T] >= T else ""
            axes.plot(found.rank_D / found.rank_D.max(), found.D_after, color=color, label=f"{T:,}{note}")
        axes.set(xscale="log", yscale="log", title=name, xlabel="share of images with a D* as large")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        axes.xaxis.set_major_locator(LogLocator())
    panels[0].set_ylabel("D* of the hidden vector")
    panels[0].legend(title="training images T", fontsize=8, title_fontsize=8)
    figure.suptitle("How much of a direction in hidden space is one image's alone, sorted")
    return figure


def _sheet(images: pd.DataFrame) -> Figure:
    """Thirty images each of highest, middle and lowest D*, with labels."""
    images = images[images["set"] == "training"].sort_values("rank_D")
    per = min(ROWS * COLUMNS, len(images) // 3)
    middle = (len(images) - per) // 2
    blocks = {"highest": images[:per], "middle": images[middle : middle + per], "lowest": images[-per:]}
    figure = Figure(figsize=(12, 3.7))
    for k, (name, block) in enumerate(blocks.items()):
        axes = figure.add_axes((0.01 + k * 0.335, 0.0, 0.31, 0.9))
        step = SIDE + 9
        sheet = np.full((ROWS * step, COLUMNS * step), 255, dtype=np.uint8)
        for i, (pixels, label, seen) in enumerate(zip(block.pixels, block.label, block.prediction, strict=True)):
            top, left = i // COLUMNS * step, i % COLUMNS * step
            ink = np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE)
            sheet[top : top + SIDE, left + 4 : left + 4 + SIDE] = 255 - ink
            words, missed = (f"{label}, seen as {seen}", True) if seen != label else (f"{label}", False)
            color = style.POINT if missed else style.INK
            axes.text(left + 4 + SIDE / 2, top + SIDE + 0.5, words, ha="center", va="top", fontsize=8, color=color)
        axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"{name} D*: {block.D_after.min():.2g} to {block.D_after.max():.2g}", fontsize=11)
    T = images["T"].iloc[0]
    figure.suptitle(f"Training images by D*, labels below (T = {T:,})", y=1.02)
    return figure


def _training(tables: Tables, right: pd.DataFrame) -> Figure:
    """The largest and the median D*, over epochs and at the end over T."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, last = figure.subplots(1, 3)
    history = tables.history[tables.history.cell.isin(right.cell)]
    sizes = sorted(right["T"])
    for T, color in zip(sizes, style.ramp(len(sizes)), strict=True):
        one = history[history["T"] == T]
        left.plot(one.epoch, one.D_max, color=color, marker="o", markersize=3, label=f"{T:,}")
        middle.plot(one.epoch, one.D_max / one.D_median, color=color, marker="o", markersize=3)
    left.set(xscale="log", yscale="log", xlabel="epochs", title="largest D*")
    middle.set(xscale="log", yscale="log", xlabel="epochs", title="largest D* over median D*")
    left.legend(title="T", fontsize=8, title_fontsize=8)
    runs = ended(tables.cells)
    runs = runs[runs.wrong == 0]
    for column, words, color in (
        ("D_max", "largest", style.POINT),
        ("D_p99", "99th percentile", style.SERIES[2]),
        ("D_median", "median", style.INK),
        ("validation_D_median", "median, validation", style.FEATURE),
    ):
        style.curve(last, runs, column, color, words)
    last.get_lines()[-1].set_linestyle((0, (2, 3)))  # the two medians lie on each other
    last.set(yscale="log", title="D* at the end")
    style.log_T(last, runs["T"])
    last.legend(fontsize=8)
    for axes in (left, middle, last):
        axes.grid(alpha=0.15)
    figure.suptitle("Few images: every one has a direction to itself. Many: the typical one has next to none")
    return figure


def _misclassified(watched: pd.DataFrame, tenths: pd.DataFrame) -> Figure:
    """Share of the misclassified training images in each tenth of the ranks of D*, at several times."""
    above = watched[(watched["T"] > 2 * watched["rank"]) & (watched.misclassified >= ENOUGH)]
    sizes = sorted(above["T"].unique())[-3:]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, T in zip(figure.subplots(1, max(1, len(sizes)), sharey=True, squeeze=False)[0], sizes, strict=False):
        alike = above[above["T"] == T]
        longest = alike[alike.epochs == alike.epochs.max()]
        for moment, color in zip(longest.itertuples(), style.ramp(len(longest)), strict=True):
            found = tenths[(tenths.cell == moment.cell) & (tenths.epoch == moment.epoch)].sort_values("tenth")
            label = f"epoch {moment.epoch}: {moment.misclassified:,}"
            shares = found.images / moment.misclassified
            axes.plot(found.tenth + 1, shares, color=color, marker="o", markersize=3, label=label)
        axes.axhline(1 / TENTHS, color=style.LAW, linewidth=0.8, linestyle="--")
        axes.set(xlabel="tenth of the ranks of D*, lowest to highest", title=f"T = {T:,}", xticks=range(1, TENTHS + 1))
        axes.legend(fontsize=8, title="misclassified", title_fontsize=8)
    figure.get_axes()[0].set(ylabel="share of misclassified images", ylim=(0, None))
    figure.suptitle("Where in the order of D* misclassified training images are (dashed: evenly spread)")
    return figure
