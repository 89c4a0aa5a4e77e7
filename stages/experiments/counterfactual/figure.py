"""Counterfactual memorisation of every point against its dimensionality; copies and likeness; the whole over T."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.counterfactual import MEANS, SCORES
from stages.experiments.counterfactual.claims import compared, copies_cost, correlations, radius, usual


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    models, figures = usual(tables.cells), {}
    if len(models):
        figures["memorization"] = _memorization(models, tables)
        figures["regimes"] = _regimes(models)
    cost, near = copies_cost(tables.cells), radius(tables.cells)
    if len(cost) and len(near):
        figures["leaving_out"] = _leaving_out(cost, near)
    return figures


def _memorization(models: pd.DataFrame, tables: Tables) -> Figure:
    figure = Figure(figsize=(12.6, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    shown = models[models.selected].sort_values("T")
    points = tables.items[(tables.items.kind == "point") & tables.items.memorization.notna()]
    for (_, run), color in zip(shown.iterrows(), style.ramp(len(shown)), strict=True):
        own = points[points.cell == run.cell]
        left.scatter(own.D, own.memorization, s=7, color=color, alpha=0.6, linewidths=0, label=f"T = {run['T']:,}")
    left.set(xlabel="$D_x$ of a model of all points", ylabel="memorisation (share explained, in − out)")
    left.set_xscale("symlog", linthresh=1e-3)
    left.set_xlim(0, 1.1)
    left.legend(fontsize=7, markerscale=2)
    left.set_title("every point")
    shown_scores = SCORES | {"D_x_mean": MEANS["D_x_mean"]}
    for (name, words), color in zip(shown_scores.items(), style.SERIES, strict=False):
        style.curve(middle, correlations(tables.scores, models, name), "rho", color, words)
    style.curve(middle, models, "reliability", style.LAW, "two halves of the models")
    middle.axhline(0, color=style.LAW, linewidth=0.6)
    middle.set(title="rank correlation with memorisation", ylim=(-1.05, 1.05))
    style.log_T(middle, models["T"], models.S.iloc[0])
    middle.legend(fontsize=8, loc="lower left")
    by_steps = compared(tables.cells)
    by_steps = by_steps[by_steps.groupby("T").steps.transform("nunique") > 1]
    for (T, group), color in zip(by_steps.groupby("T"), style.SERIES, strict=False):
        style.curve(right, group, "mean_memorization", color, f"T = {T:,}", x="steps")
    right.set(title="over training steps", xlabel="steps, each with its own schedule", ylabel="mean memorisation")
    if len(by_steps):
        right.set(xscale="log")
        right.set_xticks(sorted(by_steps.steps.unique()), labels=[f"{k:,}" for k in sorted(by_steps.steps.unique())])
        right.minorticks_off()
        right.legend(fontsize=8)
    figure.suptitle("Does dimensionality tell which points are memorised?")
    return figure


def _regimes(models: pd.DataFrame) -> Figure:
    """The summary of the project: both dimensionalities, both test losses and memorisation over T."""
    figure = Figure(figsize=(8.6, 6.6), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    style.curve(top, models, "test_loss", style.FEATURE, "fresh features")
    style.curve(top, models, "mixture_loss", style.POINT, "mixtures of the training points")
    top.axhline(1, color=style.LAW, linewidth=0.8, label="output 0")
    top.set(title="test loss in two worlds", yscale="log")
    style.plain_log_y(top)
    style.curve(middle, models, "D_f_max", style.FEATURE, "largest $D_f$ of a feature")
    style.curve(middle, models, "D_x_max", style.POINT, "largest $D_x$ of a point")
    middle.set(title="dimensionality")
    style.curve(bottom, models, "mean_memorization", style.INK, "counterfactual memorisation, mean over points")
    bottom.set(title="memorisation", ylim=(-0.02, None))
    for axes in (top, middle, bottom):
        style.log_T(axes, models["T"], models.S.iloc[0])
        axes.legend(fontsize=8)
    for axes in (top, middle):
        axes.set_xlabel("")
    figure.suptitle("From points to features: what is stored, where it generalises, what is memorised")
    return figure


def _leaving_out(cost: pd.DataFrame, near: pd.DataFrame) -> Figure:
    sizes, groups = sorted(cost["T"].unique()), list(near.groupby(["m", "T"]))
    figure = Figure(figsize=(4.1 * max(len(sizes), len(groups)), 7.4), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False).ravel()
    for axes, T in zip(above.subplots(1, len(sizes), squeeze=False)[0], sizes, strict=True):
        runs = cost[cost["T"] == T]
        for column, color, label in (
            ("all", style.POINT, "all copies left out"),
            ("one", style.FEATURE, "one copy left out"),
            ("masked", "#e08214", "all; its own features give no gradient"),
        ):
            if runs[column].notna().any():
                style.curve(axes, runs.dropna(subset=[column]), column, color, label, x="copies")
        axes.axhline(0, color=style.LAW, linewidth=0.8)
        axes.set(title=f"one point of T = {T:,}, there R times", xlabel="copies R", ylabel="share explained, lost")
        axes.legend(fontsize=8)
    for axes, ((m, T), runs) in zip(below.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
        _radius(axes, runs)
        axes.set(title=f"one point of T = {T:,} in groups of {runs.alike.iloc[0]} alike, m = {m}")
    return figure


def _radius(axes: Axes, runs: pd.DataFrame) -> None:
    for kind, color, label in (
        ("similarity", style.POINT, "left out with the k − 1 most similar to it"),
        ("random", style.FEATURE, "left out with k − 1 others"),
    ):
        style.curve(axes, runs[runs.left_out_by == kind], "cost", color, label, x="left_out")
    axes.axhline(0, color=style.LAW, linewidth=0.8)
    similar = runs[runs.left_out_by == "similarity"].groupby("left_out").own_similarity.mean()
    axes.set(xlabel="points left out, k; below: their least similarity to it", ylabel="share explained, lost")
    axes.set(xscale="log", ylim=(-0.1, 1.25))
    axes.set_xticks(similar.index, labels=[f"{k}\n{cosine:.1f}" for k, cosine in similar.items()], fontsize=7.5)
    axes.minorticks_off()
    axes.legend(fontsize=8, loc="upper left")
