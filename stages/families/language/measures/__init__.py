"""What is measured of a run of language models.

Cells that kept their outputs are the models of ensembles, of which each document's counterfactual memorisation is
computed; cells that kept their weights are looked into, and compared with the ensemble that is trained like them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from stages.core import tables
from stages.core.errors import UserError
from stages.core.tables import Measured, Table
from stages.families.language.data import Raw
from stages.families.language.data.documents import NATURAL
from stages.families.language.data.spec import Measure, Training
from stages.families.language.measures.ablations import Model, ablation_rows
from stages.families.language.measures.columns import (
    ABLATIONS,
    AXES,
    BLOCKS,
    CELLS,
    CONDITIONS,
    CURVES,
    INFLUENCE,
    ITEMS,
    SCORES,
    SWEEP,
    TOKENS,
)
from stages.families.language.measures.conditions import condition_rows, influence_rows
from stages.families.language.measures.documents import (
    block_rows,
    document_rows,
    named,
    reliabilities,
    token_memorization,
    token_rows,
)
from stages.families.language.measures.ensembles import Ensemble, ensembles, trained_alike
from stages.families.language.measures.hidden import score_rows, scores
from stages.families.language.measures.own import Own
from stages.families.language.model.network import outputs, restored
from stages.grid.cells import TrainedCell
from stages.grid.executor import Job

__all__ = ["Own", "curves", "measure"]

Row = dict[str, Any]
Run = Callable[[Callable[..., Any], Sequence[Job], str], Iterator[tuple[int, Any]]]
COLUMNS = {
    "conditions": CONDITIONS,
    "influence": INFLUENCE,
    "blocks": BLOCKS,
    "tokens": TOKENS,
    "scores": SCORES,
    "ablations": ABLATIONS,
}


class MeasureError(UserError):
    """A cell could not be measured; the message names it."""


def measure(cells: Sequence[TrainedCell], asked: Measure, own: Own, raw: Raw, run: Run) -> Measured:
    """The tables of a run: cells, items (documents), and those that the experiment asks for.

    Args:
        cells: in the grid's order, those that failed included. asked: what to measure. own: which tables.
        raw: the texts. run: calls a function with each of many jobs.

    Raises:
        MeasureError: a cell could not be measured.
    """
    rows = [_row(i, trained) for i, trained in enumerate(cells)]
    items: list[Row] = []
    others: dict[str, list[Row]] = {name: [] for name in own.tables}
    known = ensembles(cells)
    for (alike, epoch), ensemble in known.items():
        axes = _axes(rows[ensemble.cells[0]]) | {"epoch": epoch}
        if epoch == alike.training.epochs:
            found = reliabilities(ensemble)
            for i in ensemble.cells:
                rows[i] |= found
        documents = [axes | of for of in named(ensemble.pool, raw.texts)]
        items += [of | row for of, row in zip(documents, document_rows(ensemble, asked.prefix), strict=True)]
        for name, several in _ensemble_rows(alike.data.pool, ensemble, raw, asked).items():
            if name in others:
                others[name] += [(documents[k] if k >= 0 else axes) | row for k, row in several]
    for i, found_of in _models(cells, known, asked, own, run).items():
        rows[i] |= found_of.pop("cells")[0]
        for name, several_rows in found_of.items():
            others[name] += [_axes(rows[i]) | row for row in several_rows]
    every = Table.of_rows(ITEMS, items)
    made = {name: Table.of_rows(COLUMNS[name], several) for name, several in others.items()}
    return Measured({"cells": Table.of_rows(CELLS, rows), "items": every, **made}, every)


def curves(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over models of what `dvc plots` draws, by what the run sweeps."""
    return tables.means(cells[cells.status == "trained"], SWEEP, CURVES)


