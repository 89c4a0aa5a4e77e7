"""The T x m map of test loss, with its ridges, and the spread over training sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.hidden_size.claims import rises, table

LINEAR = 0.01  # colours are linear up to here, then logarithmic


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    of = table(tables.cells)
    if not len(of):
        return {}
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    above = of["mean"].unstack("T") - 1
    reach = max(2 * LINEAR, float(np.nanmax(np.abs(above))))
    _map(left, above, SymLogNorm(LINEAR, vmin=-reach, vmax=reach), "RdBu_r", "{:+.3f}")
    left.set_title("mean test loss above that of output 0")
    _ridges(left, of, above)
    spread = of.spread.unstack("T").where(lambda s: s > 0)
    if spread.notna().any(axis=None):
        low, high = float(np.nanmin(spread)), float(np.nanmax(spread))
        _map(right, spread, LogNorm(0.9 * low, 1.1 * high), "viridis", "{:.2g}")
    right.set_title("its standard deviation over training sets")
    figure.suptitle(
        style.title(
            summary,
            "More data, and more hidden dimensions, can each raise test loss",
            "Test loss over training points and hidden dimensions",
            containing="somewhere",
        )
    )
    return {"hidden_size": figure}


def _map(axes: Axes, values: pd.DataFrame, norm: Normalize, colors: str, text: str) -> None:
    """Rows m, columns T, evenly spaced, each value written out."""
    mesh = axes.imshow(values, norm=norm, cmap=colors, origin="lower", aspect="auto")
    for (i, k), value in np.ndenumerate(values.to_numpy()):
        if np.isfinite(value):
            r, g, b, _ = mesh.cmap(norm(value))
            ink = "white" if 0.3 * r + 0.6 * g + 0.1 * b < 0.5 else style.INK
            axes.text(k, i, text.format(value), ha="center", va="center", fontsize=7, color=ink)
    axes.set_xticks(range(values.shape[1]), labels=[f"{T:,}" for T in values.columns])
    axes.set_yticks(range(values.shape[0]), labels=[f"{m}" for m in values.index])
    axes.set(xlabel="training points T", ylabel="hidden dimensions m")


def _ridges(axes: Axes, of: pd.DataFrame, shown: pd.DataFrame) -> None:
    """Where test loss is highest after a clear rise, along each row (triangles to the right) and column (upwards)."""
    T, m = [int(str(value)) for value in shown.columns], [int(str(value)) for value in shown.index]
    for along, marker, shift in (("T", ">", (-0.36, 0.3)), ("m", "^", (-0.36, -0.3))):
        clear = [rise for rise in rises(of, along) if rise.is_clear]
        where = [(T.index(r.peak), m.index(r.at)) if along == "T" else (T.index(r.at), m.index(r.peak)) for r in clear]
        x, y = [k + shift[0] for k, _ in where], [i + shift[1] for _, i in where]
        axes.scatter(x, y, marker=marker, s=26, color=style.INK, label=f"highest along {along}, after a clear rise")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=8)
