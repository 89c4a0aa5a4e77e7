"""What an ensemble says of each document: loss in and out, memorisation, recitation; by block, and by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.language.data.documents import CUTS, Pool
from stages.families.language.data.spec import CONTEXT
from stages.families.language.data.texts import Texts, Unit
from stages.families.language.measures.ensembles import Ensemble
from stages.statistics.memorization import counterfactual, spearman

BLOCK = 8  # tokens

Row = dict[str, Any]
Floats = NDArray[np.float64]


def named(pool: Pool, texts: Texts) -> list[Row]:
    """Of each document what it is: columns of DOCUMENT."""
    return [
        {
            "document": k,
            "kind": str(kind),
            "family": int(pool.family[k]),
            "copies_of": int(pool.copies[k]),
            "reference": reference(texts.of_documents[pool.unit[k]][0]) if pool.unit[k] >= 0 else None,
        }
        for k, kind in enumerate(pool.kinds)
    ]


def reference(unit: Unit) -> str:
    """Where a unit is in its source."""
    return f"{unit.title} {unit.chapter}"


def reliabilities(ensemble: Ensemble) -> Row:
    """How well two halves of the models agree."""
    return {
        "models": len(ensemble.cells),
        "reliability": spearman(*(-counterfactual(loss.mean(axis=2), chosen) for loss, chosen in ensemble.halves())),
        "reliability_probability": spearman(
            *(counterfactual(np.exp(-loss).mean(axis=2), chosen) for loss, chosen in ensemble.halves())
        ),
        "reliability_tokens": spearman(*(token_memorization(*half).ravel() for half in ensemble.halves())),
    }


def token_memorization(loss: NDArray[np.float32], chosen: NDArray[np.bool_]) -> Floats:
    """(D, CONTEXT) loss out less loss in of each token, of (K, D, CONTEXT) losses; NaN where all or none are."""
    inside, outside = in_and_out(loss, chosen)
    return outside - inside


def in_and_out(values: NDArray[Any], chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(D, ...) means of (K, D, ...) over models trained on each document, and over the others; NaN where none are."""
    return _means(values, chosen), _means(values, ~chosen)


def _means(values: NDArray[Any], models: NDArray[np.bool_]) -> Floats:
    """(D, ...) mean of (K, D, ...) over those models of each document."""
    weight = models.astype(np.float64)
    total = np.einsum("kd,kd...->d...", weight, values.astype(np.float64))
    count = weight.sum(axis=0).reshape(-1, *[1] * (values.ndim - 2))
    mean: Floats = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return mean


def recited(first: NDArray[np.bool_], prefix: int) -> Floats:
    """Share of the tokens after the prefix that greedy decoding gives, up to its first error, of (..., CONTEXT).

    As each token is predicted after the true ones before it, that is where decoding from the prefix would go wrong.
    """
    share: Floats = np.logical_and.accumulate(first[..., prefix:], axis=-1).mean(axis=-1)
    return share


def document_rows(ensemble: Ensemble, prefix: int) -> list[Row]:
    """Columns of ITEMS, a row a document."""
    chosen, loss = ensemble.chosen, ensemble.loss.mean(axis=2)
    inside, outside = in_and_out(loss, chosen)
    halves = [-counterfactual(of.mean(axis=2), which) for of, which in ensemble.halves()]
    share = recited(ensemble.first, prefix)
    recited_in, recited_out = in_and_out(share, chosen)
    columns = {
        "models_in": chosen.sum(axis=0),
        "models_out": (~chosen).sum(axis=0),
        "loss_in": inside,
        "loss_out": outside,
        "memorization": outside - inside,
        "memorization_even": halves[0],
        "memorization_odd": halves[1],
        "memorization_probability": counterfactual(np.exp(-ensemble.loss).mean(axis=2), chosen),
        "recited_in": recited_in,
        "recited_out": recited_out,
        "whole_in": in_and_out(share == 1, chosen)[0],
    }
    return _rows(columns)


def block_rows(ensemble: Ensemble) -> Iterator[tuple[int, Row]]:
    """(document, columns of BLOCKS) of each run of BLOCK tokens. A window of a stretch is in where the stretch is."""
    pool = ensemble.pool
    stretches = int(pool.family.max()) + 1
    cut = len(pool.tokens) == stretches * len(CUTS)
    chosen = ensemble.chosen[:, :stretches][:, pool.family] if cut else ensemble.chosen
    blocks = ensemble.loss.reshape(*ensemble.loss.shape[:2], -1, BLOCK).mean(axis=3)
    inside, outside = in_and_out(blocks, chosen)
    for document in range(len(pool.tokens)):
        for b in range(CONTEXT // BLOCK):
            yield (
                document,
                {
                    "offset": int(pool.offset[document]),
                    "place": BLOCK * b,
                    "masked": bool(pool.masked[document, BLOCK * b : BLOCK * (b + 1)].any()),
                    "loss_in": inside[document, b],
                    "loss_out": outside[document, b],
                },
            )


def token_rows(ensemble: Ensemble, text: Callable[[int], str], each: int) -> Iterator[tuple[int, Row]]:
    """(document, columns of TOKENS) of so many documents of each kind, drawn at random."""
    inside, outside = in_and_out(ensemble.loss, ensemble.chosen)
    pool, models_in = ensemble.pool, ensemble.chosen.sum(axis=0).tolist()
    for kind in np.unique(pool.kind):
        rows = np.flatnonzero(pool.kind == kind)
        for document in np.sort(generator(f"passages {kind}").permutation(rows)[:each]).tolist():
            models = {"models_in": models_in[document], "models_out": len(ensemble.chosen) - models_in[document]}
            for place, token in enumerate(pool.tokens[document].tolist()):
                loss = {"loss_in": inside[document, place], "loss_out": outside[document, place]}
                yield document, {"place": place, "token": text(token), **models, **loss}


def _rows(columns: dict[str, NDArray[Any]]) -> list[Row]:
    values = {name: column.tolist() for name, column in columns.items()}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
