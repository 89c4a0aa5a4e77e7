"""What snapshots during training show: features that are learned, and some that are forgotten again."""

from __future__ import annotations

from typing import Any

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables


def summary(tables: Tables, measure: Any) -> Summary:
    """How many features are forgotten, by T."""
    cells = tables.cells
    chosen = cells[cells.selected & cells.features_forgotten.notna()]
    by_T = chosen.groupby("T")[["features_forgotten", "features_learned"]].mean()
    many = chosen[chosen["T"] == chosen["T"].max()]
    forgets = many.features_forgotten > 0
    claims = [
        Claim(
            "features are sometimes learned, then forgotten",
            "Jermyn's comment, T = 10,000",
            "sometimes (a film)",
            {"share of runs": float(forgets.mean()), "features a run": float(many.features_forgotten.mean())}
            if len(many)
            else None,
            {f"T={T}": float(row.features_forgotten) for T, row in by_T.iterrows()},
            bool(forgets.any()) if len(many) else None,
            f"at the largest T: features of D_f > {measure.learned} in some snapshot and of less than half of that in "
            "the last, in at least one run; spread: the mean number at each T",
        )
    ]
    headline = {"forgotten_end": float(many.features_forgotten.mean())} if len(many) else {}
    return Summary(headline, claims)
