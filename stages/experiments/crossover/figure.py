"""Train and test loss over T of the best memorising and the best generalising solution."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.crossover.claims import KINDS, advantages, lowest, usual, with_kind
from stages.statistics.clusters import clusters

COLORS = dict(zip(KINDS, (style.POINT, style.FEATURE), strict=True))


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    cells = with_kind(tables.cells)
    if not cells.kind.isin(KINDS).any():
        return {}
    figure = Figure(figsize=(11.5, 3.7), layout="constrained")
    train, difference, test = figure.subplots(1, 3)
    cells = cells[cells.kind.isin(KINDS)]
    apart = advantages(cells)
    cells = usual(cells)  # the n of most training sets is drawn whole
    n = cells.n.iloc[0]
    best = lowest(cells)
    for kind in KINDS:
        solutions = cells[cells.kind == kind]
        train.scatter(solutions.scaled, 1 - solutions.train_loss, s=7, color=COLORS[kind], alpha=0.3, linewidths=0)
        least = best[best.kind == kind]
        mean = (1 - least.train_loss).groupby(least.scaled).mean()
        train.plot(mean.index, mean, color=COLORS[kind], label=f"best {kind}")
        style.curve(test, least, "test_loss", COLORS[kind], kind, x="scaled")
    train.set(yscale="log", ylabel="1 - train loss", title=f"what is stored of the training set, n = {n:,}")
    style.plain_log_y(train)
    train.legend(fontsize=8.5)
    sizes = sorted(set(apart.columns.get_level_values("n"))) if apart.shape[1] else []
    for size, color in zip(sizes, style.ramp(len(sizes)), strict=True):
        for k, (_, known) in enumerate(apart[size].items()):
            points = 1000 * known.dropna()
            label = None if k else f"n = {size:,}"
            difference.plot(points.index, points, color=color, marker="o", markersize=3, linewidth=1, label=label)
        if at := summary.get(f"crossover_n{size}"):
            difference.axvline(at, color=color, linestyle="--", linewidth=0.8)
    if sizes:
        difference.legend(fontsize=8.5)
    difference.axhline(0, color=style.LAW, linewidth=0.8)
    difference.set(ylabel="1,000 x difference", title="generalising minus memorising train loss")
    test.axhline(1, color=style.LAW, linewidth=0.7)
    test.set(title=f"their test loss, n = {n:,}", yscale="log")
    style.plain_log_y(test)
    for axes in (train, difference, test):
        style.log_T(axes, apart.index.to_series() if axes is difference and sizes else cells.scaled)
        axes.set_xlabel("T (1 - S): how often a feature is there")
    figure.suptitle(
        style.title(
            summary,
            "Storing points still has the lower train loss where plain training has turned to features",
            "Storing points or learning features: which has the lower train loss?",
            containing="from random weights training turns",
        )
    )
    return {"crossover": figure} | _clusters(with_kind(tables.cells), tables.items)


def _clusters(cells: pd.DataFrame, items: pd.DataFrame) -> dict[str, Figure]:
    """Hidden vectors of the best memorising solution that has them listed, and how alike points of a cluster are."""
    memorising = cells[(cells.kind == KINDS[0]) & cells.cell.isin(items.cell)]
    if not len(memorising):
        return {}
    run = memorising.sort_values("train_loss").iloc[0]
    points = items[(items.cell == run.cell) & (items.kind == "point")]
    labels = clusters(points[["x", "y"]].to_numpy())
    figure = Figure(figsize=(9.5, 4.4), layout="constrained")
    plane, alike = figure.subplots(1, 2)
    radius = 1.1 * float(points.norm.max())
    style.arrows(plane, points.x[labels < 0], points.y[labels < 0], style.LAW, radius, spokes=False)
    colors = style.ramp(7)
    for k in range(labels.max() + 1):
        own = points[labels == k]
        plane.scatter(own.x, own.y, s=9, color=colors[3 * k % len(colors)], linewidths=0, zorder=3)
    plane.set_title(f"hidden vectors, n = {run.n:,}, T = {run['T']:,}: {labels.max() + 1} clusters")
    least = lowest(usual(cells))
    least = least[least.kind == KINDS[0]]
    for column, color, label in (
        ("cosine_within", style.POINT, "two points of a cluster"),
        ("cosine_permuted", style.LAW, "of one that chance makes"),
    ):
        style.curve(alike, least[least[column].notna()], column, color, label, x="scaled")
    style.log_T(alike, least.scaled)
    alike.set(
        title=f"mean cosine of two points, n = {least.n.max():,}",
        xlabel="T (1 - S): how often a feature is there",
        ylim=(0, None),
    )
    alike.legend(fontsize=8.5)
    figure.suptitle("What the best memorising solution stores")
    return {"clusters": figure}
