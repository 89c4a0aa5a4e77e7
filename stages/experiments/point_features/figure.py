"""What is lost where a passage's directions or units are taken out; which scores tell what is memorised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.point_features import REMOVED, removals, sites

LINES = {
    "D*": style.POINT,
    "units by gradient": style.FEATURE,
    "turned units": "#e08214",
    "random directions": style.LAW,
}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    figures = {}
    if len(tables["ablations"]):
        rows = removals(tables["ablations"])
        figures["taken_out"] = _taken_out(rows[rows.seen.astype(bool)], summary)
    if len(tables.scores):
        figures["scores"] = _scores(tables.scores)
    return figures


def _taken_out(rows: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """Share of the recitation that is left, of the passage and of others, over how much is taken out."""
    every = sorted(rows.site.unique())
    figure = Figure(figsize=(4.2 * len(every), 4), layout="constrained")
    panels: list[Axes] = list(np.atleast_1d(figure.subplots(1, len(every), sharey=True)))
    for axes, site in zip(panels, every, strict=True):
        for name, color in LINES.items():
            of = rows[(rows.site == site) & (rows.removed == name)]
            mean = of.groupby("count")[["recited", "recited_after", "others_recited", "others_recited_after"]].mean()
            own, others = mean.recited_after / mean.recited, mean.others_recited_after / mean.others_recited
            axes.plot(mean.index, own, marker="o", markersize=4, color=color, label=REMOVED[name])
            axes.plot(mean.index, others, "--", marker="o", markersize=3, color=color)
        axes.set(xscale="log", xlabel="directions or units taken out", title=site, ylim=(0, 1.05))
        axes.set_xticks(sorted(rows["count"].unique()), labels=[str(k) for k in sorted(rows["count"].unique())])
        axes.minorticks_off()
    panels[0].set_ylabel("share of the recitation that is left")
    panels[0].plot([], [], "--", color=style.INK, label="other passages (dashed)")
    panels[0].legend(fontsize=8, loc="lower left")
    figure.suptitle(
        style.title(
            summary,
            "A memorised passage has directions of its own: taking them out costs it far more than others",
            "Taking a passage out of a hidden layer",
            "directions of its own",
        )
    )
    return figure


def _scores(scores: pd.DataFrame) -> Figure:
    """Rank correlation of each score with memorisation, of passages and of tokens."""
    rows = scores[(scores.asks == "memorisation") & (scores.among == "natural")]
    rows = rows.assign(name=rows.score + ", " + sites(rows))
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    order = rows[rows["of"] == "passages"].groupby("name").value.mean().sort_values().index
    for axes, of in zip(panels, ("passages", "tokens"), strict=True):
        found = rows[rows["of"] == of].groupby("name").value
        mean, spread = found.mean().reindex(order), found.std().reindex(order)
        colors = [style.POINT if name.startswith("D*") else style.INK for name in order]
        axes.barh(range(len(order)), mean, xerr=spread, color=colors, alpha=0.75, height=0.7)
        axes.axvline(0, color=style.LAW, linewidth=0.8)
        axes.set(title=f"of {of}", xlabel="rank correlation with memorisation", xlim=(-1, 1))
    panels[0].set_yticks(range(len(order)), labels=list(order), fontsize=8)
    figure.suptitle("Which score of one model tells what is memorised? Natural passages that it was trained on")
    return figure
