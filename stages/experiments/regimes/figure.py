"""Test loss and features over T, every training set a dot; norms of W and b against the exact T-gon's."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stages.claims.regimes import POLYGONS_END, finite
from stages.core.tables import Tables
from stages.experiments import style
from stages.statistics.polygon import polygon


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    of = finite(tables)
    if not len(of):
        return {}
    figure = Figure(figsize=(11.5, 6.4), layout="constrained")
    (loss, learned), norms = figure.subplots(2, 2)
    beyond = of[of["T"] >= POLYGONS_END]
    style.curve(loss, beyond if len(beyond) else of, "test_loss", style.INK)
    loss.set_title("test loss, from where polygons end")
    style.curve(learned, of, "features_learned", style.FEATURE)
    learned.set_title("features learned")
    T = np.geomspace(3, 40, 100)
    for axes, column, title in zip(norms, ("norm_W", "norm_b"), ("norm of W", "norm of b"), strict=True):
        style.curve(axes, of, column, style.INK, "trained")
        axes.plot(T, [getattr(polygon(t), column) for t in T], color=style.LAW, zorder=0, label="exact T-gon")
        axes.set(yscale="log", title=title)
        style.plain_log_y(axes)
        axes.legend(fontsize=8.5)
    for axes in figure.get_axes():
        style.log_T(axes, of["T"], of.S.iloc[0])
    figure.suptitle(
        style.title(
            summary,
            "In most training sets test loss rises before it falls",
            "The three regimes, training set by training set",
            containing="rises before it falls",
        )
    )
    return {"regimes": figure}
