"""Measure an experiment's trained cells: tables of cells and of vectors, headline numbers and claims.

The table of vectors lists the features and points of *selected* cells only: of each training set, the initialisation
of lowest train loss.
"""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from stages import claims, datasets, paths, tables
from stages.command import main
from stages.grid import bundle
from stages.params import Cell, Experiment, Measure
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.measures import list_vectors, losses_on_fresh_points
from stages.toy.model import Model, model
from stages.toy.spec import Data, Training

# what a cell was made from: the grid's axes, and what they leave fixed
SPEC = {"cell": Column(int, "position of the cell in the grid")} | tables.spec_columns(Data, Training)

CELLS = SPEC | {
    "status": Column(str, "trained, diverged (its loss stopped being finite) or failed"),
    "error": Column(str, "why the cell failed"),
    "engine_used": Column(str, "engine that trained it, and the versions that its bytes hang on"),
    "steps_taken": Column(int, "steps until the end or the divergence"),
    "selected": Column(bool, "lowest train loss among the initialisations of its training set"),
    "train_loss": Column(float, "mean over points of the error |x - x'|^p summed over features"),
    "test_loss": Column(float, "the same on fresh points"),
    "test_loss_se": Column(float, "standard error of test_loss over the test points"),
    "test_loss_median": Column(float, "median over the test points"),
    "constant_loss": Column(
        float, "loss of the best constant output on the test points, where the loss is the paper's"
    ),
    "norm_W": Column(float, "Frobenius norm of W"),
    "norm_b": Column(float, "norm of b"),
    "D_f_max": Column(float, "largest feature dimensionality"),
    "features_learned": Column(int, "features whose dimensionality exceeds measure.learned"),
    "D_x_ratio_median": Column(float, "median over training points of D_x T / m"),
    "D_x_ratio_p10": Column(float, "10th percentile of the same"),
    "D_x_ratio_p90": Column(float, "90th percentile of the same"),
}

VECTORS = SPEC | {
    "kind": Column(str, "feature (a column of W) or point (the hidden vector of a training point)"),
    "item": Column(int, "which feature or training point"),
    "sampled": Column(bool, "drawn at random from those that are not among the largest D"),
    "D": Column("float32", "dimensionality, D_f or D_x; 0 for a vector of length 0"),
    "norm": Column("float32", "length of the vector"),
    "x": Column("float32", "first coordinate, where m = 2"),
    "y": Column("float32", "second coordinate, where m = 2"),
}


def extract(name: str, scale: str, experiment: Experiment) -> None:
    """Write both tables and the summary."""
    own = importlib.import_module(f"stages.experiments.{name}.measure")
    own_columns: dict[str, Column] = getattr(own, "COLUMNS", {})
    points = datasets.read(name, scale)
    records = bundle.read(paths.models(name, scale))
    cells = [Cell(Data(**r.about["data"]), Training(**r.about["training"])) for r in records]
    models = {
        i: model(r.arrays["W"], r.arrays["b"], r.arrays.get("U"), cells[i].training)
        for i, r in enumerate(records)
        if r.about["status"] == "trained"
    }
    rows: list[dict[str, Any]] = [{"cell": i} | cell.axes for i, cell in enumerate(cells)]
    for row, record in zip(rows, records, strict=True):
        row |= {key: record.about.get(key) for key in ("status", "error", "engine_used", "steps_taken")}
        row["selected"] = False
    for i, trained in models.items():
        row, x = rows[i], points[cells[i].data]
        row["train_loss"] = records[i].arrays["history_loss"][-1]
        row |= _measures(trained, x, experiment.measure)
        if own_columns:
            row |= own.cell(trained, x, experiment.measure)
    _add_test_losses(rows, models, cells, experiment.measure)
    _select(rows, models, cells)
    listed = [
        vectors
        for i in models
        if rows[i]["selected"]
        for vectors in _vectors(rows[i], models[i], points[cells[i].data], experiment.measure)
    ]

    columns = CELLS | own_columns
    tables.write(paths.cells(name, scale), columns, {c: [row.get(c) for row in rows] for c in columns})
    tables.write(paths.vectors(name, scale), VECTORS, {c: _joined(v[c] for v in listed) for c in VECTORS})
    frame = pd.read_parquet(paths.cells(name, scale))
    claims.write(paths.metrics(name, scale), own.summary(frame, experiment.measure))


def _measures(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """Columns of CELLS that need no test points."""
    D_f = dimensionality(model.W.T)
    ratio = dimensionality(model.hidden(points)) * points.T / model.m
    p10, median, p90 = np.percentile(ratio, [10, 50, 90])
    return {
        "norm_W": np.linalg.norm(model.W.astype(np.float64)),
        "norm_b": np.linalg.norm(model.b.astype(np.float64)),
        "D_f_max": D_f.max(),
        "features_learned": int((D_f > measure.learned).sum()),
        "D_x_ratio_median": median,
        "D_x_ratio_p10": p10,
        "D_x_ratio_p90": p90,
    }


def _add_test_losses(rows: list[dict[str, Any]], models: dict[int, Model], cells: list[Cell], measure: Measure) -> None:
    """All cells of one (n, S) meet the same test points."""
    alike: dict[tuple[int, float], list[int]] = defaultdict(list)
    for i in models:
        alike[cells[i].data.n, cells[i].data.S].append(i)
    for (n, S), group in alike.items():
        losses = losses_on_fresh_points([models[i] for i in group], n, S, measure.test_points, measure.test_seed)
        for i, loss in zip(group, losses.models, strict=True):
            rows[i] |= {
                "test_loss": loss.mean,
                "test_loss_se": loss.standard_error,
                "test_loss_median": loss.median,
                "constant_loss": losses.constant if models[i].is_paper_loss else None,
            }


def _select(rows: list[dict[str, Any]], models: dict[int, Model], cells: list[Cell]) -> None:
    """Mark the cell of lowest train loss among those that differ in nothing but the initialisation's seed."""
    alike: dict[Cell, list[int]] = defaultdict(list)
    for i in models:
        alike[Cell(cells[i].data, cells[i].training.model_copy(update={"init_seed": 0}))].append(i)
    for group in alike.values():
        rows[min(group, key=lambda i: rows[i]["train_loss"])]["selected"] = True


def _vectors(row: dict[str, Any], model: Model, points: Points, measure: Measure) -> Iterable[dict[str, Any]]:
    """The columns of VECTORS for one cell's features, then for its points."""
    axes = {name: row[name] for name in SPEC}
    for kind, vectors in (("feature", model.W.T), ("point", model.hidden(points))):
        listed = list_vectors(vectors, measure.vectors, json.dumps([kind, axes]))
        k = len(listed.item)
        x, y = listed.vector.T if listed.vector.shape[1] == 2 else ([None] * k, [None] * k)
        yield {name: [value] * k for name, value in axes.items()} | {
            "kind": [kind] * k,
            "item": listed.item,
            "sampled": listed.sampled,
            "D": listed.D,
            "norm": np.linalg.norm(listed.vector, axis=1),
            "x": x,
            "y": y,
        }


def _joined(parts: Iterable[Any]) -> list[Any]:
    return [value for part in parts for value in part]


if __name__ == "__main__":
    main(extract)
