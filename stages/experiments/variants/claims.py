"""The bump of test loss in every variant of the model and its loss, in units of what an output of 0 costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import HOLDS, Finding, Judge, claim, question
from stages.claims.regimes import bump_parts, find_bump, typical_rise
from stages.core.tables import Tables

PAPERS = "the paper's"


def _kind(cell: Any) -> str:
    """What differs from the paper's model but for eps, in words."""
    words = []
    if cell.power != 2:
        words.append({1: "absolute error", 4: "fourth power"}[cell.power])
    if cell.hidden == "relu":
        words.append("ReLU on h")
    if not cell.tied:
        words.append("untied weights")
    if cell.importance != 1:
        words.append("falling importance")
    return ", ".join(words) or PAPERS


def relative(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with `kind` and `variant`, the paper's first, and losses over that of an output of 0.

    `variant` is the kind and, if it is not that of most cells of the paper's model, the eps.
    """
    trained = cells[cells.selected]
    trained = trained.assign(
        kind=pd.Series([_kind(cell) for cell in trained.itertuples()], index=trained.index, dtype=str),
        test_loss=trained.test_loss / trained.zero_loss,
        test_loss_se=trained.test_loss_se / trained.zero_loss,
    )
    usual = trained.eps[trained.kind == PAPERS].mode()[:1].to_list()
    names = [
        kind if eps in usual else f"{kind}, {_eps(eps)}" for kind, eps in zip(trained.kind, trained.eps, strict=True)
    ]
    return trained.assign(variant=pd.Series(names, index=trained.index, dtype=str)).sort_values(
        "variant", key=lambda names: names.ne(PAPERS), kind="stable"
    )


def _eps(eps: float) -> str:
    return f"eps {eps:g}".replace("e-0", "e-")


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Variants, and those whose test loss rises and falls for certain."""
    groups = relative(tables.cells).groupby("variant")
    return {
        "variants": len(groups),
        "variants_with_bump": sum(Finding(bump_parts(of)).verdict == HOLDS for _, of in groups),
    }


def _bump(kind: str, more: str = "", *, eps: float | None = None, asked: bool = False) -> Judge:
    """What judges whether test loss of that kind rises and falls, or says how far where that is asked.

    At the usual eps, or at the one that is given.
    """

    def judge(tables: Tables, measure: Any) -> Finding:
        cells = relative(tables.cells)
        of = cells[cells.variant == kind] if eps is None else cells[(cells.kind == kind) & (cells.eps == eps)]
        bump = find_bump(of)
        shown = bump and {f"T={bump.dip_T}": bump.dip, f"T={bump.T}": bump.peak, "lowest after": bump.floor}
        parts = typical_rise(of) if asked else bump_parts(of)
        return Finding(parts, shown, f"Test loss over that of output 0, up to the bump and down from it. {more}")

    return judge


ADAMS = 1e-8  # Adam's usual eps
EPS = "A power of the error changes the size of gradients, and so what Adam's eps does: see replication_gap."
HIS = "His eps is not stated: Adam's usual one, 1e-8. What the other experiments' 1e-6 does is asked below."

papers = question("How far does test loss rise and fall in the paper's model?")(_bump(PAPERS, asked=True))
absolute, fourth, relu = (
    claim(id, f"test loss rises before it falls: {name}", source="Hobbhahn's comment", says="double descent")(
        _bump(name, HIS, eps=ADAMS)
    )
    for id, name in (("H2", "absolute error"), ("H2", "fourth power"), ("H3", "ReLU on h"))
)
absolute_here, fourth_here, relu_here = (
    question(f"How far does test loss rise at an eps a hundred times as large: {name}?")(
        _bump(name, more, eps=100 * ADAMS, asked=True)
    )
    for name, more in (("absolute error", EPS), ("fourth power", EPS), ("ReLU on h", ""))
)
untied = question("How far does test loss rise with weights that are not tied?")(_bump("untied weights", asked=True))
importance = question("How far does test loss rise where later features matter less?")(
    _bump("falling importance", asked=True)
)
