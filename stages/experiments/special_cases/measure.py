"""Which score of a hidden vector tells that a memorised point fired, rather than the usual features.

Inputs: ordinary ones (fresh); the planted points; the same with noise, 0.3 of a fresh point added; the other training
points, there but once; and look-alikes, non-negative combinations of features that no planted point holds whose hidden
vector is as near that of a planted point under noise as matching pursuit gets. All but the last have unit length, so
that only scores of h are asked of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.claims import Claim, Summary, above_zero, labelled, labelled_rows
from stages.experiments.special_cases.inputs import NOISY, lookalikes, noisy
from stages.experiments.special_cases.scores import BLIND, KNOWING, SCORES, scores, structure
from stages.memorization import roc
from stages.params import Cell
from stages.tables import Column
from stages.toy.data import Points, stream
from stages.toy.model import Model, point_losses
from stages.toy.spec import Measure


class Comparison(NamedTuple):
    """Which inputs are to score higher than which others, and the scores that are asked for it."""

    words: str
    positive: str
    rest: str
    scores: tuple[str, ...]


COMPARISONS = {
    "exact": Comparison(
        "planted points against ordinary inputs",
        "planted",
        "ordinary",
        tuple(name for name in SCORES if name != "nearest"),  # a training point is always near itself
    ),
    "noisy": Comparison("planted points under noise against ordinary inputs", "noisy", "ordinary", tuple(SCORES)),
    "trained": Comparison(
        "planted points under noise against other training points", "noisy", "trained", (*BLIND, *KNOWING)
    ),
    "lookalike": Comparison(
        "planted points under noise against look-alikes", "noisy", "lookalike", (*BLIND, *KNOWING, "nearest")
    ),
}
COLUMNS = {
    "planted_recalled": Column(float, "share of the planted points whose error is below half of output 0's"),
    "candidates": Column(int, "points taken for special cases"),
    "candidates_right": Column(float, "share of these that were planted"),
    "candidates_found": Column(float, "share of the planted points that are candidates"),
    "lookalike_distance": Column(float, "median distance of look-alikes in h from what they imitate, over its length"),
    "lookalike_length": Column(float, "median length of look-alikes as inputs"),
    **{
        f"area_{kind}_{name}": Column(float, f"ROC area of {SCORES[name]}: {of.words}")
        for kind, of in COMPARISONS.items()
        for name in of.scores
    },
}
ORDINARY = 5000
WORKS = 0.9  # ROC area from which a score is said to tell
CHANCE = 0.6  # and up to which it is said not to


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """ROC areas of every score, for each trained model."""
    return {i: _one(cells[i], points[i], model, measure) for i, model in models.items()}


def _one(of: Cell, points: Points, model: Model, measure: Measure) -> dict[str, Any]:
    planted = points.part(0, of.data.repeated)._replace(weight=None, masked=None)
    ordinary = next(stream(of.data.n, of.data.S, ORDINARY, measure.test_seed + 1, ORDINARY))
    later = next(stream(of.data.n, of.data.S, NOISY, measure.test_seed + 2, NOISY))  # noise that is no negative
    kinds = {"ordinary": ordinary, "planted": planted, "noisy": noisy(planted, later)}
    kinds["trained"] = points.part(of.data.repeated, points.T)._replace(weight=None, masked=None)
    kinds["lookalike"] = lookalikes(model, kinds["noisy"], planted, f"{of.data} {of.training}")
    known = structure(model, points)
    found = {kind: scores(model, points, of_kind, known) for kind, of_kind in kinds.items()}
    recalled = point_losses(model, planted) < 0.5
    like = kinds["lookalike"]
    h, near = model.hidden(kinds["noisy"]), model.hidden(like)
    away = np.linalg.norm(near - h, axis=1) / np.linalg.norm(h, axis=1)
    columns: dict[str, Any] = {
        "planted_recalled": recalled.mean(),
        "candidates": len(known.items),
        "candidates_right": (known.items < of.data.repeated).mean() if len(known.items) else None,
        "candidates_found": np.isin(np.arange(of.data.repeated), known.items).mean(),
        "lookalike_distance": np.median(away),
        "lookalike_length": np.median(np.sqrt(np.add.reduceat(like.value**2, like.start[:-1]))),
    }
    for kind, asked in COMPARISONS.items():
        for name in asked.scores:
            positive, rest = found[asked.positive][name], found[asked.rest][name]
            both = np.concatenate([positive, rest])
            columns[f"area_{kind}_{name}"] = roc(both, np.arange(len(both)) < len(positive)).area
    return columns


def stored(cells: pd.DataFrame) -> pd.DataFrame:
    """Models that recall the planted points."""
    chosen: pd.DataFrame = cells[(cells.planted_recalled > 0.5) & (cells.status == "trained")]
    return chosen


def areas(of: pd.DataFrame, kind: str) -> pd.Series:
    """Mean ROC area by score, highest first."""
    mean = {name: of[f"area_{kind}_{name}"].mean() for name in COMPARISONS[kind].scores}
    return pd.Series(mean, dtype=float).sort_values(ascending=False)


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Which scores work, by what they are asked to tell apart, and whether knowing the structure is needed."""
    of = stored(cells)
    claims = [_works(of, kind) for kind in COMPARISONS] + [_knowing(of, "noisy"), _knowing(of, "trained")]
    claims += [_candidates(of), _forgotten(cells)]
    headline = {f"best_area_{kind}": float(areas(of, kind).iloc[0]) for kind in COMPARISONS} if len(of) else {}
    return Summary(headline, claims)


