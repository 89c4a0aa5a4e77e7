"""What an experiment says of its own tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from stages.core.tables import Column
from stages.families.digits.measures.images import Images
from stages.families.digits.model.classifier import Classifier


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Own:
    """An experiment's own tables, and which columns and rows of the table of images git keeps. None: all.

    `items` names columns beside those that say which image it is; `shown(items)` says which rows: those that figures
    and claims use. `rows(model, training, validation)` gives, for the last model of each cell that kept its weights,
    the rows of each of `tables`, which get the cell's axes before them.
    """

    items: tuple[str, ...] | None = None
    shown: Callable[[pd.DataFrame], pd.Series] | None = None
    tables: dict[str, dict[str, Column]] = field(default_factory=dict)
    rows: Callable[[Classifier, Images, Images], Mapping[str, Sequence[Mapping[str, Any]]]] = _nothing
