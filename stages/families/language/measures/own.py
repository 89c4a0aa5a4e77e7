"""What an experiment says of its own tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Own:
    """Which tables the experiment has beside `cells` and `items`, and which rows of `items` git keeps. None: all.

    tables: of `conditions`, `influence`, `blocks`, `tokens`, `scores`, `ablations`: see columns.py.
    """

    tables: tuple[str, ...] = ()
    shown: Callable[[pd.DataFrame], pd.Series] | None = None
