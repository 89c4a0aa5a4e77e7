"""What an experiment says of its own tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Own:
    """Which columns and rows of the table of images git keeps: those that figures and claims use. None: all.

    `items` names columns beside those that say which image it is; `shown(items)` says which rows.
    """

    items: tuple[str, ...] | None = None
    shown: Callable[[pd.DataFrame], pd.Series] | None = None
