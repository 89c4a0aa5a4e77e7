"""Which score of one model best tells what counterfactual memorisation, of many models, says is memorised.

There is one training set, with one ensemble: what is independent is the initialisation of the model that is scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from stages.claims import Finding, intervals, question
from stages.core.tables import Tables
from stages.experiments.memorization import SCORES, known

OURS = ["D_after", "D_before"]  # of the scores, those that are D*
UNIT = "One training set: an interval is over initialisations."


class Asked(NamedTuple):
    """What a score is asked, in the words of the table of scores."""

    labels: str
    asks: str
    statistic: str


ORDER = Asked("all", "memorisation", "rank correlation")
MEMORISED = Asked("all", "most memorised", "ROC area")
MEMORISED_RIGHT = Asked("right", "most memorised", "ROC area")
WRONG = Asked("all", "wrong labels", "ROC area")


def answers(scores: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """How well each score answers: a row for each (cell, epoch) that memorisation is known of, a column a score."""
    rows = scores[(scores.statistic == asked.statistic) & (scores.asks == asked.asks)]
    wide = rows[rows.labels == asked.labels].pivot(index=["cell", "epoch"], columns="score", values="value")
    wide = wide.reindex(columns=list(SCORES))
    return wide if asked == ORDER else wide[wide.index.isin(compared(scores))]


def compared(scores: pd.DataFrame) -> pd.Index:
    """(cell, epoch) of models of the whole pool that were compared with its memorisation."""
    order = answers(scores, ORDER)
    return order.index[order.D_after.notna()]


def best_first(answers: pd.DataFrame) -> pd.Series:
    """Mean over models by score."""
    return pd.Series({name: answers[name].mean() for name in SCORES}, dtype=float).sort_values(ascending=False)


def at_end(tables: Tables) -> pd.DataFrame:
    """Scores of each cell's last model."""
    return tables.scores.merge(tables.cells[["cell", "epoch"]])


def ensemble(tables: Tables) -> pd.DataFrame:
    """The models that were compared, with what is known of their pool's memorisation."""
    models = compared(at_end(tables)).get_level_values("cell")
    chosen: pd.DataFrame = tables.cells[tables.cells.cell.isin(models)]
    return chosen


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """How well two halves of the ensemble agree, and D* with all of it."""
    runs = ensemble(tables)
    if not len(runs):
        return {}
    order = answers(at_end(tables), ORDER)
    return {"reliability": float(runs.reliability_log.iloc[0]), "rho_D": float(order.D_after.mean())}


@question("Do two halves of the models agree on what is memorised?")
def reliable(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of two halves' memorisation."""
    one = ensemble(tables).drop_duplicates("data_seed")
    return Finding(
        [
            intervals.mean("rank correlation by log-probability", one.reliability_log),
            intervals.mean("by correctness", one.reliability_correct),
        ],
        {"models": int(one.models.iloc[0])} if len(one) else None,
        "Over the images of the pool, memorisation by even models against that by odd ones. There is one ensemble.",
    )


@question("Does a high D* mean memorised?", source="Hobbhahn's comment: high is memorised, low is confused")
def means_memorised(tables: Tables, measure: Any) -> Finding:
    """Rank correlation with memorisation, and ROC area for the most memorised."""
    scores = at_end(tables)
    most = f"{100 * measure.memorized:g} %"
    return Finding(
        [
            intervals.mean("rank correlation", answers(scores, ORDER).D_after),
            intervals.mean(f"ROC area for the {most} most memorised", answers(scores, MEMORISED).D_after),
        ],
        None,
        f"D* of the hidden vectors of models of the whole pool, at the end of training. {UNIT}",
    )


@question("Does D* tell more than other scores of the same model?")
def best(tables: Tables, measure: Any) -> Finding:
    """D*'s answer to each of four tasks less the best other score's."""
    scores = at_end(tables)
    tasks = {
        "order by memorisation": ORDER,
        "most memorised": MEMORISED,
        "most memorised of those with the right label": MEMORISED_RIGHT,
        "wrong labels": WRONG,
    }
    found = {task: answers(scores, asked) for task, asked in tasks.items()}
    parts = [intervals.mean(f"{task}: D* less the best other", ahead(of)) for task, of in found.items()]
    return Finding(
        parts,
        {
            task: {SCORES[str(name)]: float(value) for name, value in best_first(of).items()}
            for task, of in found.items()
        }
        if any(map(len, found.values()))
        else None,
        f"""Rank correlation with memorisation, then ROC areas; D* is the better of before and after the ReLU. Shown:
        means, highest first. Loss, margin, gradient and Mahalanobis distance know the label, D* does not; the last is a
        leverage too, within the label's class. {UNIT}""",
    )


def ahead(answers: pd.DataFrame) -> pd.Series:
    """By how much the better D* of each model beats the best other score."""
    better: pd.Series = answers[OURS].max(axis=1) - answers.drop(columns=OURS).max(axis=1)
    return better


@question("Is D* the best score at some time in training?")
def on_the_way(tables: Tables, measure: Any) -> Finding:
    """How far D* is ahead of the others, at the time it is most so."""
    order = answers(tables.scores, ORDER)
    order = order[order.D_after.notna()]
    means = {epoch: best_first(models) for epoch, models in order.groupby("epoch")}
    return Finding(
        [intervals.mean("D* less the best other, when largest", ahead(order).groupby("cell").max())],
        {
            f"epoch={epoch!s}": f"{SCORES[str(of.index[0])]} {of.iloc[0]:.2f}; D* {of[OURS].max():.2f}"
            for epoch, of in means.items()
        }
        if means
        else None,
        f"""Rank correlation of each model at a time with memorisation at that time; the best score there and D* are
        shown. {UNIT}""",
    )


@question("Are the images of highest D* memorised more than the others?")
def top(tables: Tables, measure: Any) -> Finding:
    """Mean memorisation of the images of highest D*, less that of the others."""
    pool = tables.items[known(tables.items)]
    rows = pd.DataFrame(
        [_top(images, measure.memorized) for _, images in pool.groupby("cell")],
        columns=["more", "others", "most", "wrong"],
        dtype=float,
    )
    words = {"others": "the others", "most": "the most memorised", "wrong": "wrong labels among the highest"}
    return Finding(
        [intervals.mean("nats more than the others", rows.more)],
        {words[name]: float(rows[name].mean()) for name in words} if len(rows) else None,
        f"""The {100 * measure.memorized:g} % of highest D*: mean gain in log-probability of the label from having been
        trained on. The most memorised are chosen by half of the models and judged by the other. {UNIT} Tables list the
        images of the first alone.""",
    )


def _top(images: pd.DataFrame, share: float) -> dict[str, float]:
    """Memorisation of the images of highest D* more than others', theirs, the most, and the wrong labels."""
    count = max(1, round(share * len(images)))
    highest = images.nlargest(count, "D_after")
    others = images.drop(highest.index).memorization_log.mean()
    return {
        "more": highest.memorization_log.mean() - others,
        "others": others,
        "most": images.nlargest(count, "memorization_even").memorization_odd.mean(),
        "wrong": (highest.label != highest.true_label).mean(),
    }
