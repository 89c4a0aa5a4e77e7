"""Which score of a hidden vector tells that a memorised point fired, rather than the usual features.

Inputs: ordinary ones (fresh); the planted points; the same with noise, 0.3 of a fresh point added; the other training
points, there but once; and look-alikes, non-negative combinations of features that no planted point holds whose hidden
vector is as near that of a planted point under noise as matching pursuit gets. All but the last have unit length, so
that only scores of h are asked of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.core.tables import Column
from stages.experiments.special_cases import COMPARISONS, SCORES
from stages.families.toy.data.drawing import stream
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.measures.detection import Known, dictionary, scores, structure
from stages.families.toy.measures.lookalikes import NOISY, lookalikes, noisy
from stages.families.toy.model.model import Model, point_losses
from stages.grid.cells import Cell
from stages.statistics.memorization import roc

COLUMNS = {
    "planted_recalled": Column(float, "share of the planted points whose error is below half of output 0's"),
    "candidates": Column(int, "points taken for special cases"),
    "candidates_right": Column(float, "share of these that were planted"),
    "candidates_found": Column(float, "share of the planted points that are candidates"),
    "lookalike_distance": Column(float, "median distance of look-alikes in h from what they imitate, over its length"),
    "lookalike_length": Column(float, "median length of look-alikes as inputs"),
}
SCORE_COLUMNS = {
    "comparison": Column(str, "; ".join(f"{kind}: {asked.words}" for kind, asked in COMPARISONS.items())),
    "score": Column(str, "; ".join(f"{name}: {words}" for name, words in SCORES.items())),
    "area": Column(float, "area under the ROC curve of the score for what is compared"),
}
ORDINARY = 5000


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """ROC areas of every score, for each trained model."""
    return {i: _detected(cells[i], points[i], model, measure) for i, model in models.items()}


def _detected(cell: Cell, points: Points, model: Model, measure: Measure) -> dict[str, Any]:
    repeated = cell.data.repeated
    kinds = _inputs(cell, points, model, measure)
    known, learned = structure(model, points), dictionary(model, points)
    found = {kind: scores(model, points, inputs, known, learned) for kind, inputs in kinds.items()}
    areas = []
    for kind, asked in COMPARISONS.items():
        for name in asked.scores:
            positive, rest = found[asked.positive][name], found[asked.rest][name]
            both = np.concatenate([positive, rest])
            area = roc(both, np.arange(len(both)) < len(positive)).area
            areas.append({"comparison": kind, "score": name, "area": area})
    return {
        "planted_recalled": (point_losses(model, kinds["planted"]) < 0.5).mean(),
        **_candidates(known, repeated),
        **_likeness(model, kinds["noisy"], kinds["lookalike"]),
        "scores": areas,
    }


def _inputs(cell: Cell, points: Points, model: Model, measure: Measure) -> dict[str, Points]:
    """The inputs of each kind."""
    n, S, repeated = cell.data.n, cell.data.S, cell.data.repeated
    planted = points.part(0, repeated)._replace(weight=None, masked=None)
    ordinary = next(stream(n, S, ORDINARY, measure.test_seed + 1, ORDINARY))
    noise = next(stream(n, S, NOISY, measure.test_seed + 2, NOISY))  # no negative is in it
    under_noise = noisy(planted, noise)
    axes = " ".join(f"{name}={value!r}" for name, value in cell.axes.items())  # seeds what each look-alike may use
    return {
        "ordinary": ordinary,
        "planted": planted,
        "noisy": under_noise,
        "trained": points.part(repeated, points.T)._replace(weight=None, masked=None),
        "lookalike": lookalikes(model, under_noise, planted, axes),
    }


def _candidates(known: Known, repeated: int) -> dict[str, Any]:
    """Columns on the points that are taken for special cases, of which the first `repeated` are."""
    return {
        "candidates": len(known.items),
        "candidates_right": (known.items < repeated).mean() if len(known.items) else None,
        "candidates_found": np.isin(np.arange(repeated), known.items).mean(),
    }


def _likeness(model: Model, imitated: Points, like: Points) -> dict[str, Any]:
    """Columns on how near look-alikes come to what they imitate."""
    h, near = model.hidden(imitated), model.hidden(like)
    away = np.linalg.norm(near - h, axis=1) / np.linalg.norm(h, axis=1)
    return {
        "lookalike_distance": np.median(away),
        "lookalike_length": np.median(np.sqrt(np.add.reduceat(like.value**2, like.start[:-1]))),
    }


def shown(items: pd.DataFrame) -> pd.Series:
    """None: figures and claims are of scores."""
    return pd.Series(False, index=items.index)


OWN = Own(columns=COLUMNS, across=across, tables={"scores": SCORE_COLUMNS}, shown=shown)
