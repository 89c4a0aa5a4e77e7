"""Whether a run ends in a regular polygon, where it can."""

from __future__ import annotations

from typing import Any

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.model import Model
from stages.statistics.polygon import is_regular

COLUMNS = {"regular": Column(bool, "m = 2: the hidden vectors form a regular T-gon, within measure.regular")}


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    return {"regular": is_regular(model.hidden(points), measure.regular) if model.m == 2 and points.T > 2 else None}


OWN = Own(columns=COLUMNS, cell=cell)
