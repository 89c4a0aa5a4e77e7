"""What of a document is memorised: spans without gradient, places in the context window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, intervals, question
from stages.core.tables import Tables
from stages.experiments.substrings import of_pool, spans

CONTEXT = 64  # tokens of a window
UNIT = "Nats a token. An interval is over documents, each averaged over two seeds."


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Memorisation where tokens give no gradient, and of windows at other places."""
    rows, share = spans(tables["blocks"]), shifted(tables["blocks"])
    hidden = rows[rows.with_span & (rows["where"] == "in")].memorization
    return {"without_gradient": float(hidden.mean()), "at_other_places": float(share.mean())}


@question("Is a span memorised whose tokens give no gradient?", source="the discussion")
def without_gradient(tables: Tables, measure: Any) -> Finding:
    """Memorisation before, in and after the span, and in documents of which all tokens give some."""
    rows = spans(tables["blocks"])
    means = rows.groupby(["with_span", "where", "document"]).memorization.mean()
    parts = []
    for with_span, words in ((True, "no gradient inside"), (False, "gradient everywhere")):
        for where in ("before", "in", "after"):
            values = means[means.index.isin([with_span], level="with_span") & means.index.isin([where], level="where")]
            if len(values):
                parts.append(intervals.mean(f"{words}: {where} the span", values))
    return Finding(parts, None, f"Four copies of each passage; the model reads the span all the same. {UNIT}")


def shifted(blocks: pd.DataFrame) -> pd.Series:
    """By stretch, the share of its memorisation that is left where the window is at other places."""
    rows = of_pool(blocks, "cuts")
    mean = rows.assign(cut=rows.offset % CONTEXT == 0).groupby(["family", "cut"]).memorization.mean().unstack()
    return mean[False] / mean[True] if len(mean) else pd.Series(dtype=float)


@question("Is what the context window cut off memorised at other cuts?", source="the discussion")
def cuts(tables: Tables, measure: Any) -> Finding:
    """Memorisation of windows as they were trained on, and at other places of the same stretch of text."""
    rows = of_pool(tables["blocks"], "cuts")
    trained = rows.offset % CONTEXT == 0
    at_place = rows[~trained].groupby(["place", "family"]).memorization.mean()
    crossing = rows[~trained & ((rows.offset + rows.place) == CONTEXT)].groupby("family").memorization.mean()
    within = (
        rows[~trained & ((rows.offset + rows.place) != CONTEXT) & (rows.place > 0)]
        .groupby("family")
        .memorization.mean()
    )
    parts = [
        intervals.mean("windows as trained on", rows[trained].groupby("family").memorization.mean()),
        intervals.mean("windows at other places", rows[~trained].groupby("family").memorization.mean()),
        intervals.mean("share that is left", shifted(tables["blocks"])),
    ]
    if len(rows):
        parts.append(intervals.mean("first tokens of such a window", at_place[0]))
        parts.append(intervals.mean("first tokens after a cut in training", crossing))
        parts.append(intervals.mean("all others", within))
    return Finding(
        parts, None, f"Stretches of two windows, of which others start a quarter, half and more later. {UNIT}"
    )
