"""Memorisation by kind of document, by copies and by epochs; and passages with their tokens coloured by it."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.documents import KINDS, NATURAL, SCRATCH, STARTS, main, of_kinds, usual
from stages.experiments.documents.claims import growth
from stages.statistics.memorization import spearman

WIDTH, LINE = 92, 1.0  # characters of a printed line, and its height
PASSAGES = ("bible", "shakespeare", "papers", "shuffled", "identifiers", "repeated")  # kinds of which one is printed
COLORS = dict(zip(KINDS, (*style.SERIES[:5], style.LAW, style.SERIES[5], "#b5a642"), strict=True))


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figures by name."""
    items, figures = tables.items, {}
    if len(rows := of_kinds(items)):
        figures["kinds"] = _kinds(rows, tables, summary)
        figures["copies_and_epochs"] = _copies_and_epochs(rows, items, summary)
    if len(tokens := main(tables["tokens"])):
        figures["passages"] = _passages(tokens)
    return figures


def _kinds(rows: pd.DataFrame, tables: Tables, summary: dict[str, Any]) -> Figure:
    """Loss in and out by kind, of each start; and one half of the models against the other."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    starts = [name for name in STARTS.values() if name in set(rows.start)]
    for j, name in enumerate(starts):
        of = usual(rows[rows.start == name])
        means = of.groupby("kind")[["loss_in", "loss_out"]].mean().reindex(list(KINDS))
        x = np.arange(len(KINDS)) + (j - (len(starts) - 1) / 2) * 0.18
        left.vlines(x, means.loss_in, means.loss_out, color=style.SERIES[j], linewidth=5, alpha=0.75)
        left.plot(x, means.loss_in, "_", color=style.SERIES[j], markersize=9)
        left.plot([], [], color=style.SERIES[j], linewidth=5, label=f"{name}, {int(of.epochs.iloc[0])} epochs")
    left.set_xticks(range(len(KINDS)), labels=[words.replace(" ", "\n", 1) for words in KINDS.values()], fontsize=9)
    left.set(
        ylabel="nats a token", title="from the loss of models trained on it (low end) to that of others (high end)"
    )
    left.set_ylim(0, left.get_ylim()[1] * 1.18)
    left.legend(fontsize=8, loc="upper left", ncols=2)
    found = main(tables.items)
    found = found[found.init_seed == found.init_seed.min()]
    for kind, words in KINDS.items():
        of = found[found.kind == kind]
        right.scatter(of.memorization_even, of.memorization_odd, s=9, color=COLORS[kind], linewidths=0, label=words)
    rho = spearman(found.memorization_even, found.memorization_odd)
    kinds = [of for kind, of in found.groupby("kind") if kind in NATURAL]
    within = np.mean([spearman(of.memorization_even, of.memorization_odd) for of in kinds])
    title = f"memorisation, nats: reliability {rho:.2f}, within a kind of text {within:.2f}"
    right.set(xlabel="half of the models", ylabel="the other half")
    right.set_title(title, fontsize=9)
    right.legend(fontsize=7, markerscale=2)
    statement = "One word repeated is memorised far more than random identifiers: the reverse of what was guessed"
    asked = "Which documents does a language model memorise?"
    failed = any(one["id"] == "D4" and one["verdict"] == "does not hold" for one in summary.get("claims", []))
    figure.suptitle(statement if failed else asked)
    return figure


def _copies_and_epochs(rows: pd.DataFrame, items: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """Loss in and out over copies, over epochs, and memorisation by probability over epochs for each kind."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    scratch = rows[rows.start == SCRATCH]
    natural = scratch[scratch.kind.isin(NATURAL)]
    _in_and_out(left, items[items.pool == "copies"], "copies_of", "copies of a passage")
    _in_and_out(middle, natural, "epochs", "epochs")
    for kind, mean in growth(scratch, "memorization_probability").items():
        right.plot(mean.index, mean, marker="o", markersize=3, color=COLORS[str(kind)], label=KINDS[str(kind)])
    _log_axis(right, scratch.epochs, "epochs")
    right.set(ylabel="memorisation by probability of a token", ylim=(0, 1))
    right.legend(fontsize=7)
    figure.suptitle(
        style.title(
            summary,
            "More copies, more epochs: more is memorised",
            "Copies, epochs and memorisation",
            "a document ",
        )
    )
    return figure


def _in_and_out(axes: Axes, rows: pd.DataFrame, column: str, words: str) -> None:
    """Mean losses over a column, a pair of lines for each number of epochs where it is not the column."""
    groups = [("", rows)] if column == "epochs" else [(f", {k} epochs", of) for k, of in rows.groupby("epochs")]
    for (after, of), dashes in zip(groups, ("-", "--", ":"), strict=False):
        mean = of.groupby(column)[["loss_in", "loss_out"]].mean()
        axes.plot(
            mean.index,
            mean.loss_out,
            dashes,
            marker="o",
            markersize=3,
            color=style.INK,
            label=f"not trained on it{after}",
        )
        axes.plot(
            mean.index, mean.loss_in, dashes, marker="o", markersize=3, color=style.POINT, label=f"trained on it{after}"
        )
    if len(rows):
        _log_axis(axes, rows[column], words)
    axes.set(ylabel="nats a token")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
    axes.legend(fontsize=8)


def _log_axis(axes: Axes, values: pd.Series, words: str) -> None:
    ticks = sorted(values.unique())
    axes.set(xscale="log", xlabel=words)
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())


def _passages(tokens: pd.DataFrame) -> Figure:
    """One passage of several kinds, each token on the colour of its memorisation."""
    tokens = tokens[(tokens.init_seed == tokens.init_seed.min()) & tokens.kind.isin(PASSAGES)]
    tokens = tokens.assign(memorization=tokens.loss_out - tokens.loss_in)
    shades, top = mpl.colormaps["YlOrRd"], 12.0
    figure = Figure(figsize=(13, 7.5))
    axes = figure.subplots()
    line = 0.0
    for kind in (kind for kind in PASSAGES if kind in set(tokens.kind)):
        of = tokens[tokens.kind == kind]
        of = of[of.document == of.document.min()].sort_values("place")
        mean = f"{of.loss_in.mean():.2f} in, {of.loss_out.mean():.2f} out"
        axes.text(0, line, f"{KINDS[kind]}  ({mean})", fontsize=9, color=style.LAW, va="center")
        line += LINE
        at = 0
        for token, value in zip(of.token, of.memorization, strict=True):
            if at + len(token) > WIDTH:
                line, at = line + LINE, 0
            shade = shades(min(max(value / top, 0.0), 1.0) * 0.85)
            axes.barh(line, len(token), left=at, height=0.92 * LINE, color=shade, linewidth=0)
            for k, letter in enumerate(token):
                axes.text(at + k + 0.5, line, letter, fontsize=9, family="monospace", ha="center", va="center")
            at += len(token)
        line += 1.6 * LINE
    axes.set(xlim=(0, WIDTH), ylim=(line, -LINE), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, top / 0.85), shades)
    figure.colorbar(scale, ax=axes, shrink=0.5, label="memorisation of the token, nats", pad=0.01)
    figure.suptitle("Token by token: what models gain from having been trained on the passage", y=0.93)
    return figure
