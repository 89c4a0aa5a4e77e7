"""What learned dictionaries find: stored points over T, features over m, planted points over their copies."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.dictionary import SOURCES
from stages.experiments.dictionary.claims import MANY, best, found

COLORS = {"trained": style.POINT, "fresh": style.FEATURE, "outputs": "#e08214"}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    points, features, planted = (found(tables, target) for target in ("points", "features", "planted"))
    panels = [
        (
            points[(points.m >= 5) & (points["T"] < MANY)],
            "T",
            "points that a model stores (m = 5, 8)",
            "training points T",
        ),
        (features[features["T"] >= MANY], "m", "features, of many points", "hidden dimensions m"),
        (planted[planted.m >= 4], "copies", "planted points beside features (m from 4 on)", "copies of each"),
    ]
    panels = [panel for panel in panels if len(panel[0])]
    if not panels:
        return {}
    figure = Figure(figsize=(4.6 * len(panels), 4.4), layout="constrained")
    every = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (rows, over, title, label) in zip(every, panels, strict=True):
        _panel(axes, rows, over)
        axes.set(title=title, xlabel=label, ylim=(-0.03, 1.05), xscale="log")
        ticks = sorted(rows[over].unique())
        axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
        axes.minorticks_off()
    every[0].set_ylabel("share that an atom is")
    handles, labels = every[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle("What learned dictionaries find: mostly what recurs in their inputs")
    return {"recovered": figure}


def _panel(axes: Axes, rows: pd.DataFrame, over: str) -> None:
    """Recovery by source, of the way that does best on even training sets, over one axis; and by chance."""
    for source, _, of in best(rows):
        style.curve(axes, of, "recovered", COLORS[source], f"learned from {SOURCES[source]}", over)
    chance = rows[rows.source == "trained"].groupby(over).chance.mean()
    axes.plot(chance.index, chance, ":", color=style.LAW, label="as many random directions of h")
