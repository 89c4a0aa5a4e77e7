"""What snapshots during training show: features that are learned, and some that are forgotten again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, intervals, labelled, question
from stages.core.tables import Tables


def counted(tables: Tables) -> pd.DataFrame:
    """The trained cells with snapshots."""
    cells: pd.DataFrame = tables.cells[tables.cells.selected & tables.cells.features_forgotten.notna()]
    return cells


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Features that a run forgets at the largest T."""
    of = counted(tables)
    return {"forgotten_end": float(of[of["T"] == of["T"].max()].features_forgotten.mean())} if len(of) else {}


@question("Are features that were learned forgotten again?")
def forgotten(tables: Tables, measure: Any) -> Finding:
    """The share of training sets that forget a feature."""
    of = counted(tables)
    many = of[of["T"] == of["T"].max()]
    return Finding(
        [intervals.share("training sets that forget a feature", many.features_forgotten > 0)],
        {"features forgotten": labelled(of.groupby("T").features_forgotten.mean(), "T")} if len(of) else None,
        f"""At the largest T. Forgotten: D_f > {measure.learned} in some snapshot, and less than half of that in the
        last. Under the sum, as in Jermyn's comment: claim J13.""",
    )
