"""Memorisation along a document: about a span without gradient, and in windows at other places."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.substrings import of_pool, spans
from stages.experiments.substrings.claims import CONTEXT

BLOCK = 8  # tokens of a row


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    rows, stretches = spans(tables["blocks"]), of_pool(tables["blocks"], "cuts")
    if not len(rows) and not len(stretches):
        return {}
    figure = Figure(figsize=(13, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (with_span, of), color in zip(rows.groupby("with_span"), (style.INK, style.POINT), strict=False):
        words = "gradient everywhere" if not with_span else "none on the shaded span"
        mean = of.groupby("place").memorization.mean()
        left.plot(mean.index.to_numpy() + BLOCK / 2, mean, marker="o", markersize=4, color=color, label=words)
    hidden = rows[rows.masked].place
    if len(hidden):
        left.axvspan(hidden.min(), hidden.max() + BLOCK, color=style.SHADE, zorder=-1)
    left.set(xlabel="place in the document, tokens", ylabel="memorisation, nats a token", ylim=(0, None))
    left.set_title("four copies, half of the documents with a span without gradient")
    if len(rows):
        left.legend(loc="lower left")
    _cuts(right, stretches)
    figure.suptitle("What gives no gradient is hardly memorised; at another cut of the window half of it is left")
    return {"substrings": figure}


def _cuts(axes: Axes, rows: pd.DataFrame) -> None:
    """Memorisation along a stretch of two documents, in windows that were trained on and others."""
    windows = sorted(rows.offset.unique().tolist())
    for offset, shade in zip(windows, style.ramp(len(windows) + 1), strict=False):
        mean = rows[rows.offset == offset].groupby("place").memorization.mean()
        trained = offset % CONTEXT == 0
        label = "windows as trained on" if offset == 0 else None if trained else f"window from token {offset} on"
        x, color = mean.index.to_numpy() + offset + BLOCK / 2, style.INK if trained else shade
        axes.plot(x, mean, marker="o", markersize=3, color=color, label=label)
    axes.axvline(CONTEXT, color=style.LAW, linewidth=0.8, linestyle="--")
    axes.set(xlabel="place in the stretch, tokens; the training cut dashed", ylim=(0, None))
    axes.set_title("documents cut in two by the context window")
    if windows:
        axes.legend(fontsize=8)
