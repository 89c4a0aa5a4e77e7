"""What rules leave out costs, what near-copies are worth, and who helps whom in a family."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.near_duplicates import RULES, of_pool, radius
from stages.experiments.near_duplicates.claims import worths

SHOWN = 4  # influence matrices


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    figures = {}
    if len(cost := radius(tables["conditions"])):
        figures["rules"] = _rules(cost, summary)
    families = of_pool(tables["conditions"], "families")
    if len(families):
        figures["families"] = _families(families, tables["conditions"])
        figures["influence"] = _influence(of_pool(tables["influence"], "families"))
    return figures


def _rules(cost: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """What each rule costs its target; against as many left out at random, beside the target, and at each step."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    kinds, x = list(RULES), np.arange(len(RULES))
    beside = ["up to target", *(f"target, as many as up to {kind}" for kind in kinds[1:])]
    for names, color, words in (
        ([f"up to {kind}" for kind in kinds], style.POINT, "left out by the rule"),
        (beside, style.LAW, "itself, and as many at random"),
    ):
        found = cost.reindex(columns=names)
        axes.plot(x, found.mean(), marker="o", color=color, label=words)
        axes.plot(x, found.T.to_numpy(), color=color, linewidth=0.5, alpha=0.35)
    step = [f"up to {closer}, as many as {kind}" for closer, kind in itertools.pairwise(kinds[1:])]
    at_step = cost.reindex(columns=step).mean().to_numpy()
    label = "by the rule before, and as many at random"
    axes.plot(x[2:], at_step, "D", color=style.INK, markersize=5, markerfacecolor="none", label=label)
    axes.set_xticks(x, labels=[words.replace("and ", "+ ", 1) for words in RULES.values()], rotation=20, ha="right")
    axes.set(ylabel="nats a token that the document loses")
    axes.legend(loc="center right")
    figure.suptitle(
        style.title(
            summary,
            "Leaving a document out alone shows almost nothing of what is memorised of it",
            "How memorisation grows with the rule that selects what is left out",
            "leaving a document out",
        )
    )
    return figure


def _families(rows: pd.DataFrame, conditions: pd.DataFrame) -> Figure:
    """Loss of a document by how many of its near-copies are trained on; what one is worth in exact copies."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    edits = sorted(rows.edits.unique())
    for color, count in zip(style.ramp(len(edits)), edits, strict=True):
        for axes, own in ((left, False), (middle, True)):
            of = rows[(rows.edits == count) & (rows.own.astype(bool) == own)]
            mean = of.groupby("others")[["loss", "models"]].apply(lambda x: np.average(x.loss, weights=x.models))
            axes.plot(
                mean.index,
                mean,
                marker="o",
                markersize=3,
                color=color,
                label="exact copies" if count == 0 else f"{count} of 64 tokens",
            )
    for axes, words in ((left, "document itself left out"), (middle, "document itself trained on")):
        axes.set(yscale="log", xlabel="near-copies that are trained on", title=words)
        style.plain_log_y(axes)
    left.set_ylabel("its loss, nats a token")
    middle.legend(fontsize=7, title="edited", title_fontsize=7.5, loc="upper right", ncols=2)
    middle.set_ylim(top=middle.get_ylim()[1] * 4)
    found = worths(conditions)
    if len(found):
        for column, color, words in (
            ("first", style.FEATURE, "how far the first one goes"),
            ("worth", style.POINT, "1 / k"),
        ):
            by = found.groupby("edits")[column].agg(["mean", "std", "count"])
            by = by[by["count"] == found.groupby("edits").size()]  # those that every group of families has
            right.errorbar(
                by.index, by["mean"], by["std"], color=color, marker="o", markersize=4, capsize=2, label=words
            )
        published = "published, by telling membership"
        right.vlines([6.4, 32], [0.5, 0.15], [0.6, 0.19], color=style.LAW, linewidth=3, label=published)
        right.set(
            xscale="log", xlabel="tokens edited, of 64", title="worth of a near-copy in exact copies", ylim=(0, 1.15)
        )
        edited = sorted(found.edits.unique())
        right.set_xticks(edited, labels=[str(k) for k in edited])
        right.minorticks_off()
        right.legend(fontsize=8)
    figure.suptitle("Near-copies stand in for a document, the less the more of them is edited")
    return figure


def _influence(rows: pd.DataFrame) -> Figure:
    """Nats that a member of a family loses where another is left out and all others are there."""
    every = [edits for edits in sorted(rows.edits.unique()) if edits]
    chosen = [every[k] for k in np.unique(np.linspace(0, len(every) - 1, SHOWN).round().astype(int))] if every else []
    figure = Figure(figsize=(3.1 * max(1, len(chosen)) + 1, 3.6), layout="constrained")
    panels: list[Axes] = list(np.atleast_1d(figure.subplots(1, max(1, len(chosen)))))
    tables = [rows[rows.edits == edits].pivot_table(index="member", columns="by", values="alone") for edits in chosen]
    top = max([1e-9, *(float(table.max().max()) for table in tables)])
    for axes, edits, table in zip(panels, chosen, tables, strict=False):
        shown = axes.imshow(table.to_numpy(), vmin=0, vmax=top, cmap="viridis")
        for (i, j), value in np.ndenumerate(table.to_numpy()):
            color = style.INK if value > 0.6 * top else "white"
            axes.text(j, i, f"{value:.2f}".replace("0.", ".", 1), ha="center", va="center", fontsize=6, color=color)
        axes.set(title=f"{edits} of 64 tokens edited", xlabel="left out alone")
        axes.set_xticks(range(table.shape[1]), labels=[str(k) for k in table.columns])
        axes.set_yticks(range(len(table)), labels=[str(k) for k in table.index])
    if chosen:
        panels[0].set_ylabel("member, 0 the first")
        figure.colorbar(shown, ax=panels, label="nats a token lost", shrink=0.8)
    figure.suptitle("Who loses what where one of a family is left out: others were edited from member 0")
    return figure
