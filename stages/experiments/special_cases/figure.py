"""ROC area of every score over hidden dimensions and copies, for each thing it is asked to tell apart."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.special_cases import COMPARISONS, KNOWING, SCORES
from stages.experiments.special_cases.claims import asked, best_first, stored

COLORS = (*style.SERIES, "#b8860b", "#5f6a72", "#c2577e")


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    models = stored(tables.cells)
    return {"areas": _areas(models, tables)} if len(models) else {}


def _areas(models: pd.DataFrame, tables: Tables) -> Figure:
    figure = Figure(figsize=(16, 4.4), layout="constrained")
    left, *panels = figure.subplots(1, 1 + len(COMPARISONS), width_ratios=[0.8] + [1] * len(COMPARISONS))
    cells = tables.cells
    shares = cells[cells.status == "trained"].groupby(["copies", "m"]).planted_recalled.mean().unstack("m")
    left.imshow(shares, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=1)
    for i, copies in enumerate(shares.index):
        for k, m in enumerate(shares.columns):
            value = shares.loc[copies, m]
            color = style.INK if value > 0.6 else "white"
            left.text(k, i, f"{value:.2g}", ha="center", va="center", fontsize=8, color=color)
    left.set_xticks(range(shares.shape[1]), labels=[str(m) for m in shares.columns])
    left.set_yticks(range(shares.shape[0]), labels=[str(R) for R in shares.index])
    left.set(title="planted points recalled", xlabel="hidden dimensions m", ylabel="copies R")
    order = list(best_first(asked(tables.scores, models, "noisy")).index)
    sizes = models.set_index("cell").m
    for axes, (kind, comparison) in zip(panels, COMPARISONS.items(), strict=True):
        areas = asked(tables.scores, models, kind)
        for name, color in zip(SCORES, COLORS, strict=True):
            if name not in comparison.scores:
                continue
            mean = areas[name].groupby(sizes).mean()
            line = "-" if name in KNOWING else "--"
            label = SCORES[name] if kind == "noisy" else None
            axes.plot(mean.index, mean, line, marker="o", markersize=3, color=color, label=label)
            axes.scatter(sizes, areas[name], s=7, color=color, alpha=0.3, linewidths=0)
        axes.axhline(0.5, color=style.LAW, linewidth=0.8)
        axes.set(
            ylim=(-0.03, 1.03),
            xscale="log",
            xlabel="hidden dimensions m",
            title=comparison.words.replace(" against", "\nagainst"),
        )
        axes.set_xticks(sorted(sizes.unique()), labels=[str(size) for size in sorted(sizes.unique())])
        axes.minorticks_off()
    panels[0].set_ylabel("ROC area")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    figure.suptitle(f"Where planted points are recalled, under noise they show best by: {SCORES[str(order[0])]}")
    return figure
