"""What shape the hidden vectors of a few points end in, over many runs.

A stated geometric test, from the lengths of the hidden vectors and their angles:

    regular      a regular T-gon: lengths and angular gaps agree within measure.regular
    dead point   some point's vector is shorter than a tenth of the longest: it is not stored at all
    two circles  the lengths fall into two groups of at least two, more than 15 % apart, each within 15 % of its mean
    other        anything else
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.core.tables import Column
from stages.experiments.optimization_failure import SHAPES
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model
from stages.statistics.polygon import is_regular

COLUMNS = {"shape": Column(str, "what the hidden vectors form: " + ", ".join(SHAPES))}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    return {"shape": shape(model.hidden(points), measure.regular)}


def shape(h: NDArray[np.floating], tolerance: float) -> str:
    """One of SHAPES, for hidden vectors h of shape (T, 2)."""
    if is_regular(h, tolerance):
        return "regular"
    radius = np.sort(np.hypot(h[:, 0], h[:, 1]))
    if radius[0] < 0.1 * radius[-1]:
        return "dead point"
    cut = int(np.argmax(np.diff(radius))) + 1
    inner, outer = radius[:cut], radius[cut:]
    alike = all(np.abs(group - group.mean()).max() <= 0.15 * group.mean() for group in (inner, outer))
    return "two circles" if alike and min(cut, len(h) - cut) > 1 and outer[0] > 1.15 * inner[-1] else "other"


def shown(items: pd.DataFrame) -> pd.Series:
    """Hidden vectors of the points, at the learning rate and number of steps that most have."""
    usual = (items.lr == items.lr.mode().min()) & (items.steps == items.steps.mode().min())  # the least of several
    drawn: pd.Series = (items.kind == "point") & usual
    return drawn


OWN = Own(columns=COLUMNS, cell=cell, shown=shown)
