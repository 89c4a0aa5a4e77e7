"""Which score of one model best tells what counterfactual memorisation, of many models, says is memorised."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables
from stages.experiments.memorization import SCORES, known

RELIABLE = 0.8


class Question(NamedTuple):
    """What a score is asked, in the words of the table of scores."""

    labels: str
    asks: str
    statistic: str


ORDER = Question("all", "memorisation", "rank correlation")
MEMORISED = Question("all", "most memorised", "ROC area")
MEMORISED_RIGHT = Question("right", "most memorised", "ROC area")
WRONG = Question("all", "wrong labels", "ROC area")


def answers(scores: pd.DataFrame, question: Question) -> pd.DataFrame:
    """How well each score answers: a row for each (cell, epoch) that memorisation is known of, a column a score."""
    asked = scores[(scores.statistic == question.statistic) & (scores.asks == question.asks)]
    wide = asked[asked.labels == question.labels].pivot(index=["cell", "epoch"], columns="score", values="value")
    wide = wide.reindex(columns=list(SCORES))
    return wide if question == ORDER else wide[wide.index.isin(compared(scores))]


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


def summary(tables: Tables, measure: Any) -> Summary:
    """Reliability, who finds memorised images, who finds wrong labels, and whether single units do it."""
    scores, most = at_end(tables), f"{100 * measure.memorized:g} %"
    models = compared(scores).get_level_values("cell")
    runs, order = tables.cells[tables.cells.cell.isin(models)], answers(scores, ORDER)
    headline: dict[str, float | int] = {}
    if len(runs):
        headline["reliability"] = float(runs.reliability_log.iloc[0])
        headline["rho_D"] = float(order.D_after.mean())
    claims = [
        _reliable(runs),
        _finds(order, answers(scores, MEMORISED), most),
        _best(
            answers(scores, MEMORISED_RIGHT),
            "finds memorised images with a right label",
            f"ROC area for the {most} most memorised of those with the right label",
        ),
        _best(
            answers(scores, MEMORISED),
            "finds memorised images of either kind",
            f"ROC area for the {most} most memorised, most of which have a wrong label",
        ),
        _best(order, "orders all images by memorisation", "rank correlation with memorisation"),
        _best_on_the_way(answers(tables.scores, ORDER)),
        _best(answers(scores, WRONG), "finds wrong labels", "ROC area for the wrong labels"),
    ]
    if len(pool := tables.items[known(tables.items)]):
        claims.append(_top(pool, measure.memorized))
    return Summary(headline, claims)


def _range(values: pd.Series) -> list[float]:
    return [float(values.min()), float(values.max())]


def _reliable(runs: pd.DataFrame) -> Claim:
    is_known = bool(len(runs))
    return Claim(
        "two halves of the models agree on what is memorised",
        "this project's aim; Zhang et al. 2021",
        f"{RELIABLE} or more",
        {"by log-probability": float(runs.reliability_log.iloc[0]), "models": int(runs.models.iloc[0])}
        if is_known
        else None,
        {"by correctness": float(runs.reliability_correct.iloc[0])} if is_known else None,
        bool(runs.reliability_log.iloc[0] >= RELIABLE) if is_known else None,
        "rank correlation over the pool of the memorisation by even and by odd models",
    )


def _finds(order: pd.DataFrame, memorised: pd.DataFrame, most: str) -> Claim:
    is_known = bool(len(memorised))
    rho, area = order.D_after, memorised.D_after
    return Claim(
        "a high D* means memorised",
        "Hobbhahn's comment",
        "high is memorised, low is confused; not tested",
        {"rank correlation": float(rho.mean()), f"ROC area for the {most} most memorised": float(area.mean())}
        if is_known
        else None,
        {"rank correlation": _range(rho), "ROC area": _range(area)},
        bool(rho.mean() >= 0.5) if is_known else None,
        "D* of the hidden vectors of models of the whole pool, at the end of training; holds if the rank correlation "
        "is at least .5",
    )


def _best(found: pd.DataFrame, does: str, meaning: str) -> Claim:
    mean = best_first(found)
    is_known = bool(len(found)) and bool(mean.notna().all())
    return Claim(
        f"D* {does} better than other scores of the same model",
        "this project's question",
        "not tested",
        {SCORES[str(name)]: float(value) for name, value in mean.items()} if is_known else None,
        {SCORES[name]: _range(found[name]) for name in mean.index},
        bool(mean.index[0] in ("D_after", "D_before")) if is_known else None,
        f"{meaning}, at the end of training, mean and range over initialisations, highest first; larger scores mean "
        "odder. Loss, margin, gradient and Mahalanobis distance know the label, D* does not; the last is a leverage "
        "too, within the label's class. Holds if D*, before or after the ReLU, comes first",
    )


def _best_on_the_way(order: pd.DataFrame) -> Claim:
    best = {epoch: best_first(models) for epoch, models in order[order.D_after.notna()].groupby("epoch")}
    return Claim(
        "D* is the best score at every time in training",
        "this project's question",
        "not tested",
        {f"epoch={epoch!s}": f"{SCORES[str(rho.index[0])]} {rho.iloc[0]:.2f}" for epoch, rho in best.items()}
        if best
        else None,
        {f"D* at epoch={epoch!s}": float(rho[["D_after", "D_before"]].max()) for epoch, rho in best.items()},
        all(rho.index[0] in ("D_after", "D_before") for rho in best.values()) if best else None,
        "the best score at each time, of the model at that time against memorisation at that time; spread: D*'s own",
    )


def _top(pool: pd.DataFrame, share: float) -> Claim:
    count = max(1, round(share * len(pool)))
    by_half = pool.nlargest(count, "memorization_even").memorization_odd
    highest = pool.nlargest(count, "D_after")
    others = pool.drop(highest.index).memorization_log
    difference = highest.memorization_log.mean() - others.mean()
    error = float((highest.memorization_log.var() / count + others.var() / max(1, len(others))) ** 0.5)
    return Claim(
        f"the {100 * share:g} % of highest D* are memorised more than the others",
        "this project's question",
        "not tested",
        {
            "memorisation of these": float(highest.memorization_log.mean()),
            "of the others": float(others.mean()),
            "of the most memorised": float(by_half.mean()),
        },
        {
            "standard error of the difference": error,
            "wrong labels among them": float((highest.label != highest.true_label).mean()),
        },
        bool(difference > 4 * error),
        "mean gain in log-probability of the label from having been trained on, D* of the first initialisation; the "
        "most memorised are chosen by half of the models and judged by the other. Holds if the difference is above "
        "four standard errors",
    )
