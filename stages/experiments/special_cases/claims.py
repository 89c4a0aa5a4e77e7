"""Which scores work, by what they are asked to tell apart, and whether knowing what is in superposition is needed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled, labelled_rows
from stages.core.tables import Tables
from stages.experiments.special_cases import BLIND, COMPARISONS, KNOWING, SCORES
from stages.statistics.intervals import above_zero

WORKS = 0.9  # ROC area from which a score is said to tell
CHANCE = 0.6  # and up to which it is said not to


def stored(cells: pd.DataFrame) -> pd.DataFrame:
    """Models that recall the planted points."""
    chosen: pd.DataFrame = cells[(cells.planted_recalled > 0.5) & (cells.status == "trained")]
    return chosen


def asked(scores: pd.DataFrame, models: pd.DataFrame, kind: str) -> pd.DataFrame:
    """ROC areas of one comparison, a row for each of these models, by cell, and a column for each score."""
    rows = scores[(scores.comparison == kind) & scores.cell.isin(models.cell)]
    wide = rows.pivot(index="cell", columns="score", values="area")
    return wide.reindex(index=models.cell, columns=list(COMPARISONS[kind].scores))


def best_first(areas: pd.DataFrame) -> pd.Series:
    """Mean ROC area by score, highest first."""
    return pd.Series({name: areas[name].mean() for name in areas}, dtype=float).sort_values(ascending=False)


def summary(tables: Tables, measure: Any) -> Summary:
    """Which scores work, by what they are asked to tell apart, and whether knowing the structure is needed."""
    models, scores = stored(tables.cells), tables.scores
    areas = {kind: asked(scores, models, kind) for kind in COMPARISONS}
    claims = [_works(models, areas[kind], kind) for kind in COMPARISONS]
    claims += [_knowing(models, areas[kind], kind) for kind in ("noisy", "trained")]
    claims += [_candidates(models), _forgotten(tables.cells, scores)]
    headline = {f"best_area_{kind}": float(best_first(of_kind).iloc[0]) for kind, of_kind in areas.items()}
    return Summary(headline if len(models) else {}, claims)


def _works(models: pd.DataFrame, areas: pd.DataFrame, kind: str) -> Claim:
    mean, keyed = best_first(areas), models.set_index("cell")
    by_m, by_m_R = areas.groupby(keyed.m), areas.groupby([keyed.m, keyed.copies])
    return Claim(
        f"some score tells {COMPARISONS[kind].words.replace(' against', ' from')}",
        "mechanistic anomaly detection, in the thread",
        "not tested",
        {SCORES[str(name)]: float(area) for name, area in mean.items()} if len(models) else None,
        labelled_rows(by_m_R.mean().rename(columns=SCORES), "m", "R"),
        bool((by_m[str(mean.index[0])].mean() >= WORKS).all()) if len(models) else None,
        f"ROC area, mean over models that recall the planted points; holds if the best score has {WORKS} at each m",
    )


def _knowing(models: pd.DataFrame, areas: pd.DataFrame, kind: str) -> Claim:
    showing = models[models.candidates > 0].set_index("cell")
    knows, blind = (areas.loc[showing.index, list(names)].max(axis=1) for names in (KNOWING, BLIND))
    gain = knows - blind
    against = COMPARISONS[kind].words.partition(" against ")[2]
    return Claim(
        f"knowing what is in superposition tells special cases from {against} better",
        "the thread",
        "knowing the superposition makes detection possible",
        {
            "gain": gain.mean(),
            "standard error": gain.sem(),
            "models": len(showing),
            "without a candidate": len(models) - len(showing),
        }
        if len(showing) > 1
        else None,
        labelled(gain.groupby([showing.m, showing.copies]).mean(), "m", "R"),
        above_zero(gain),
        f"{COMPARISONS[kind].words}: ROC area of the better of the scores of h that use features and candidate points, "
        "less that of the best that do not; holds if above two standard errors over models that recall the planted "
        "points and show a candidate; without one there is nothing to use. The error is no score of h and left out",
    )


def _candidates(models: pd.DataFrame) -> Claim:
    by = models.groupby(["m", "copies"])[["candidates_found", "candidates_right"]].mean()
    return Claim(
        "special cases can be found in the trained model, given how often the training set holds each point",
        "the thread",
        "not tested",
        {
            "share found": float(models.candidates_found.mean()),
            "share of candidates planted": float(models.candidates_right.mean()),
        }
        if len(models)
        else None,
        labelled_rows(by, "m", "R") if len(models) else None,
        bool(models.candidates_found.mean() > 0.75 and models.candidates_right.mean() > 0.75) if len(models) else None,
        "points whose dimensionality, all copies together, stands out; holds if three quarters of the planted points "
        "are among them, and three quarters of them are planted, in models that recall the planted points",
    )


def _forgotten(cells: pd.DataFrame, scores: pd.DataFrame) -> Claim:
    others = cells[(cells.planted_recalled == 0) & (cells.status == "trained")]
    best = best_first(asked(scores, others, "noisy")) if len(others) else pd.Series(dtype=float)
    return Claim(
        "a planted point that the model does not recall is not told from ordinary inputs",
        "this project's question",
        "there is nothing to detect",
        {SCORES[str(name)]: float(area) for name, area in best.items()} if len(others) else None,
        {"models": len(others)},
        bool(best.iloc[0] <= CHANCE) if len(others) else None,
        "ROC area under noise, mean over models that do not recall them (error above half of output 0's); holds if no "
        f"score has more than {CHANCE}. Above it a point leaves a trace before it is recalled",
    )
