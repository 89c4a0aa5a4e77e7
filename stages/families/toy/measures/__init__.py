"""What is measured of a run of toy models.

History and items are those of *selected* cells only: of each training set, the initialisation of lowest train loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.core import tables
from stages.core.bundle import Record
from stages.core.tables import Measured, Table
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Data, Measure, Training
from stages.families.toy.measures.columns import CELLS, CURVES, HISTORY, ITEMS, SPEC
from stages.families.toy.measures.items import item_rows, listed
from stages.families.toy.measures.losses import losses_on_fresh_points
from stages.families.toy.measures.own import Own
from stages.families.toy.model.model import Model, mean_loss, model
from stages.grid.cells import Cell, TrainedCell
from stages.statistics.dimensionality import dimensionality

__all__ = ["Own", "curves", "measure"]

Row = dict[str, Any]


def measure(cells: Sequence[TrainedCell], asked: Measure, own: Own, raw: None = None, run: Any = None) -> Measured:
    """The tables of a run: cells, history, items, and the experiment's own where it has some.

    Args:
        cells: in the grid's order, those that failed or diverged included. asked: what to measure.
        own: what the experiment measures beside. raw, run: what other families need.
    """
    models = {
        i: model(one.record.arrays["W"], one.record.arrays["b"], one.record.arrays.get("U"), one.cell.training)
        for i, one in enumerate(cells)
        if one.is_trained
    }
    rows = [_row(i, one) for i, one in enumerate(cells)]
    for i, trained in models.items():
        rows[i] |= _moment(trained, cells[i].dataset, asked) | own.cell(trained, cells[i].dataset, asked)
    compared = own.across([one.cell for one in cells], [one.dataset for one in cells], models, asked)
    for i, found in compared.items():
        rows[i] |= {name: value for name, value in found.items() if name in own.columns}
    _add_test_losses(rows, models, cells, asked)
    _select(rows, models, cells)

    history: list[Row] = []
    items: list[Row] = []
    for i in (i for i in models if rows[i]["selected"]):
        points, snapshots = cells[i].dataset, _snapshots(cells[i].record, models[i])
        rows[i]["features_forgotten"] = _forgotten([snapshot for _, snapshot in snapshots], asked.learned)
        history += _history(rows[i], snapshots, points, asked)
        values = {name: value for name, value in compared.get(i, {}).items() if name in own.items}
        last = listed(rows[i], models[i], points, asked.vectors, every_point=bool(values))
        for step, shown in _frames(snapshots[:-1], asked.frames):  # the last is the model itself
            items += item_rows(rows[i], step, listed(rows[i], shown, points, asked.vectors, last))
        items += item_rows(rows[i], rows[i]["steps_taken"], last, values)

    found_tables = {
        "cells": Table.of_rows(CELLS | own.columns, rows),
        "history": Table.of_rows(HISTORY, history),
        "items": _joined(ITEMS | own.items, items),
    }
    for name, columns in own.tables.items():
        own_rows = [{axis: rows[i][axis] for axis in SPEC} | row for i in compared for row in compared[i].get(name, [])]
        found_tables[name] = Table.of_rows(SPEC | columns, own_rows)
    return Measured(found_tables, found_tables["items"])


def curves(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of what `dvc plots` draws, by what the run sweeps.

    With new points at every step T has no end, and no place on its axis: those cells are left out.
    """
    sweep = dict.fromkeys(axis for axis in ("T", *Data.columns(), *Training.columns()) if "seed" not in axis)
    return tables.means(cells[~cells.fresh], list(sweep), CURVES)


def _row(i: int, one: TrainedCell) -> Row:
    """Columns of CELLS that need no model."""
    about, history = one.record.about, one.record.arrays.get("history_loss")
    return (
        {"cell": i, "selected": False}
        | one.cell.axes
        | {name: about.get(name) for name in ("status", "error", "engine_used", "steps_taken")}
        | {"train_loss": history[-1] if one.is_trained and history is not None else None}
    )


