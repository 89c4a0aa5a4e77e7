"""D* against counterfactual memorisation, beside the other scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.experiments import style
from stages.experiments.memorization.measure import compared, means
from stages.experiments.style import Tables
from stages.memorization import roc
from stages.mnist.measures import MEMORIZED, SCORES

GROUPS = 20  # of images of like D*


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    pool = tables.vectors[tables.vectors.memorization_even.notna() & tables.vectors.memorization_odd.notna()]
    if not len(pool):
        return {}
    return {"memorization": _memorization(pool, tables.history), "rivals": _rivals(pool, tables.history)}


def _memorization(pool: pd.DataFrame, history: pd.DataFrame) -> Figure:
    """Every image's D* and memorisation; memorisation of images of like D*; memorisation over epochs."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, last = figure.subplots(1, 3)
    wrong = pool.label != pool.true_label
    for of, color, words in ((pool[~wrong], style.FEATURE, "right"), (pool[wrong], style.POINT, "wrong")):
        left.scatter(
            of.D_after, of.memorization_log, s=5, color=color, alpha=0.35, linewidths=0, label=f"{words} label"
        )
    left.set(xscale="log", xlabel="D* of the hidden vector", ylabel="counterfactual memorisation, nats")
    left.set_yscale("symlog", linthresh=0.1)
    run = compared(history).iloc[-1]
    left.set_title(
        f"{run.models:.0f} models; reliability {run.reliability_log:.2f}; rank correlation {run.rho_D_after:.2f}"
    )
    left.legend(fontsize=8, markerscale=3)

    for column, words, color in (("D_after", "D*", style.POINT), ("loss", "loss", style.INK)):
        order = np.array_split(pool.sort_values(column).memorization_odd.to_numpy(), GROUPS)
        shares = (np.arange(GROUPS) + 0.5) / GROUPS
        middle.plot(shares, [part.mean() for part in order], marker="o", markersize=3, color=color, label=f"by {words}")
    order = np.array_split(pool.sort_values("memorization_even").memorization_odd.to_numpy(), GROUPS)
    middle.plot(shares, [part.mean() for part in order], color=style.LAW, label="by the other models' memorisation")
    middle.set(xlabel="rank of the images, lowest to highest", title="mean memorisation by half of the models, nats")
    middle.set_yscale("symlog", linthresh=0.1)
    middle.legend(fontsize=8)

    time = compared(history).groupby("epoch").mean(numeric_only=True)
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


def _rivals(pool: pd.DataFrame, history: pd.DataFrame) -> Figure:
    """Rank correlation with memorisation over time, and both ROC at the end, for every score."""
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    left, middle, last = figure.subplots(1, 3)
    of = compared(history)
    final = of[of.epoch == of.epoch.max()]
    colors = dict.fromkeys(SCORES, style.LAW)
    best = means(final, "rho").index
    colors |= dict(zip([name for name in best if name not in ("D_after", "D_before")], style.SERIES[1:], strict=False))
    colors |= {"D_after": style.POINT, "D_before": style.POINT}
    lines = {name: "--" if name == "D_before" else "-" for name in SCORES}
    for name in best:
        mean = of.groupby("epoch")[f"rho_{name}"].mean()
        left.plot(
            mean.index, mean, color=colors[name], linestyle=lines[name], marker="o", markersize=3, label=SCORES[name]
        )
    left.set(xscale="log", xlabel="epochs", title="rank correlation with memorisation", ylim=(-1, 1))
    left.set_xticks(sorted(of.epoch.unique()), labels=[str(epoch) for epoch in sorted(of.epoch.unique())])
    left.minorticks_off()
    left.axhline(0, color=style.LAW, linewidth=0.6)
    wrong = (pool.label != pool.true_label).to_numpy()
    memorized = (pool.memorization_even >= pool.memorization_even.quantile(1 - MEMORIZED)).to_numpy()
    for axes, positive, words in (
        (middle, wrong, "finding wrong labels"),
        (last, memorized, f"finding the {100 * MEMORIZED:g} % most memorised"),
    ):
        if positive.any() and not positive.all():
            for name in best:
                found = roc(pool[name], positive)
                share = np.linspace(0, 1, 201)
                axes.plot(
                    share,
                    np.interp(share, found.false_positive, found.true_positive),
                    color=colors[name],
                    linestyle=lines[name],
                    label=f"{SCORES[name]} {found.area:.2f}",
                )
            axes.legend(fontsize=7.5, title="ROC area", title_fontsize=8, loc="lower right")
        axes.plot([0, 1], [0, 1], color=style.LAW, linewidth=0.6)
        axes.set(xlabel="share of the others found", ylabel="share of them found", title=words, aspect="equal")
    left.legend(fontsize=7.5, loc="lower left", ncols=2)
    figure.suptitle("Which score of one model tells what was memorised?")
    return figure
