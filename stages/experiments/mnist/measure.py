"""Of the images, git keeps those of models with right labels: what the curves and the sheet of digits draw."""

from __future__ import annotations

import pandas as pd

from stages.families.digits.measures import Own


def shown(items: pd.DataFrame) -> pd.Series:
    """Images of models that no wrong label was given to."""
    return items.wrong == 0


OWN = Own(items=("prediction", "D_after", "rank_D", "sampled", "pixels"), shown=shown)
