"""Of the images, git keeps those of the first training sets with right labels: what the figures draw."""

from __future__ import annotations

import pandas as pd

from stages.families.digits.measures import Own


def shown(items: pd.DataFrame) -> pd.Series:
    """Images of the first training set of each size, where no label is wrong."""
    chosen: pd.Series = (items.wrong == 0) & (items.data_seed == items.data_seed.min())
    return chosen


OWN = Own(items=("prediction", "D_after", "rank_D", "sampled", "pixels"), shown=shown)