def _moment(model: Model, points: Points, asked: Measure) -> Row:
    """Columns of MOMENT."""
    D_f, D_x = dimensionality(model.W.T), dimensionality(model.hidden(points), points.weight)
    p10, median, p90 = np.percentile(D_x * points.total_weight / model.m, [10, 50, 90])
    return {
        "norm_W": np.linalg.norm(model.W.astype(np.float64)),
        "norm_b": np.linalg.norm(model.b.astype(np.float64)),
        "D_f_max": D_f.max(),
        "features_learned": int((D_f > asked.learned).sum()),
        "D_x_max": D_x.max(),
        "D_x_ratio_median": median,
        "D_x_ratio_p10": p10,
        "D_x_ratio_p90": p90,
    }


def _snapshots(record: Record, last: Model) -> list[tuple[int, Model]]:
    """(step, model) of each snapshot that a cell holds."""
    arrays = record.arrays
    names = [name for name in ("W", "b", "U") if f"snapshot_{name}" in arrays]
    return [
        (step, last._replace(**{name: arrays[f"snapshot_{name}"][k] for name in names}))
        for k, step in enumerate(arrays.get("snapshot_step", np.empty(0, int)).tolist())
    ]


def _frames(snapshots: list[tuple[int, Model]], count: int) -> list[tuple[int, Model]]:
    """So many of the snapshots, evenly spaced."""
    if not snapshots:
        return []
    return [snapshots[k] for k in np.unique(np.linspace(0, len(snapshots) - 1, count).astype(int)).tolist()]


def _forgotten(models: list[Model], learned: float) -> int | None:
    """Features that some of these models had learned, and whose D_f in the last is less than half of that."""
    if not models:
        return None
    D_f = np.array([dimensionality(snapshot.W.T) for snapshot in models])
    return int(((D_f > learned).any(axis=0) & (D_f[-1] < learned / 2)).sum())


def _history(row: Row, snapshots: list[tuple[int, Model]], points: Points, asked: Measure) -> list[Row]:
    """Rows of HISTORY, a snapshot each."""
    if not snapshots:
        return []
    every = [snapshot for _, snapshot in snapshots]
    losses = losses_on_fresh_points(every, points.n, row["S"], asked.test_points, asked.test_seed).models
    return [
        {name: row[name] for name in SPEC}
        | {"step": step, "train_loss": mean_loss(snapshot, points), "test_loss": loss.mean}
        | _moment(snapshot, points, asked)
        for (step, snapshot), loss in zip(snapshots, losses, strict=True)
    ]


def _add_test_losses(rows: list[Row], models: dict[int, Model], cells: Sequence[TrainedCell], asked: Measure) -> None:
    """All cells of one (n, S) meet the same test points."""
    alike: dict[tuple[int, float], list[int]] = defaultdict(list)
    for i in models:
        alike[cells[i].cell.data.n, cells[i].cell.data.S].append(i)
    for (n, S), group in alike.items():
        losses = losses_on_fresh_points([models[i] for i in group], n, S, asked.test_points, asked.test_seed)
        for i, loss, zero in zip(group, losses.models, losses.zero, strict=True):
            rows[i] |= {
                "test_loss": loss.mean,
                "test_loss_se": loss.standard_error,
                "test_loss_median": loss.median,
                "zero_loss": zero,
                "constant_loss": losses.constant if models[i].is_paper_loss else None,
            }


def _select(rows: list[Row], models: dict[int, Model], cells: Sequence[TrainedCell]) -> None:
    """Mark the cell of lowest train loss among those that differ in nothing but the initialisation's seed."""
    alike: dict[Cell, list[int]] = defaultdict(list)
    for i in models:
        data, training = cells[i].cell
        alike[Cell(data, training.model_copy(update={"init_seed": 0}))].append(i)
    for group in alike.values():
        rows[min(group, key=lambda i: rows[i]["train_loss"])]["selected"] = True


def _joined(columns: Any, parts: list[Row]) -> Table:
    """One table of parts, each a value a row by column; None where a part has no such column."""
    return Table(
        columns, {name: [v for part in parts for v in part.get(name, [None] * len(part["item"]))] for name in columns}
    )
