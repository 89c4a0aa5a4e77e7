"""Test loss over T, and what is stored at a few T, for a mean and for a sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.reductions.claims import shared, trained

SHOWN = 7  # sizes of which vectors are drawn
COLORS = {"mean": style.INK, "sum": "#e08214"}


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    of = trained(tables.cells)
    return {"reductions": _side_by_side(tables, summary)} if shared(of) else {}


def _side_by_side(tables: Tables, summary: dict[str, Any]) -> Figure:
    of = trained(tables.cells)
    sizes = shared(of)
    shown = [sizes[k] for k in np.unique(np.linspace(0, len(sizes) - 1, SHOWN).astype(int))]
    figure = Figure(figsize=(1.55 * len(shown), 8.6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[1, 2.2], squeeze=False).ravel()
    axes = above.subplots()
    for reduction, color in COLORS.items():
        style.curve(axes, of[of.reduction == reduction], "test_loss", color, f"{reduction} over features")
    axes.set(yscale="log", ylabel="test loss (1: output 0)")
    style.plain_log_y(axes)
    style.log_T(axes, of["T"], of.S.iloc[0])
    axes.legend(fontsize=8)
    rows = [(reduction, kind) for reduction in COLORS for kind in ("feature", "point")]
    panels = below.subplots(len(rows), len(shown), squeeze=False)
    vectors = tables.items[tables.items.data_seed == tables.items.data_seed.min()]
    for panel, T in zip(panels[0], shown, strict=True):
        panel.set_title(f"T = {T:,}")
    for line, (reduction, kind) in zip(panels, rows, strict=True):
        for panel, T in zip(line, shown, strict=True):
            v = vectors[(vectors.reduction == reduction) & (vectors["T"] == T) & (vectors.kind == kind)]
            color = style.FEATURE if kind == "feature" else style.POINT
            style.arrows(panel, v.x, v.y, color, 1.15 * v.norm.max(), spokes=len(v) <= 200)
        line[0].set_ylabel(f"{reduction}\n{kind}s", rotation=0, ha="right", va="center")
    statement = "Summed rather than averaged over features, the middle generalises far worse"
    question = "Does it matter whether the error is summed or averaged?"
    figure.suptitle(style.title(summary, statement, question, containing="orders of magnitude"))
    return figure
