"""What is measured of a run of classifiers.

Cells that kept their outputs are the models of an ensemble, of which the counterfactual memorisation of their pool is
computed; cells that were trained on the whole of that pool are compared with it. Images are those of *selected* cells
only: of each training set, the first initialisation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.core import tables
from stages.core.errors import UserError
from stages.core.tables import Measured, Table
from stages.families.digits.data.idx import Mnist
from stages.families.digits.data.spec import Measure
from stages.families.digits.measures import images
from stages.families.digits.measures.columns import (
    AXES,
    CELLS,
    CURVES,
    HISTORY,
    IMAGE,
    IMAGES,
    ITEMS,
    MISCLASSIFIED,
    SCORES,
    SWEEP,
)
from stages.families.digits.measures.ensembles import Ensembles, memorization_columns, trained_alike
from stages.families.digits.measures.images import ImageSet, Labelled
from stages.families.digits.measures.models import Measures, measure_models
from stages.families.digits.measures.own import Own
from stages.grid.cells import Cell, TrainedCell
from stages.grid.executor import Job
from stages.statistics.memorization import spearman

__all__ = ["Own", "curves", "measure"]

Row = dict[str, Any]
Run = Callable[[Callable[..., Any], Sequence[Job], str], Iterator[tuple[int, Any]]]


class MeasureError(UserError):
    """A cell could not be measured; the message names it."""


def measure(cells: Sequence[TrainedCell], asked: Measure, own: Own, raw: Mnist, run: Run) -> Measured:
    """The tables of a run: cells, history, scores, misclassified and items, and the one of every image.

    Args:
        cells: in the grid's order, those that failed included. asked: what to measure.
        own: what the experiment keeps of images. raw: both sets. run: calls a function with each of many jobs.

    Raises:
        MeasureError: a cell could not be measured.
    """
    ensembles = Ensembles.from_cells(cells)
    measured = _measured(cells, asked, own, raw, run, ensembles)
    first = _first_of_each_set(cells, measured)
    rows = [_row(i, trained, ensembles) | {"memorized_share": asked.memorized} for i, trained in enumerate(cells)]
    for i, found in measured.items():
        rows[i] |= found.moments[-1].columns | found.last
        rows[i]["selected"] = first[i] == i
        rows[i]["rho_seeds"] = spearman(found.training["D_after"], measured[first[i]].training["D_after"])

    every, listed = [], []
    for i, found in measured.items():
        for kind in _sets(cells[i], found, raw) if first[i] == i else []:
            every.append(kind.frame(_axes(rows[i])))
            listed.append(kind.listed(every[-1], asked.images, f"images {kind.kind} {cells[i].cell.axes}"))
    kept = ITEMS if own.items is None else IMAGE | {name: ITEMS[name] for name in own.items}
    found_tables = {
        "cells": Table.of_rows(CELLS, rows),
        "items": images.table(kept, listed),
        **_tables_over_time(rows, measured),
        **_own_tables(rows, measured, own),
    }
    return Measured(found_tables, images.table(IMAGES, every))


def curves(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of what `dvc plots` draws, by what the run sweeps, of models that kept their weights."""
    return tables.means(cells[(cells.status == "trained") & (cells.keep == "weights")], SWEEP, CURVES)


def _measured(
    cells: Sequence[TrainedCell], asked: Measure, own: Own, raw: Mnist, run: Run, ensembles: Ensembles
) -> dict[int, Measures]:
    """Each cell's measures, made on workers, as BLAS in several threads fights with whatever else runs."""
    waiting = [i for i, trained in enumerate(cells) if trained.is_trained and trained.cell.training.keep == "weights"]
    jobs = [_job(cells[i], asked, own, raw, ensembles) for i in waiting]
    found: dict[int, Measures] = {}
    for k, outcome in run(measure_models, jobs, "measuring"):
        if outcome.error:
            raise MeasureError(f"cell {waiting[k]} could not be measured: {outcome.error}")
        found[waiting[k]] = outcome.result
    return dict(sorted(found.items()))


def _job(trained: TrainedCell, asked: Measure, own: Own, raw: Mnist, ensembles: Ensembles) -> Job:
    selection, arrays = trained.dataset.selection, trained.record.arrays
    chosen, label = selection.chosen, raw.validation.label
    true_label = raw.train.label[selection.image[chosen]]
    training = Labelled(trained.dataset.pool[chosen], selection.label[chosen], true_label)
    validation = Labelled(raw.validation.image, label, label)
    arguments = arrays, training, validation, ensembles.by_epoch(trained.cell), asked, own.rows
    return Job(arguments, float(trained.cell.data.size) * len(arrays["epoch"]))


def _first_of_each_set(cells: Sequence[TrainedCell], measured: dict[int, Measures]) -> dict[int, int]:
    """For each measured cell the first of those that differ in their initialisation only."""
    first: dict[Cell, int] = {}
    return {i: first.setdefault(trained_alike(cells[i].cell)._replace(data=cells[i].cell.data), i) for i in measured}


def _row(i: int, trained: TrainedCell, ensembles: Ensembles) -> Row:
    """Columns of CELLS that need no weights."""
    cell, about = trained.cell, trained.record.about
    row = {"cell": i, "T": cell.data.size, "selected": False, **cell.axes}
    row |= {name: about.get(name) for name in ("status", "error", "engine_used")}
    if trained.is_trained and cell.training.keep == "outputs":
        row["epoch"] = int(trained.record.arrays["epoch"][-1])
        found = ensembles[trained_alike(cell), row["epoch"]]
        row |= memorization_columns(found, trained.dataset.selection.wrong)
    return row


def _axes(row: Row) -> Row:
    return {name: row[name] for name in AXES}


def _tables_over_time(rows: Sequence[Row], measured: dict[int, Measures]) -> dict[str, Table]:
    """Tables of models at every moment that was kept: history, scores and misclassified."""
    history: list[Row] = []
    scores: list[Row] = []
    misclassified: list[Row] = []
    for i, found in measured.items():
        for moment in found.moments:
            axes = _axes(rows[i]) | {"epoch": moment.columns["epoch"]}
            history.append(axes | moment.columns)
            scores += [axes | answer._asdict() for answer in moment.answers]
            misclassified += [axes | {"tenth": k, "images": images} for k, images in enumerate(moment.tenths)]
    return {
        "history": Table.of_rows(HISTORY, history),
        "scores": Table.of_rows(SCORES, scores),
        "misclassified": Table.of_rows(MISCLASSIFIED, misclassified),
    }


def _own_tables(rows: Sequence[Row], measured: dict[int, Measures], own: Own) -> dict[str, Table]:
    """What the experiment says of each cell's last model, with the cell's axes."""
    return {
        name: Table.of_rows(
            AXES | columns, [_axes(rows[i]) | dict(row) for i, of in measured.items() for row in of.own[name]]
        )
        for name, columns in own.tables.items()
    }


def _sets(trained: TrainedCell, found: Measures, raw: Mnist) -> Iterator[ImageSet]:
    """The images that a cell was measured on."""
    selection = trained.dataset.selection
    yield ImageSet("training", raw.train, selection.image[selection.chosen], found.training)
    yield ImageSet("validation", raw.validation, np.arange(len(raw.validation.label)), found.validation)
