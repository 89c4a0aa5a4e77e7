"""Which documents does a language model memorise, and which guesses about it hold?"""

from __future__ import annotations

import pandas as pd

AXES = {  # what its grid may sweep
    "pool",
    "each",
    "most",
    "model",
    "width",
    "layers",
    "base",
    "repeats",
    "epochs",
    "init_seed",
    "subset_seed",
}

KINDS = {  # of documents, in words
    "bible": "Bible",
    "shakespeare": "Shakespeare",
    "papers": "state papers",
    "rare": "rare words",
    "shuffled": "words shuffled",
    "identifiers": "random identifiers",
    "repeated": "one word repeated",
    "random": "random tokens",
}
NATURAL = ("bible", "shakespeare", "papers", "rare")  # passages as they are in the texts
SCRATCH = "transformer, from scratch"
STARTS = {  # of models, by (model, whether from a base, whether the base has met repetition)
    ("transformer", False, False): SCRATCH,
    ("relu", False, False): "one ReLU layer, from scratch",
    ("transformer", True, False): "transformer, from a base",
    ("transformer", True, True): "from a base that has met repetition",
}


def start(rows: pd.DataFrame) -> pd.Series:
    """What each row's model is and starts from, in words; missing where it is none of STARTS."""
    keys = zip(rows.model, rows.base > 0, rows.repeats > 0, strict=True)
    return pd.Series([STARTS.get(key) for key in keys], rows.index, dtype=object)


def of_kinds(items: pd.DataFrame) -> pd.DataFrame:
    """Documents of the pool of all kinds at the end of training, with their `start`."""
    rows = items[(items.pool == "kinds") & (items.epoch == items.epochs)]
    return rows.assign(start=start(rows))


def usual(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of the number of epochs that has most models, the larger one of two."""
    if not len(rows):
        return rows
    models = (rows.models_in + rows.models_out).groupby(rows.epochs).max()
    chosen: pd.DataFrame = rows[rows.epochs == models[models == models.max()].index.max()]
    return chosen


def main(rows: pd.DataFrame) -> pd.DataFrame:
    """Of those, or of their tokens, as the usual transformers from scratch memorise them."""
    rows = of_kinds(rows)
    return usual(rows[rows.start == SCRATCH])


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a document: means over initial weights, or bases."""
    found: pd.DataFrame = rows.groupby(["kind", "document"], as_index=False).mean(numeric_only=True)
    return found
