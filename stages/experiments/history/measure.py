"""Nothing of its own: snapshots during training, and which runs the film shows."""

from __future__ import annotations

import pandas as pd

from stages.families.toy.measures import Own


def shown(items: pd.DataFrame) -> pd.Series:
    """Every frame of the first training set at each T, and at the largest T of the run whose feature fell furthest.

    How far a feature fell: its largest D during training less that of the trained model.
    """
    runs = items.drop_duplicates("cell").sort_values("data_seed")
    first = runs.drop_duplicates("T").cell
    others = items[(items["T"] == items["T"].max()) & ~items.cell.isin(first) & (items.kind == "feature")]
    D = others.sort_values("step").groupby(["cell", "item"]).D
    fallen = (D.max() - D.last()).groupby("cell").max()
    films = set(first) | ({fallen.idxmax()} if len(fallen) else set())
    chosen: pd.Series = items.cell.isin(films)
    return chosen


OWN = Own(shown=shown)
