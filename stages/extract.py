"""Measure an experiment's trained cells: tables of cells, of their history and of vectors, headline numbers and claims.

History and vectors are those of *selected* cells only: of each training set, the initialisation of lowest train loss.
"""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from stages import claims, datasets, paths, tables
from stages.command import main
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.params import Cell, Experiment
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.measures import Vectors, list_vectors, losses_on_fresh_points
from stages.toy.model import Model, mean_loss, model
from stages.toy.spec import Data, Measure, Training

# what a cell was made from: the grid's axes, and what they leave fixed
SPEC = {"cell": Column(int, "position of the cell in the grid")} | tables.spec_columns(Data, Training)

# what is measured of a model at any time
MOMENT = {
    "norm_W": Column(float, "Frobenius norm of W"),
    "norm_b": Column(float, "norm of b"),
    "D_f_max": Column(float, "largest feature dimensionality"),
    "features_learned": Column(int, "features whose dimensionality exceeds measure.learned"),
    "D_x_max": Column(float, "largest dimensionality of a training point"),
    "D_x_ratio_median": Column(float, "median over training points of D_x T / m"),
    "D_x_ratio_p10": Column(float, "10th percentile of the same"),
    "D_x_ratio_p90": Column(float, "90th percentile of the same"),
}

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
    "zero_loss": Column(float, "loss of output 0 on the test points"),
    "constant_loss": Column(
        float, "loss of the best constant output on the test points, where the loss is the paper's"
    ),
    "features_forgotten": Column(
        int, "features that some snapshot had learned, and whose D_f is less than half of that now"
    ),
}
CELLS |= MOMENT

CURVES = ("test_loss", "test_loss_median", "train_loss", "D_f_max", "D_x_max", "norm_W", "norm_b", "features_learned")

HISTORY = (
    SPEC
    | {
        "step": Column(int, "steps taken when the snapshot was"),
        "train_loss": Column(float, "mean over points of the error |x - x'|^p summed over features"),
        "test_loss": Column(float, "the same on fresh points"),
    }
    | MOMENT
)

VECTORS = SPEC | {
    "step": Column(int, "steps taken: the last, and those of measure.frames snapshots"),
    "kind": Column(str, "feature (a column of W) or point (the hidden vector of a training point)"),
    "item": Column(int, "which feature or training point"),
    "sampled": Column(bool, "drawn at random from those that are not among the largest D"),
    "D": Column("float32", "dimensionality, D_f or D_x; 0 for a vector of length 0"),
    "norm": Column("float32", "length of the vector"),
    "x": Column("float32", "first coordinate, where m = 2"),
    "y": Column("float32", "second coordinate, where m = 2"),
}


def extract(name: str, scale: str, experiment: Experiment) -> None:
    """Write the three tables, the curves and the summary."""
    own = importlib.import_module(f"stages.experiments.{name}.measure")
    own_columns: dict[str, Column] = getattr(own, "COLUMNS", {})
    own_items: dict[str, Column] = getattr(own, "ITEMS", {})
    measure, sets = experiment.measure, datasets.read(name, scale)
    records = bundle.read(paths.models(name, scale))
    cells = [Cell(Data(**r.about["data"]), Training(**r.about["training"])) for r in records]
    points = [sets[cell.data] for cell in cells]
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
        rows[i]["train_loss"] = records[i].arrays["history_loss"][-1]
        rows[i] |= _moment(trained, points[i], measure)
        if hasattr(own, "cell"):
            rows[i] |= own.cell(trained, points[i], measure)
    compared = own.across(cells, points, models, measure) if hasattr(own, "across") else {}
    for i, of in compared.items():
        rows[i] |= {name: value for name, value in of.items() if name not in own_items}
    _add_test_losses(rows, models, cells, measure)
    _select(rows, models, cells)

    history: list[dict[str, Any]] = []
    listed: list[dict[str, Any]] = []
    for i in (i for i in models if rows[i]["selected"]):
        snapshots = _snapshots(records[i], models[i])
        if snapshots:
            D_f = np.array([dimensionality(snapshot.W.T) for _, snapshot in snapshots])
            learned, last_D = (D_f > measure.learned).any(axis=0), D_f[-1]
            rows[i]["features_forgotten"] = int((learned & (last_D < measure.learned / 2)).sum())
        history += _history(rows[i], snapshots, points[i], measure)
        items = {name: values for name, values in compared.get(i, {}).items() if name in own_items}
        last = _listed(rows[i], models[i], points[i], measure, every=bool(items))
        before = snapshots[:-1]  # the last is the model itself
        for k in np.unique(np.linspace(0, len(before) - 1, measure.frames).astype(int)).tolist() if before else []:
            step, shown = before[k]
            listed += _vector_rows(rows[i], step, _listed(rows[i], shown, points[i], measure, last))
        listed += _vector_rows(rows[i], rows[i]["steps_taken"], last, items)

    columns = CELLS | own_columns
    tables.write(paths.cells(name, scale), columns, {c: [row.get(c) for row in rows] for c in columns})
    tables.write(paths.history(name, scale), HISTORY, {c: [row.get(c) for row in history] for c in HISTORY})
    of_vectors = VECTORS | own_items
    tables.write(
        paths.vectors(name, scale),
        of_vectors,
        {c: _joined(v.get(c, [None] * len(v["item"])) for v in listed) for c in of_vectors},
    )
    frame = pd.read_parquet(paths.cells(name, scale))
    sweep = [axis for axis in ("T", *Data.model_fields, *Training.model_fields) if "seed" not in axis]
    known = frame[~frame.fresh]  # with new points at every step T has no end, and no place on its axis
    tables.write_means(paths.curves(name, scale), known, list(dict.fromkeys(sweep)), CURVES)
    claims.write(paths.metrics(name, scale), own.summary(frame, measure))