def _ensemble_rows(pool: str, ensemble: Ensemble, raw: Raw, asked: Measure) -> dict[str, Iterator[tuple[int, Row]]]:
    """Rows of each table that a pool's ensemble can have, with the document that each is of; -1: of none."""
    found = {"tokens": token_rows(ensemble, raw.texts.text, asked.passages)}
    if pool in ("spans", "cuts"):
        found["blocks"] = block_rows(ensemble)
    if pool in ("families", "rules", "twins"):
        found["conditions"] = condition_rows(pool, ensemble)
    if pool == "families":
        found["influence"] = ((-1, row) for row in influence_rows(ensemble))
    return found


def _row(i: int, trained: TrainedCell) -> Row:
    """Columns of CELLS that need no other cell."""
    cell, about = trained.cell, trained.record.about
    row = {"cell": i, **cell.axes} | {name: about.get(name) for name in ("status", "error", "engine_used")}
    chosen = trained.dataset.chosen
    row |= {"documents": len(chosen), "trained_on": int(chosen.sum())}
    if trained.is_trained:
        row["epoch"] = int(trained.record.arrays["epoch"][-1])
        if cell.training.keep == "outputs":
            row |= _losses(-trained.record.arrays["log_probability"][-1].astype(np.float64), chosen)
    return row


def _losses(loss: NDArray[np.floating], chosen: NDArray[np.bool_]) -> Row:
    of = loss.mean(axis=1)
    return {
        name: of[held].mean() if held.any() else None for name, held in (("loss_in", chosen), ("loss_out", ~chosen))
    }


def _axes(row: Row) -> Row:
    return {name: row[name] for name in AXES}


def _models(
    cells: Sequence[TrainedCell], known: dict[Any, Ensemble], asked: Measure, own: Own, run: Run
) -> dict[int, dict[str, list[Row]]]:
    """Of each cell that kept its weights, rows of the tables that are asked for, made on workers."""
    waiting = [i for i, trained in enumerate(cells) if trained.is_trained and trained.cell.training.keep == "weights"]
    jobs = []
    for i in waiting:
        trained = cells[i]
        ensemble = known.get((trained_alike(trained.cell), trained.cell.training.epochs))
        memorization = None if ensemble is None else token_memorization(ensemble.loss, ensemble.chosen)
        arrays = {name: value[-1] for name, value in trained.record.arrays.items() if name != "epoch"}
        dataset = trained.dataset
        pool = dataset.pool
        natural = np.isin(pool.kinds, NATURAL)
        arguments = arrays, trained.cell.training, pool.tokens, dataset.chosen, natural, memorization, asked, own.tables
        jobs.append(Job(arguments, 1.0))
    found = {}
    for k, outcome in run(measure_model, jobs, "measuring"):
        if outcome.error:
            raise MeasureError(f"cell {waiting[k]} could not be measured: {outcome.error}")
        found[waiting[k]] = outcome.result
    return dict(sorted(found.items()))


def measure_model(
    weights: dict[str, NDArray[Any]],
    spec: Training,
    tokens: NDArray[np.int16],
    chosen: NDArray[np.bool_],
    natural: NDArray[np.bool_],
    memorization: NDArray[np.float64] | None,
    asked: Measure,
    wanted: tuple[str, ...],
) -> dict[str, list[Row]]:
    """Rows of `cells`, `scores` and `ablations` of one model.

    Args:
        weights: by name. spec: how it was trained. tokens: (D, CONTEXT). chosen: (D,) what it is trained on.
        natural: (D,) which are passages of text.
        memorization: (D, CONTEXT) of models trained like it. asked: what to measure. wanted: which tables.
    """
    torch.set_num_threads(1)
    model = restored(spec, weights)
    found: dict[str, list[Row]] = {"cells": [_losses(-outputs(model, tokens).log_probability, chosen)]}
    if "scores" in wanted:
        found["scores"] = score_rows(scores(model, spec.layers, tokens, chosen), chosen, natural, memorization)
    if "ablations" in wanted and memorization is not None:
        of = Model(model, spec.layers, tokens, chosen, natural, memorization)
        several = ablation_rows(of, asked.prefix, asked.ablated)
        found["ablations"] = list(several)
    return found