def _works(of: pd.DataFrame, kind: str) -> Claim:
    mean = areas(of, kind)
    by_m, by_m_R = of.groupby("m"), of.groupby(["m", "copies"])
    words = {f"area_{kind}_{name}": SCORES[name] for name in COMPARISONS[kind].scores}
    return Claim(
        f"some score tells {COMPARISONS[kind].words.replace(' against', ' from')}",
        "mechanistic anomaly detection, in the thread",
        "not tested",
        {SCORES[str(name)]: float(area) for name, area in mean.items()} if len(of) else None,
        labelled_rows(
            by_m_R[[f"area_{kind}_{name}" for name in COMPARISONS[kind].scores]].mean().rename(columns=words), "m", "R"
        ),
        bool((by_m[f"area_{kind}_{mean.index[0]}"].mean() >= WORKS).all()) if len(of) else None,
        f"ROC area, mean over models that recall the planted points; holds if the best score has {WORKS} at each m",
    )


def _knowing(stored: pd.DataFrame, kind: str) -> Claim:
    of = stored[stored.candidates > 0]
    knows, blind = (of[[f"area_{kind}_{name}" for name in names]].max(axis=1) for names in (KNOWING, BLIND))
    gain = knows - blind
    against = COMPARISONS[kind].words.partition(" against ")[2]
    return Claim(
        f"knowing what is in superposition tells special cases from {against} better",
        "the thread",
        "knowing the superposition makes detection possible",
        {
            "gain": gain.mean(),
            "standard error": gain.sem(),
            "models": len(of),
            "without a candidate": len(stored) - len(of),
        }
        if len(of) > 1
        else None,
        labelled(gain.groupby([of.m, of.copies]).mean(), "m", "R"),
        above_zero(gain),
        f"{COMPARISONS[kind].words}: ROC area of the better of the scores of h that use features and candidate points, "
        "less that of the best that do not; holds if above two standard errors over models that recall the planted "
        "points and show a candidate; without one there is nothing to use. The error is no score of h and left out",
    )


def _candidates(of: pd.DataFrame) -> Claim:
    by = of.groupby(["m", "copies"])[["candidates_found", "candidates_right"]].mean()
    return Claim(
        "special cases can be found in the trained model, given how often the training set holds each point",
        "the thread",
        "not tested",
        {
            "share found": float(of.candidates_found.mean()),
            "share of candidates planted": float(of.candidates_right.mean()),
        }
        if len(of)
        else None,
        labelled_rows(by, "m", "R") if len(of) else None,
        bool(of.candidates_found.mean() > 0.75 and of.candidates_right.mean() > 0.75) if len(of) else None,
        "points whose dimensionality, all copies together, stands out; holds if three quarters of the planted points "
        "are among them, and three quarters of them are planted, in models that recall the planted points",
    )


def _forgotten(cells: pd.DataFrame) -> Claim:
    others = cells[(cells.planted_recalled == 0) & (cells.status == "trained")]
    best = areas(others, "noisy") if len(others) else pd.Series(dtype=float)
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