def _moment(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """Columns of MOMENT."""
    D_f, D_x = dimensionality(model.W.T), dimensionality(model.hidden(points), points.weight)
    p10, median, p90 = np.percentile(D_x * points.total_weight / model.m, [10, 50, 90])
    return {
        "norm_W": np.linalg.norm(model.W.astype(np.float64)),
        "norm_b": np.linalg.norm(model.b.astype(np.float64)),
        "D_f_max": D_f.max(),
        "features_learned": int((D_f > measure.learned).sum()),
        "D_x_max": D_x.max(),
        "D_x_ratio_median": median,
        "D_x_ratio_p10": p10,
        "D_x_ratio_p90": p90,
    }


def _snapshots(record: Record, last: Model) -> list[tuple[int, Model]]:
    """(step, model) of each snapshot that a cell holds."""
    arrays = record.arrays
    if "snapshot_step" not in arrays:
        return []
    steps = arrays["snapshot_step"].tolist()
    return [
        (step, last._replace(**{name: arrays[f"snapshot_{name}"][k] for name in "WbU" if f"snapshot_{name}" in arrays}))
        for k, step in enumerate(steps)
    ]


def _history(
    row: dict[str, Any], snapshots: list[tuple[int, Model]], points: Points, measure: Measure
) -> list[dict[str, Any]]:
    """Rows of HISTORY, a snapshot each."""
    if not snapshots:
        return []
    every = [snapshot for _, snapshot in snapshots]
    losses = losses_on_fresh_points(every, points.n, row["S"], measure.test_points, measure.test_seed).models
    return [
        {name: row[name] for name in SPEC}
        | {"step": step, "train_loss": mean_loss(snapshot, points), "test_loss": loss.mean}
        | _moment(snapshot, points, measure)
        for (step, snapshot), loss in zip(snapshots, losses, strict=True)
    ]


def _add_test_losses(rows: list[dict[str, Any]], models: dict[int, Model], cells: list[Cell], measure: Measure) -> None:
    """All cells of one (n, S) meet the same test points."""
    alike: dict[tuple[int, float], list[int]] = defaultdict(list)
    for i in models:
        alike[cells[i].data.n, cells[i].data.S].append(i)
    for (n, S), group in alike.items():
        losses = losses_on_fresh_points([models[i] for i in group], n, S, measure.test_points, measure.test_seed)
        for i, loss, zero in zip(group, losses.models, losses.zero, strict=True):
            rows[i] |= {
                "test_loss": loss.mean,
                "test_loss_se": loss.standard_error,
                "test_loss_median": loss.median,
                "zero_loss": zero,
                "constant_loss": losses.constant if models[i].is_paper_loss else None,
            }


def _select(rows: list[dict[str, Any]], models: dict[int, Model], cells: list[Cell]) -> None:
    """Mark the cell of lowest train loss among those that differ in nothing but the initialisation's seed."""
    alike: dict[Cell, list[int]] = defaultdict(list)
    for i in models:
        alike[Cell(cells[i].data, cells[i].training.model_copy(update={"init_seed": 0}))].append(i)
    for group in alike.values():
        rows[min(group, key=lambda i: rows[i]["train_loss"])]["selected"] = True


def _listed(
    row: dict[str, Any],
    model: Model,
    points: Points,
    measure: Measure,
    like: dict[str, Vectors] | None = None,
    *,
    every: bool = False,
) -> dict[str, Vectors]:
    """A model's features and points that the table lists: its own choice, or the same as those given.

    Every point where the experiment has columns of its own for them.
    """
    axes = {name: row[name] for name in SPEC}
    of = {"feature": (model.W.T, None), "point": (model.hidden(points), points.weight)}
    limits = {"feature": measure.vectors, "point": points.T if every else measure.vectors}
    return {
        kind: list_vectors(
            vectors, limits[kind], json.dumps([kind, axes]), weight, None if like is None else like[kind]
        )
        for kind, (vectors, weight) in of.items()
    }


def _vector_rows(
    row: dict[str, Any], step: int, listed: dict[str, Vectors], own: Mapping[str, Any] = MappingProxyType({})
) -> Iterable[dict[str, Any]]:
    """The columns of VECTORS for one model's features, then for its points with the experiment's own of all points."""
    for kind, of in listed.items():
        k = len(of.item)
        x, y = of.vector.T if of.vector.shape[1] == 2 else ([None] * k, [None] * k)
        yield {name: [row[name]] * k for name in SPEC} | {
            "step": [step] * k,
            "kind": [kind] * k,
            "item": of.item,
            "sampled": of.sampled,
            "D": of.D,
            "norm": np.linalg.norm(of.vector, axis=1),
            "x": x,
            "y": y,
            **({name: values[of.item] for name, values in own.items()} if kind == "point" else {}),
        }


def _joined(parts: Iterable[Any]) -> list[Any]:
    return [value for part in parts for value in part]


if __name__ == "__main__":
    main(extract)
