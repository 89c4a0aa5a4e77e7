"""Is a document memorised as a whole, or in parts?"""

from __future__ import annotations

import pandas as pd

AXES = {"pool", "most", "span", "epochs", "init_seed", "subset_seed"}  # what its grid may sweep


def of_pool(blocks: pd.DataFrame, pool: str) -> pd.DataFrame:
    """Blocks of a pool with their memorisation, means over seeds."""
    rows = blocks[blocks.pool == pool]
    rows = rows.assign(memorization=rows.loss_out - rows.loss_in)
    by = ["kind", "document", "family", "offset", "place", "masked"]
    found: pd.DataFrame = rows.groupby(by, as_index=False)[["loss_in", "loss_out", "memorization"]].mean()
    return found


def spans(blocks: pd.DataFrame) -> pd.DataFrame:
    """Of the pool of spans, whether the document has one without gradient, and whether the block is in it."""
    rows = of_pool(blocks, "spans")
    hidden = rows[rows.masked].place
    inside = rows.place.between(hidden.min(), hidden.max()) if len(hidden) else rows.masked
    where = inside.map({True: "in", False: "after"}).where(inside | (rows.place > hidden.max()), "before")
    return rows.assign(with_span=rows.kind == "masked", where=where)
