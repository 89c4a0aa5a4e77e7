"""Which scores work, by what they are asked to tell apart, and whether knowing what is in superposition is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows, question
from stages.core.tables import Tables
from stages.experiments.special_cases import BLIND, COMPARISONS, KNOWING, LEARNED, SCORES

WORKS = 0.9  # ROC area from which a score is said to tell
AGAINST = {"noisy": "from ordinary inputs", "trained": "from other training points"}  # what D3 is judged on


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


def per_set(values: pd.Series, models: pd.DataFrame) -> pd.Series:
    """The mean of values by cell over the models of each training set."""
    by_set: pd.Series = values.groupby(models.set_index("cell").data_seed).mean()
    return by_set


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The highest mean area of a score, by comparison."""
    models = stored(tables.cells)
    if not len(models):
        return {}
    return {f"best_area_{kind}": float(best_first(asked(tables.scores, models, kind)).iloc[0]) for kind in COMPARISONS}


@claim(
    "D3",
    "knowing what is in superposition tells special cases better",
    source="the discussion",
    says="telling that a special case fired takes solving superposition",
)
def knowing(tables: Tables, measure: Any) -> Finding:
    """ROC area of scores that use features and candidate points, less that of scores that do not."""
    models = stored(tables.cells)
    parts, shown = [], {}
    for kind, words in AGAINST.items():
        areas = asked(tables.scores, models, kind)
        gain = areas[list(KNOWING)].max(axis=1) - areas[list(BLIND)].max(axis=1)
        parts.append(intervals.mean(f"gain {words}", per_set(gain, models), least=0))
        keyed = models.set_index("cell")
        shown[words] = labelled(gain.groupby([keyed.m, keyed.copies]).mean(), "m", "R")
    return Finding(
        parts,
        shown | {"models": len(models), "without a candidate": int((models.candidates == 0).sum())}
        if len(models)
        else None,
        """ROC area, under noise, of the better of the scores of h that use features and candidate points, less that of
        the best that do not; mean over models that recall the planted points, also those where the search finds no
        candidate. The reconstruction error is no score of h alone and left out.""",
    )


@claim(
    "D3",
    "without knowing what is in superposition special cases are not told",
    source="the discussion",
    says="telling that a special case fired takes solving superposition",
)
def blind(tables: Tables, measure: Any) -> Finding:
    """ROC area of the best score of h that uses neither features nor candidate points."""
    models = stored(tables.cells)
    parts, shown = [], {}
    for kind, words in AGAINST.items():
        areas = asked(tables.scores, models, kind)[list(BLIND)]
        best = str(best_first(areas).index[0])
        parts.append(intervals.mean(f"best area {words}", per_set(areas[best], models), most=WORKS))
        shown[f"best {words}"] = SCORES[best]
    return Finding(
        parts,
        shown if len(models) else None,
        f"""Under noise, ROC area of the score that is best on average, of those of h that know neither features nor
        candidates; mean over models that recall the planted points. {WORKS:g} or more is telling.""",
    )


@question("From which other inputs does some score tell planted points?", source="a reader in the discussion")
def works(tables: Tables, measure: Any) -> Finding:
    """The highest ROC area of a score, by comparison."""
    models = stored(tables.cells)
    keyed, parts, shown = models.set_index("cell"), [], {}
    for kind, comparison in COMPARISONS.items():
        areas = asked(tables.scores, models, kind)
        mean = best_first(areas)
        parts.append(intervals.mean(comparison.words, per_set(areas[str(mean.index[0])], models)))
        shown[comparison.words] = {
            "mean": {SCORES[str(name)]: float(area) for name, area in mean.items()},
            "best, by m": labelled(areas[str(mean.index[0])].groupby(keyed.m).mean(), "m"),
        }
    return Finding(
        parts,
        shown if len(models) else None,
        "ROC area of the score that is best on average, mean over models that recall the planted points.",
    )


@question("Does a learned dictionary do as well as what is known?", source="the discussion, on solving superposition")
def learned(tables: Tables, measure: Any) -> Finding:
    """ROC area of rare atoms of a dictionary learned from outputs, and of the better of what is known, less that."""
    models = stored(tables.cells)
    keyed, parts, shown = models.set_index("cell"), [], {}
    for kind in AGAINST if len(models) else ():
        areas, words = asked(tables.scores, models, kind), COMPARISONS[kind].words
        shown[words] = labelled(areas[LEARNED].groupby(keyed.m).mean(), "m")
        parts.append(intervals.mean(f"{words}: ROC area", per_set(areas[LEARNED], models)))
        less = areas[list(KNOWING)].max(axis=1) - areas[LEARNED]
        parts.append(intervals.mean(f"{words}: known structure, more by", per_set(less, models)))
    return Finding(parts, shown or None, "Mean over models that recall the planted points.")


@question("Can special cases be found in the trained model?", source="a reader in the discussion")
def found(tables: Tables, measure: Any) -> Finding:
    """Planted points among candidates, and candidates that were planted."""
    models = stored(tables.cells)
    by = models.groupby(["m", "copies"])[["candidates_found", "candidates_right"]].mean()
    each = models.groupby("data_seed")[["candidates_found", "candidates_right"]].mean()
    right = (each.candidates_right == 1).where(each.candidates_right.notna())
    return Finding(
        [
            intervals.mean("share of planted points among the candidates", each.candidates_found),
            intervals.share("training sets whose candidates were all planted", right),
        ],
        labelled_rows(by, "m", "R") if len(models) else None,
        """Candidates: points whose dimensionality, all copies together, stands out; how often the training set holds
        each point is given. Mean over models that recall the planted points.""",
    )


@question("Is a planted point that the model does not recall told from ordinary inputs all the same?")
def forgotten(tables: Tables, measure: Any) -> Finding:
    """The highest ROC area of a score, of models that do not recall the planted points."""
    cells = tables.cells
    others = cells[(cells.planted_recalled == 0) & (cells.status == "trained")]
    areas = asked(tables.scores, others, "noisy")
    mean = best_first(areas)
    return Finding(
        [intervals.mean("best area", per_set(areas[str(mean.index[0])], others))],
        {SCORES[str(name)]: float(area) for name, area in mean.items()} | {"models": len(others)}
        if len(others)
        else None,
        """ROC area under noise of the score that is best on average, mean over models that recall none (error above
        half of output 0's). Well above .5, a point leaves a trace before it is recalled.""",
    )
