"""Which features and points the figure draws; all that it says of them is measured of every model."""

from __future__ import annotations

import pandas as pd

from stages.experiments.dataset_size import DRAWN, LEAST, endless, panels
from stages.families.toy.measures import Own


def shown(items: pd.DataFrame) -> pd.DataFrame:
    """Those on the axis of dimensionalities, and the vectors of the first training set of each T that has a panel."""
    known = items["T"][~items.fresh]
    if known.empty:
        return pd.DataFrame(dict.fromkeys(items, ~items.fresh))
    T = items["T"].where(~items.fresh, endless(known))
    first = items.data_seed == items.data_seed.groupby(T).transform("min")
    in_panel = first & T.isin(panels(T.unique()))
    on_axis = (items.D >= 0.9 * LEAST) & (items.data_seed < DRAWN)  # below the axis half a dot shows
    kept = pd.DataFrame(dict.fromkeys(items, in_panel | on_axis))
    kept[["item", "sampled"]] = False  # which one it is, nobody asks
    return kept.assign(x=in_panel, y=in_panel, norm=in_panel)


OWN = Own(shown=shown)
