"""Shares of shapes as bars, and a gallery of runs of each."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.optimization_failure import SHAPES
from stages.experiments.optimization_failure.claims import paired, shares, usual

COLORS = dict(zip(SHAPES, (style.FEATURE, "#e08214", style.POINT, style.LAW), strict=True))
SHOWN = 6  # runs of each shape in the gallery


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    cells = tables.cells[tables.cells.status == "trained"]
    return {"shares": _shares(cells), "gallery": _gallery(cells, tables.items)} if len(cells) else {}


def _shares(cells: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, 4, sharey=True)
    at = usual(cells)
    orthonormal = cells[(cells.supports == "disjoint") & (cells["T"] >= 8)]
    _bars(panels[0], shares(at[at.supports == "random"], ["T"]), "random points", "T")
    _bars(panels[1], shares(at[at.supports == "disjoint"], ["T"]), "orthonormal points", "T")
    _bars(
        panels[2],
        shares(paired(orthonormal[orthonormal.steps == at.steps.iloc[0]], "lr"), ["lr"]),
        "orthonormal, T >= 8",
        "learning rate",
    )
    _bars(
        panels[3],
        shares(paired(orthonormal[orthonormal.lr == at.lr.iloc[0]], "steps"), ["steps"]),
        "orthonormal, T >= 8",
        "steps",
    )
    panels[0].set_ylabel("share of runs")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=len(SHAPES))
    figure.suptitle("What training on a few points ends in, by the shape of the hidden vectors")
    return figure


def _bars(axes: Axes, share: pd.DataFrame, title: str, label: str) -> None:
    below = pd.Series(0.0, index=share.index)
    for name in SHAPES:
        axes.bar(
            [f"{x:,g}" if x >= 1 else f"{x:.0e}".replace("e-0", "e-") for x in share.index],
            share[name],
            bottom=below,
            color=COLORS[name],
            label=name,
            width=0.75,
        )
        below = below + share[name]
    axes.set(title=title, xlabel=label, ylim=(0, 1))
    axes.tick_params(axis="x", labelsize=8)


def _gallery(cells: pd.DataFrame, vectors: pd.DataFrame) -> Figure:
    """Hidden vectors of each shape on orthonormal points: of each training set, the run of lowest train loss."""
    at = usual(cells)
    points = vectors[(vectors.kind == "point") & (vectors.supports == "disjoint") & vectors.cell.isin(at.cell)]
    shape = cells.set_index("cell").loc[points.cell.unique()]["shape"] if len(points) else pd.Series(dtype=str)
    figure = Figure(figsize=(1.5 * SHOWN + 1, 1.6 * len(SHAPES)))
    panels = figure.subplots(len(SHAPES), SHOWN, squeeze=False)
    for row, name in zip(panels, SHAPES, strict=True):
        chosen = shape[shape == name].index[:: max(1, (shape == name).sum() // SHOWN)][:SHOWN]
        for axes in row:
            axes.set_axis_off()
        for axes, cell in zip(row, chosen, strict=False):
            axes.set_axis_on()
            v = points[points.cell == cell]
            style.arrows(axes, v.x, v.y, COLORS[name], 1.15 * v.norm.max(), spokes=True)
            axes.set_title(f"T = {v['T'].iloc[0]}", fontsize=8.5, pad=1)
    figure.suptitle("Orthonormal points: the run of lowest train loss of ten initialisations", y=0.97)
    for row, name in zip(panels, SHAPES, strict=True):
        row[0].text(-0.15, 0.5, name, transform=row[0].transAxes, ha="center", va="center", rotation=90)
    return figure
