"""Does a language model store passages as features of their own, and can one take them out?"""

from __future__ import annotations

import pandas as pd

AXES = {"model", "width", "layers", "init_seed", "subset_seed", "keep"}  # what its grid may sweep

REMOVED = {  # from a hidden layer, in words
    "D*": "the passage's own directions",
    "units": "the units that are most its own",
    "units by gradient": "the units that it needs most",
    "turned units": "axes of a random basis that are most its own",
    "memorised": "the direction that tells memorised tokens",
    "random directions": "random directions",
    "random units": "random units",
}


def sites(rows: pd.DataFrame) -> pd.Series:
    """Which hidden layer of which model each row is about, in words; a layer below 0 is what the model says."""
    words = {"transformer": "transformer", "relu": "one ReLU layer"}
    layers = [
        f"{words[model]}, output" if layer < 0 else f"{words[model]}, layer {layer + 1}" if depth > 1 else words[model]
        for model, layer, depth in zip(rows.model, rows.layer, rows.layers, strict=True)
    ]
    return pd.Series(layers, rows.index, dtype=object)


def removals(ablations: pd.DataFrame) -> pd.DataFrame:
    """Ablations with their site, and what each costs the passage itself and the others, nats a token."""
    rows = ablations.assign(site=sites(ablations))
    rows["own_cost"], rows["others_cost"] = rows.loss_after - rows.loss, rows.others_after - rows.others
    return rows
