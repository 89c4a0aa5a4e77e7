"""One data point in three kinds of model: can one see that it is stored, and can one take it out? As one figure.

From the tables of five experiments: counterfactual and middle on the toy model, memorization and edits on digits,
point_features on text. What was not run is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.core import paths, tables
from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.middle.claims import several_stored

PATH = Path("figures/storage.svg")
SYSTEMS = {"toy model": style.POINT, "digits": "#e08214", "text": style.FEATURE}
FEWEST = 30  # points of a toy model from which on there is something to order
SEEN = {  # score: words, for digits and for text
    "digits": {
        "D_after": "D*",
        "h_deviation": "standard deviation of h",
        "input_curvature": "curvature by the input, over training",
        "loss": "loss",
        "gradient_norm": "norm of the gradient",
    },
    "text": {"D*": "D*, first layer", "deviation of h": "standard deviation of h, first layer", "loss": "loss"},
}
DIGITS_OUT = {  # removal: words, and which wrong labels are what is taken out
    "own directions": ("own directions", "recalled_told"),
    "units by margin": ("units by margin", "recalled_told"),
    "low curvature, W": ("weights of low curvature", "recalled_untold"),
}
TEXT_OUT = {"D*": "own directions", "units by gradient": "units by gradient"}


class Seen(NamedTuple):
    """How well a score goes with counterfactual memorisation: the mean rank correlation, and its range over models."""

    system: str
    score: str
    mean: float
    low: float
    high: float


class Out(NamedTuple):
    """What is left as ever more is taken out, from all of both: of what was memorised, and of the rest."""

    system: str
    removal: str
    own: list[float]
    rest: list[float]


def seen(scale: str) -> list[Seen]:
    """Scores of one model, and of the toy model means over models, by system."""
    found = []
    for system, score, values in _correlations(scale):
        known = values.dropna()
        if len(known):
            found.append(Seen(system, score, float(known.mean()), float(known.min()), float(known.max())))
    return found


def _correlations(scale: str) -> Iterator[tuple[str, str, pd.Series]]:
    toy = _read(scale, "counterfactual")["scores"]
    if len(toy):
        of = toy[(toy["T"] >= FEWEST) & (toy.inits == "all")]
        for score, words in (("D_x", "D_x of one model"), ("loss", "loss"), ("D_x_mean", "D_x, mean over models")):
            yield "toy model", words, of[of.score == score].rho
    digits = _read(scale, "memorization")["scores"]
    if len(digits):
        of = digits[(digits.labels == "all") & (digits.asks == "memorisation")]
        of = of[(of.statistic == "rank correlation") & (of.epoch == of.epoch.max())]
        for score, words in SEEN["digits"].items():
            yield "digits", words, of[of.score == score]["value"]
    text = _read(scale, "point_features")["scores"]
    if len(text):
        of = text[(text.model == "transformer") & (text.of == "passages") & (text.among == "natural")]
        of = of[(of.asks == "memorisation") & (of.layer <= 0)]  # the first layer, or the output
        for score, words in SEEN["text"].items():
            yield "text", words, of[of.score == score]["value"]


def taken_out(scale: str) -> list[Out]:
    """By system and removal, means over models."""
    return [
        *_of_toy(_read(scale, "middle")),
        *_of_digits(_read(scale, "edits")),
        *_of_text(_read(scale, "point_features")),
    ]


def _of_toy(of: Tables) -> Iterator[Out]:
    cells = several_stored(of.cells)
    for m in sorted({cells.m.min(), cells.m.max()}) if len(cells) else []:
        mean = cells[cells.m == m].mean(numeric_only=True)
        for where, words in (("h", "own direction of h"), ("W", "the point, from W")):
            own, rest = mean[f"own_without_{where}"], mean[f"others_without_{where}"]
            yield Out("toy model", f"{words}, m = {m}", [1.0, float(own)], [1.0, float(rest)])


def _of_digits(of: Tables) -> Iterator[Out]:
    removals = of["removals"]
    if not len(removals):
        return
    removals = removals[removals.wrong > 0]
    before = removals[removals.removal == "nothing"].mean(numeric_only=True)
    for name, (words, column) in DIGITS_OUT.items():
        mean = removals[removals.removal == name].groupby("amount")[[column, "validation"]].mean()
        if len(mean):
            left = mean / before[[column, "validation"]]
            yield Out("digits", words, [1.0, *left[column]], [1.0, *left.validation])


def _of_text(of: Tables) -> Iterator[Out]:
    rows = of["ablations"]
    if not len(rows):
        return
    rows = rows[rows.seen.astype(bool) & (rows.model == "transformer") & (rows.layer == 0)]
    for name, words in TEXT_OUT.items():
        mean = rows[rows.removed == name].groupby("count").mean(numeric_only=True)
        if len(mean):
            own, rest = mean.recited_after / mean.recited, mean.others_recited_after / mean.others_recited
            yield Out("text", words, [1.0, *own], [1.0, *rest])


def _read(scale: str, experiment: str) -> Tables:
    folder = paths.tables(f"{scale}/{experiment}")
    return tables.read(folder) if folder.exists() else Tables()


def is_known(scale: str) -> bool:
    """Whether there is anything to draw."""
    return bool(seen(scale) and taken_out(scale))


def draw(scale: str) -> Figure:
    """Both questions side by side; empty where no such experiment was run."""
    scores, removals = seen(scale), taken_out(scale)
    figure = Figure(figsize=(14, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    _seen(left, scores)
    _taken_out(right, removals)
    figure.suptitle("One data point in three kinds of model: can one see that it is stored, and can one take it out?")
    return figure


def _seen(axes: Axes, scores: list[Seen]) -> None:
    for y, of in enumerate(scores):
        axes.plot([of.low, of.high], [y, y], color=SYSTEMS[of.system], linewidth=2, alpha=0.5)
        axes.scatter([of.mean], [y], s=28, color=SYSTEMS[of.system], linewidths=0, zorder=3)
    axes.axvline(0, color=style.LAW, linewidth=0.7)
    axes.set_yticks(range(len(scores)), labels=[f"{of.system}: {of.score}" for of in scores], fontsize=9)
    axes.set(xlim=(-1, 1), ylim=(len(scores) - 0.4, -0.6), title="seen? rank correlation with memorisation")
    axes.set_xlabel("mean and range over models, of the toy model over T")
    axes.grid(axis="y", alpha=0.15)


def _taken_out(axes: Axes, removals: list[Out]) -> None:
    marks = dict(zip(dict.fromkeys(of.removal for of in removals), "osD^vP*X<>", strict=False))
    for of in removals:
        style_of: dict[str, Any] = {"color": SYSTEMS[of.system], "marker": marks[of.removal], "markersize": 5}
        axes.plot(of.own, of.rest, linewidth=1, alpha=0.9, label=f"{of.system}: {of.removal}", **style_of)
    axes.plot([0, 1], [0, 1], color=style.LAW, linewidth=0.7)
    highest = max((max(of.rest) for of in removals), default=1.0)
    axes.set(
        xlim=(-0.03, 1.05), ylim=(-0.03, max(1.05, highest + 0.02)), title="taken out? up and to the left is better"
    )
    axes.set(xlabel="share left of what is memorised (the point, wrong labels, the passage)")
    axes.set_ylabel("share left of the rest (other points, validation accuracy, passages)")
    if removals:
        axes.legend(fontsize=8, loc="lower right")
