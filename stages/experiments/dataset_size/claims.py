"""How high the bump of test loss is, and what is learned at the end; the claims on it are judged in `regimes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.claims import Finding, labelled, question
from stages.claims.regimes import find_bump, finite, many, typical_rise
from stages.core.tables import Tables


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """How high the bump is and where; features learned from many points."""
    bump, last = find_bump(finite(tables)), many(tables)
    found: dict[str, float | int] = {"bump": bump.height, "bump_T": bump.T} if bump else {}
    return found | ({"features": float(last.features_learned.mean())} if len(last) else {})


@question("How far does test loss rise in between, and fall after it?")
def rise(tables: Tables, measure: Any) -> Finding:
    """The bump of these few training sets."""
    of = finite(tables)
    return Finding(
        typical_rise(of),
        {"test loss": labelled(of.groupby("T").test_loss.mean(), "T")} if len(of) else None,
        "A few training sets; whether it rises in most is judged in regimes.",
    )
