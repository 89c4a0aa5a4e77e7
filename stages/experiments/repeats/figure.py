"""Where over T and R a repeated point is memorised; how it comes about; what the plane looks like then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.repeats import HIGHEST
from stages.experiments.repeats.claims import BOUNDARY, TESTS, best_boundary, mapped, watched

REPEATED = "#e08214"  # orange: repeated points


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    runs, seen = mapped(tables.cells), watched(tables.cells)
    figures = {}
    if len(runs):
        figures["map"] = _map(runs, summary)
    if len(seen := seen[seen.cell.isin(tables.items.cell)]):
        figures["embedding"] = _embedding(seen, tables.items, summary)
    return figures


def _map(runs: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(11.5, 3.9), layout="constrained")
    panels = figure.subplots(1, 3)
    titles = {name: f"share of runs: {words}" for name, words in TESTS.items()} | {
        "features_learned": "features learned"
    }
    for axes, (column, title) in zip(panels, titles.items(), strict=True):
        share = runs.groupby(["copies", "T"])[column].mean().unstack("T")
        top = 1.0 if column in TESTS else max(5.0, float(runs.features_learned.max()))
        axes.imshow(share, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=top)
        for (i, k), value in np.ndenumerate(share.to_numpy()):
            if np.isfinite(value):
                color = style.INK if value > 0.6 * top else "white"
                axes.text(k, i, f"{value:.2g}", ha="center", va="center", fontsize=8, color=color)
        axes.set_xticks(range(share.shape[1]), labels=[f"{T:,}" for T in share.columns])
        axes.set_yticks(range(share.shape[0]), labels=[f"{R}" for R in share.index])
        axes.set(xlabel="training points T", ylabel="copies R", title=title)
        _line(axes, share, BOUNDARY / runs.n.iloc[0], f"R = {BOUNDARY} T / n", "--")
        if column == "repeated_recalled" and (best := best_boundary(runs, column)):
            _line(axes, share, best / runs.n.iloc[0], f"R = {best:.2g} T / n", "-")
        if column in TESTS and axes.get_lines():
            axes.legend(fontsize=8, loc="lower right", labelcolor="white", facecolor="#00000080", frameon=True)
    figure.suptitle(
        style.title(
            summary,
            f"From about {summary.get('boundary_recalled', 0):.1f} T / n copies on a point takes a feature's place",
            "One point, R times among T others: when is it memorised?",
            "takes the place of one feature",
        )
    )
    return figure


def _line(axes: Axes, share: pd.DataFrame, slope: float, label: str, dashes: str) -> None:
    """R = slope T, on axes whose ticks are the grid's values one after another."""
    if min(share.shape) < 2:
        return
    at = np.log(share.columns.to_numpy(float))
    T = np.exp(np.linspace(at[0], at[-1], 200))
    x = np.interp(np.log(T), at, range(share.shape[1]))
    R = np.log(share.index.to_numpy(float))
    steps = (np.log(slope * T)[:, None] - R[None, :-1]) / np.diff(R)  # position within each gap of R
    k = np.clip(np.searchsorted(R, np.log(slope * T)) - 1, 0, len(R) - 2)
    axes.plot(
        x,
        k + steps[np.arange(len(T)), k],
        color="white",
        linewidth=1.6,
        linestyle=dashes,
        label=label,
        path_effects=[withStroke(linewidth=3, foreground=style.INK)],
    )
    axes.set(xlim=(-0.5, share.shape[1] - 0.5), ylim=(-0.5, share.shape[0] - 0.5))


def _embedding(seen: pd.DataFrame, items: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """One run of each kind: features, hidden vectors, and their dimensionalities during training."""
    first = seen.sort_values("data_seed").groupby(["repeated", "copies"], as_index=False).first()
    figure = Figure(figsize=(min(2.5 * len(first), 13.5), 7), layout="constrained")
    grid = figure.subplots(3, len(first), squeeze=False)
    for column, (_, run) in zip(grid.T, first.iterrows(), strict=True):
        vectors = items[items.cell == run.cell]
        last = vectors[vectors.step == vectors.step.max()]
        is_feature, again = last.kind == "feature", (last.kind == "point") & (last.item < run.repeated)
        style.arrows(column[0], *_xy(last[is_feature]), style.FEATURE, 1.15 * last[is_feature].norm.max(), spokes=True)
        points = last[~is_feature]
        style.arrows(column[1], *_xy(points), style.POINT, 1.15 * points.norm.max(), spokes=False)
        style.arrows(column[1], *_xy(last[again]), REPEATED, 1.15 * points.norm.max(), spokes=True)
        _history(column[2], vectors, int(run.repeated))
        column[0].set_title(f"{run.repeated} point{'s' if run.repeated > 1 else ''}, R = {run.copies}")
    for axes, text in zip(grid[:, 0], ("features", "data points", "dimensionality"), strict=True):
        axes.text(-0.22, 0.5, text, transform=axes.transAxes, rotation=90, ha="right", va="center")
    handles = [figure.get_axes()[0].plot([], [], color=color)[0] for color in (style.FEATURE, REPEATED)]
    figure.legend(handles, ["features", "repeated points (each copy)"], loc="outside lower center", ncols=2)
    among = f"R times among T = {first['T'].iloc[0]:,}"
    figure.suptitle(
        style.title(
            summary,
            f"Points that are there {among} others take the features' corners",
            f"Points that are there {among} others",
            "repeated points",
        )
    )
    return figure


def _history(axes: Axes, vectors: pd.DataFrame, repeated: int) -> None:
    """D of the features that are largest at some time, and of the repeated points, over the steps."""
    moving = vectors[vectors.step > 0]
    features = moving[moving.kind == "feature"]
    largest = features.groupby("item").D.max().nlargest(HIGHEST).index
    for color, shown in (
        (style.FEATURE, features[features.item.isin(largest)]),
        (REPEATED, moving[(moving.kind == "point") & (moving.item < repeated)]),
    ):
        for _, line in shown.groupby("item"):
            axes.plot(line.step, line.D, color=color, linewidth=1)
    axes.set(xscale="log", xlabel="steps", ylim=(0, None))


def _xy(vectors: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return vectors.x, vectors.y
