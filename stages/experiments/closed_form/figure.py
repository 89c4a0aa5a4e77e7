"""Trained T-gons and F-gons against their laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.closed_form.claims import kept, law, of_features, of_points


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    points, features = of_points(tables.cells), of_features(tables.cells)
    figures = {}
    if len(points):
        figures["points"] = _points(points)
    if len(features):
        figures["features"] = _features(features, tables.history)
    return figures


def _points(of: pd.DataFrame) -> Figure:
    """Radius over the exact one, over T: a panel for each decay, a line for each size at the start."""
    decays, scales = sorted(of.weight_decay.unique()), sorted(of.init_scale.unique())
    figure = Figure(figsize=(11.5, 3.6), layout="constrained")
    for axes, decay in zip(figure.subplots(1, len(decays), sharey=True, squeeze=False)[0], decays, strict=True):
        for scale, color in zip(scales, style.ramp(len(scales)), strict=True):
            runs = of[(of.weight_decay == decay) & (of.init_scale == scale)].sort_values("T")
            mean = 1 + runs.groupby("T").radius_off.mean()
            axes.plot(mean.index, mean, color=color, label=f"{scale:g}")
            for regular, face in ((True, color), (False, "white")):
                some = runs[runs.regular.eq(regular)]
                axes.scatter(
                    some["T"], 1 + some.radius_off, s=14, facecolors=face, edgecolors=color, linewidths=0.7, zorder=3
                )
        axes.axhline(1, color=style.LAW, linewidth=0.8)
        axes.set(xscale="log", xlabel="training points T", title=f"weight decay {decay:g}", ylim=(0, 1.15))
        shown = [T for T in (4, 6, 10, 15, 20, 31, 50) if T in set(of["T"])]
        axes.set_xticks(shown, labels=map(str, shown))
        axes.xaxis.set_minor_formatter(NullFormatter())
    first = figure.get_axes()[0]
    first.set_ylabel("trained radius / exact radius")
    first.legend(title="size at the start", fontsize=8, title_fontsize=8, loc="lower left")
    figure.suptitle("T-gons of orthonormal points, started at a share of the exact one (filled: ends regular)")
    return figure


def _features(of: pd.DataFrame, history: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(11.5, 3.6), layout="constrained")
    gain, radius, path = figure.subplots(1, 3)
    corners, (n, S) = sorted(of.corners.unique()), of[["n", "S"]].iloc[0]
    laws = [law(int(F), int(n), float(S)) for F in corners]
    plain = [law(int(F), int(n), float(S), bias=False) for F in corners]
    gain.plot(corners, [1000 * exact.gain for exact in laws], color=style.LAW, label="law")
    gain.plot(corners, [1000 * exact.gain for exact in plain], color=style.LAW, linestyle="--", label="law, b = 0")
    radius.plot(corners, [exact.radius for exact in laws], color=style.LAW)
    radius.plot(corners, [-exact.bias for exact in laws], color=style.LAW, linestyle=":")
    stays = of.cell.isin(kept(of).cell)
    for polygon, face in ((True, style.FEATURE), (False, "white")):
        some = of[stays == polygon]
        look: dict[str, Any] = {"s": 26, "edgecolors": style.FEATURE, "linewidths": 0.9, "zorder": 3}
        label = "trained, keeps its F" if polygon else "trained, another shape by the end"
        gain.scatter(some.corners, 1000 * some.gain, facecolors=face, label=label, **look)
        radius.scatter(some.corners, some.radius, facecolors=face, **look)
        radius.scatter(some.corners, -some.bias, facecolors=face, marker="s", **look)
    gain.set(title="1,000 x gain over a constant output", xlabel="features F at the start")
    radius.set(title="their norm (dots), minus their bias (squares)", xlabel="features F at the start", ylim=(0, None))
    gain.legend(fontsize=8)
    for F, color in zip(corners, style.ramp(len(corners)), strict=True):
        for k, (_, run) in enumerate(history[(history.corners == F) & (history.step > 0)].groupby("cell")):
            path.plot(run.step, run.features_learned, color=color, linewidth=1, label=None if k else f"{F}")
    path.set(xscale="log", xlabel="steps", title="features learned")
    path.legend(title="F", fontsize=8, title_fontsize=8, ncols=2)
    path.set_yticks(np.arange(0, max(corners) + 1))
    figure.suptitle("Polygons of features: theory and training, on new points at every step")
    return figure
