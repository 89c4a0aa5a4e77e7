"""Whether a mean is above 0, as far as independent values can tell."""

from __future__ import annotations

import numpy as np
import pandas as pd


def above_zero(values: pd.Series) -> bool | None:
    """Whether independent values have a mean more than two standard errors above 0; None of fewer than two."""
    known = values.dropna().to_numpy(dtype=np.float64)
    return bool(known.mean() > 2 * known.std(ddof=1) / len(known) ** 0.5) if len(known) > 1 else None
