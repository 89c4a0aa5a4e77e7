"""D* against counterfactual memorisation, beside the other scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.memorization import SCORES, known
from stages.experiments.memorization.claims import ORDER, answers, best_first, compared
from stages.statistics.memorization import roc

GROUPS = 20  # of images of like D*


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    pool = tables.items[known(tables.items)]
    if not len(pool):
        return {}
    return {"memorization": _memorization(pool, tables), "rivals": _rivals(pool, tables)}


def _memorization(pool: pd.DataFrame, tables: Tables) -> Figure:
    """Every image's D* and memorisation; memorisation of images of like D*; memorisation over epochs."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, last = figure.subplots(1, 3)
    history = tables.history.merge(compared(tables.scores).to_frame(index=False))
    _every_image(left, pool)
    run, rho = history.iloc[-1], answers(tables.scores, ORDER).D_after.dropna().iloc[-1]
    left.set_title(f"{run.models:.0f} models; reliability {run.reliability_log:.2f}; rank correlation {rho:.2f}")
    left.legend(fontsize=8, markerscale=3)

    for column, words, style_of_line in (
        ("D_after", "D*", {"marker": "o", "markersize": 3, "color": style.POINT}),
        ("loss", "loss", {"marker": "o", "markersize": 3, "color": style.INK}),
        ("memorization_even", "the other models' memorisation", {"color": style.LAW}),
    ):
        groups = np.array_split(pool.sort_values(column).memorization_odd.to_numpy(), GROUPS)
        shares = (np.arange(GROUPS) + 0.5) / GROUPS
        middle.plot(shares, [group.mean() for group in groups], label=f"by {words}", **style_of_line)
    middle.set(xlabel="rank of the images, lowest to highest", title="mean memorisation by half of the models, nats")
    middle.set_yscale("symlog", linthresh=0.1)
    middle.legend(fontsize=8)

    time = history.groupby("epoch").mean(numeric_only=True)
    for column, words, color in (
        ("memorization_wrong_correct", "wrong labels", style.POINT),
        ("memorization_correct", "all images", style.INK),
    ):
        last.plot(time.index, time[column], marker="o", markersize=3, color=color, label=words)
    last.set(xscale="log", xlabel="epochs", title="mean memorisation by correctness", ylim=(0, 1))
    last.set_xticks(time.index, labels=[str(epoch) for epoch in time.index])
    last.minorticks_off()
    last.legend(fontsize=8)
    figure.suptitle("Counterfactual memorisation: how much better models do on an image for having been trained on it")
    return figure


def _every_image(axes: Axes, pool: pd.DataFrame) -> None:
    wrong = pool.label != pool.true_label
    for images, color, words in ((pool[~wrong], style.FEATURE, "right"), (pool[wrong], style.POINT, "wrong")):
        axes.scatter(
            images.D_after, images.memorization_log, s=5, color=color, alpha=0.35, linewidths=0, label=f"{words} label"
        )
    axes.set(xscale="log", xlabel="D* of the hidden vector", ylabel="counterfactual memorisation, nats")
    axes.set_yscale("symlog", linthresh=0.1)


def _rivals(pool: pd.DataFrame, tables: Tables) -> Figure:
    """Rank correlation with memorisation over time, and both ROC at the end, for every score."""
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    left, middle, last = figure.subplots(1, 3)
    order = answers(tables.scores, ORDER)
    order = order[order.D_after.notna()]
    epochs = order.index.get_level_values("epoch")
    best = best_first(order[epochs == epochs.max()]).index
    looks = _looks(best)
    for name in best:
        mean = order[name].groupby("epoch").mean()
        left.plot(mean.index, mean, marker="o", markersize=3, label=SCORES[name], **looks[name])
    left.set(xscale="log", xlabel="epochs", title="rank correlation with memorisation", ylim=(-1, 1))
    left.set_xticks(sorted(epochs.unique()), labels=[str(epoch) for epoch in sorted(epochs.unique())])
    left.minorticks_off()
    left.axhline(0, color=style.LAW, linewidth=0.6)
    share = tables.cells.memorized_share.iloc[0]
    memorized = pool.memorization_even >= pool.memorization_even.quantile(1 - share)
    for axes, positive, words in (
        (middle, pool.label != pool.true_label, "finding wrong labels"),
        (last, memorized, f"finding the {100 * share:g} % most memorised"),
    ):
        if positive.any() and not positive.all():
            _roc_curves(axes, pool[list(best)], positive, looks)
        axes.plot([0, 1], [0, 1], color=style.LAW, linewidth=0.6)
        axes.set(xlabel="share of the others found", ylabel="share of them found", title=words, aspect="equal")
    left.legend(fontsize=7.5, loc="lower left", ncols=2)
    figure.suptitle("Which score of one model tells what was memorised?")
    return figure


def _looks(best: pd.Index) -> dict[str, dict[str, Any]]:
    """Colour and line of each score: D* stands out, the best of the others have colours of their own."""
    others = [name for name in best if name not in ("D_after", "D_before")]
    colors = dict.fromkeys(SCORES, style.LAW) | dict(zip(others, style.SERIES[1:], strict=False))
    colors |= {"D_after": style.POINT, "D_before": style.POINT}
    return {name: {"color": colors[name], "linestyle": "--" if name == "D_before" else "-"} for name in SCORES}


def _roc_curves(axes: Axes, scores: pd.DataFrame, positive: pd.Series, looks: dict[str, dict[str, Any]]) -> None:
    share = np.linspace(0, 1, 201)
    for name in scores.columns.astype(str):
        found = roc(scores[name], positive)
        heights = np.interp(share, found.false_positive, found.true_positive)
        axes.plot(share, heights, label=f"{SCORES[name]} {found.area:.2f}", **looks[name])
    legend = axes.legend(fontsize=7, title="ROC area", title_fontsize=8, loc="lower right", frameon=True)
    legend.get_frame().set(alpha=0.85, edgecolor="none")
