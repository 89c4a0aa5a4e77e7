"""What is left out with a document, and what is then memorised?"""

from __future__ import annotations

import itertools

import pandas as pd

AXES = {  # what its grid may sweep
    "pool",
    "each",
    "members",
    "edits",
    "span",
    "subset",
    "subset_seed",
    "init_seed",
    "epochs",
}

RULES = {  # what is left out about a target, in words, from the simplest rule on
    "target": "the document itself",
    "copy": "and its exact copies",
    "edited": "and near-copies",
    "span": "and what shares a span",
    "chapter": "and its chapter",
    "book": "and its book",
}


def of_pool(rows: pd.DataFrame, pool: str) -> pd.DataFrame:
    """Rows of a pool at the end of training."""
    found: pd.DataFrame = rows[(rows.pool == pool) & (rows.epoch == rows.epochs)]
    return found


def radius(conditions: pd.DataFrame) -> pd.DataFrame:
    """A row a target: what each rule costs it, nats a token above nothing left out, a mean over seeds; by rule."""
    rows = of_pool(conditions, "rules")
    loss = rows.pivot_table(index="document", columns="rule", values="loss")
    return loss.sub(loss["none"], axis=0) if "none" in loss else loss


def steps(cost: pd.DataFrame) -> pd.DataFrame:
    """A row a target: what each rule costs it above as many documents left out at random in place of what it adds."""
    kinds = list(RULES)
    found = {}
    for closer, kind in itertools.pairwise(kinds):
        first = closer == kinds[0]
        control = f"target, as many as up to {kind}" if first else f"up to {closer}, as many as {kind}"
        if f"up to {kind}" in cost and control in cost:
            found[kind] = cost[f"up to {kind}"] - cost[control]
    return pd.DataFrame(found, index=cost.index)
