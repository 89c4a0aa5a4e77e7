"""Passages that language models were trained on, with every token's memorisation, for the page to colour."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from stages.core import paths, tables
from stages.experiments.documents import KINDS

SHOWN = "documents"  # the experiment whose passages are shown
EACH = 2  # passages of a kind
DARKEST = 12.0  # nats at which a token's colour is full


class Token(NamedTuple):
    """A token, how strong its colour is in percent, and the nats that models gain on it."""

    text: str
    strength: int
    nats: float


class Passage(NamedTuple):
    """A document, and its mean losses by models that are trained on it and by others."""

    kind: str
    reference: str
    loss_in: float
    loss_out: float
    tokens: list[Token]


def passages(scale: str) -> list[Passage]:
    """Those that the experiment lists, by the usual transformers from scratch, one seed; none where it was not run."""
    folder = paths.tables(f"{scale}/{SHOWN}")
    found = tables.read(folder)["tokens"] if folder.exists() else pd.DataFrame()
    if not len(found):
        return []
    scratch = found[(found.model == "transformer") & (found.base == 0) & (found.pool == "kinds")]
    models = scratch.models_in + scratch.models_out
    shown = scratch[(models == models.max()) & (scratch.init_seed == scratch.init_seed.min())]
    first = shown.drop_duplicates("document").sort_values("document").groupby("kind").head(EACH).document
    shown = shown[shown.document.isin(first)]
    several = shown.sort_values(["document", "place"]).groupby(["document", "kind"], sort=False)
    return [_passage(str(kind), rows) for (_, kind), rows in several]


def _passage(kind: str, rows: pd.DataFrame) -> Passage:
    gained = rows.loss_out - rows.loss_in
    tokens = [
        Token(text, round(100 * min(max(nats / DARKEST, 0.0), 1.0)), round(float(nats), 1))
        for text, nats in zip(rows.token, gained, strict=True)
    ]
    reference = rows.reference.iloc[0]
    where = str(reference) if pd.notna(reference) else ""
    return Passage(KINDS[kind], where, float(rows.loss_in.mean()), float(rows.loss_out.mean()), tokens)
