"""The bump of test loss in every variant of the model and its loss, in units of what an output of 0 costs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables
from stages.statistics.regimes import CLEAR, find_bump


def variant(cell: pd.Series, usual_eps: float) -> str:
    """What differs from the paper's model and the eps of most cells, in words."""
    words = []
    if cell.power != 2:
        words.append({1: "absolute error", 4: "fourth power"}[cell.power])
    if cell.hidden == "relu":
        words.append("ReLU on h")
    if not cell.tied:
        words.append("untied weights")
    if cell.importance != 1:
        words.append("falling importance")
    if cell.eps != usual_eps:
        words.append(f"eps {cell.eps:.0e}".replace("e-0", "e-"))
    return ", ".join(words) or "the paper's"


def relative(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with their variant's name, the paper's first, and losses over that of an output of 0."""
    trained = cells[cells.selected]
    names = trained.apply(variant, axis=1, usual_eps=trained.eps.mode().iloc[0]) if len(trained) else None
    return trained.assign(
        variant=names,
        test_loss=trained.test_loss / trained.zero_loss,
        test_loss_se=trained.test_loss_se / trained.zero_loss,
    ).sort_values("variant", key=lambda names: names.ne("the paper's"), kind="stable")


def summary(tables: Tables, measure: Any) -> Summary:
    """A claim for each variant."""
    claims = []
    for name, of in relative(tables.cells).groupby("variant", sort=False):
        bump = find_bump(of)
        claims.append(
            Claim(
                f"test loss rises before it falls: {name}",
                "Figure 3" if name == "the paper's" else "Hobbhahn's comment",
                "double descent",
                bump and {f"T={bump.dip_T}": bump.dip, f"T={bump.T}": bump.peak, "lowest after": bump.floor},
                bump and {"standard_error": bump.standard_error, "training_sets": bump.losses},
                bump and bump.is_clear,
                f"test loss over that of output 0; holds if it rises and falls by more than {CLEAR} standard errors. "
                "A power of the error changes the size of gradients and so what Adam's eps does, see replication_gap",
            )
        )
    clear = sum(claim.holds is True for claim in claims)
    return Summary({"variants": len(claims), "variants_with_bump": clear}, claims)
