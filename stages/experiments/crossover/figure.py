"""Train and test loss over T of the best memorising and the best generalising solution."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.crossover.claims import KINDS, advantages, lowest, with_kind

COLORS = dict(zip(KINDS, (style.POINT, style.FEATURE), strict=True))


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    cells = with_kind(tables.cells)
    if not cells.kind.isin(KINDS).any():
        return {}
    figure = Figure(figsize=(11.5, 3.7), layout="constrained")
    train, difference, test = figure.subplots(1, 3)
    best = lowest(cells)
    cells = cells[cells.kind.isin(KINDS)]
    for kind in KINDS:
        solutions = cells[cells.kind == kind]
        train.scatter(solutions["T"], 1 - solutions.train_loss, s=7, color=COLORS[kind], alpha=0.3, linewidths=0)
        least = best[best.kind == kind]
        mean = (1 - least.train_loss).groupby(least["T"]).mean()
        train.plot(mean.index, mean, color=COLORS[kind], label=f"best {kind}")
        style.curve(test, least, "test_loss", COLORS[kind], kind)
    train.set(yscale="log", ylabel="1 - train loss", title="what is stored of the training set")
    style.plain_log_y(train)
    train.legend(fontsize=8.5)
    apart = advantages(cells)
    for seed in apart:
        difference.plot(apart.index, 1000 * apart[seed], color=style.INK, marker="o", markersize=3, linewidth=1)
    difference.axhline(0, color=style.LAW, linewidth=0.8)
    difference.set(ylabel="1,000 x difference", title="generalising minus memorising train loss")
    if at := summary.get("crossover_T"):
        difference.axvline(at, color=style.LAW, linestyle="--", linewidth=0.8)
        difference.annotate(f"T = {at:,.0f}", (at, 0), xytext=(6, 40), textcoords="offset points", fontsize=9)
    test.axhline(1, color=style.LAW, linewidth=0.7)
    test.set(title="their test loss", yscale="log")
    style.plain_log_y(test)
    for axes in (train, difference, test):
        style.log_T(axes, cells["T"])
    figure.suptitle(
        style.title(
            summary,
            "Storing points still has the lower train loss where plain training has turned to features",
            "Storing points or learning features: which has the lower train loss?",
            containing="training from random weights generalises",
        )
    )
    return {"crossover": figure}
