"""What an experiment measures beside what its family measures of every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.model.model import Model
from stages.grid.cells import Cell

Across = Callable[[Sequence[Cell], Sequence[Points], Mapping[int, Model], Measure], dict[int, dict[str, Any]]]


def _nothing(*_: Any) -> dict[Any, Any]:
    return {}


@dataclass(frozen=True)
class Own:
    """An experiment's own numbers; each column says what it means.

    `cell(model, points, measure)` gives one trained cell's values of `columns`. `across(cells, points, models,
    measure)` compares cells with each other: by cell, more values of `columns`; of `items`, one value a training point
    each; and under the name of one of `tables`, its rows, which get the cell's axes before them.
    `shown(items)` says which items git keeps: those that figures, claims and the page use. See `tables.write_shown`.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    cell: Callable[[Model, Points, Measure], dict[str, Any]] = _nothing
    across: Across = _nothing
    items: dict[str, Column] = field(default_factory=dict)
    tables: dict[str, dict[str, Column]] = field(default_factory=dict)
    shown: Callable[[pd.DataFrame], pd.Series | pd.DataFrame] | None = None
