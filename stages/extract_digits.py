"""Measure an experiment's classifiers: tables of cells, of their history and of images, headline numbers and claims.

Cells that kept their outputs are the models of an ensemble, of which the counterfactual memorisation of their pool is
computed; cells that were trained on the whole of that pool are compared with it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages import claims, paths, selections, tables
from stages.command import main
from stages.errors import UserError
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.grid.executor import Job, run
from stages.memorization import spearman
from stages.mnist.data import Selection
from stages.mnist.digits import Mnist
from stages.mnist.measures import (
    ALONE,
    DECILES,
    FAR,
    SCORES,
    Measured,
    Memorization,
    ensemble_columns,
    measure,
    memorization,
)
from stages.mnist.spec import Data, Training
from stages.params import Cell, Experiment
from stages.tables import Column
from stages.toy.data import generator

# what a cell was made from: the grid's axes, and what they leave fixed
SPEC = {"cell": Column(int, "position of the cell in the grid")} | tables.spec_columns(Data, Training)

# what is measured of a model at any time
MOMENT = {
    "epoch": Column(int, "passes over the training images so far"),
    "train_loss": Column(float, "mean cross-entropy of the training images' labels"),
    "train_accuracy": Column(float, "share of the training images whose label is predicted"),
    "wrong_fitted": Column(float, "the same of those with a wrong label"),
    "validation_loss": Column(float, "mean cross-entropy of the validation images"),
    "validation_accuracy": Column(float, "share of them that is right"),
    "rank": Column(int, "rank of the hidden vectors of the training images"),
    "D_sum": Column(float, "sum of their D*"),
    "D_min": Column(float, "smallest D*"),
    "D_median": Column(float, "median of D*"),
    "D_p99": Column(float, "99th percentile of D*"),
    "D_p999": Column(float, "99.9th percentile of D*"),
    "D_max": Column(float, "largest D*"),
    "D_far": Column(int, f"images of more than {FAR} times the median D*"),
    "D_alone": Column(int, f"images of a D* above {ALONE}"),
    "validation_D_min": Column(float, "smallest over validation images of the D* that each would have as one more"),
    "validation_D_median": Column(float, "median over validation images of the D* that each would have as one more"),
    "validation_D_p99": Column(float, "99th percentile of the same"),
    "validation_D_p999": Column(float, "99.9th percentile of the same"),
    "validation_D_max": Column(float, "largest of the same"),
    "validation_outside": Column(float, "share of validation images outside of what the training images span"),
    "misclassified": Column(int, "training images whose label is not predicted"),
    **{
        f"misclassified_{k}": Column(int, f"the same in tenth {k} of the ranks of D*, 0 lowest") for k in range(DECILES)
    },
    "misclassified_distance": Column(float, "largest distance of their distribution over the ranks from an even one"),
    "models": Column(int, "models of the ensemble that the pool's memorisation is of"),
    "reliability_log": Column(float, "rank correlation of two halves' memorisation by log-probability"),
    "reliability_correct": Column(float, "the same by correctness"),
    "memorization_log": Column(float, "mean over the pool of memorisation by log-probability"),
    "memorization_correct": Column(float, "mean over the pool of memorisation by correctness"),
    "memorization_wrong_log": Column(float, "the first over images with a wrong label"),
    "memorization_wrong_correct": Column(float, "the second over images with a wrong label"),
    **{
        f"{labels}{what}_{k}": Column(float, f"{meaning} of {words}{among}")
        for labels, among in (("", ""), ("right_", ", among images with the right label"))
        for what, meaning in (
            ("rho", "rank correlation with memorisation"),
            ("memorized_area", "ROC area for the 5 % most memorised"),
        )
        for k, words in SCORES.items()
    },
    **{
        f"wrong_{what}_{k}": Column(float, f"{what} of {words} for wrong labels")
        for what in ("area", "precision")
        for k, words in (SCORES | {"memorization": "memorisation by log-probability"}).items()
    },
}

CELLS = (
    SPEC
    | {
        "status": Column(str, "trained or failed"),
        "error": Column(str, "why the cell failed"),
        "engine_used": Column(str, "versions that its bytes hang on"),
        "selected": Column(bool, "of those whose images are listed: the first initialisation of each training set"),
        "T": Column(int, "training images"),
    }
    | MOMENT
    | {
        "rank_before": Column(int, "rank of what the ReLU gets"),
        "D_before_median": Column(float, "median of its D*"),
        "D_before_max": Column(float, "largest of its D*"),
        "rho_before_after": Column(float, "rank correlation of D* before and after the ReLU"),
        "rho_D_unit_share": Column(float, "rank correlation of D* and the largest share of one unit"),
        "alone_unit_share": Column(
            float, f"median of largest share of one unit over D*, of images of D* above {ALONE}"
        ),
        "typical_unit_share": Column(float, "the same of all training images"),
        "unit_share_max": Column(float, "largest share that one training image has of one unit"),
        "rho_seeds": Column(float, "rank correlation of D* with that of the training set's first initialisation"),
    }
)
HISTORY = SPEC | {"T": Column(int, "training images")} | MOMENT

IMAGES = SPEC | {
    "T": Column(int, "training images"),
    "set": Column(str, "training or validation"),
    "image": Column(int, "its index in that file"),
    "true_label": Column(int, "what it shows"),
    "label": Column(int, "what it was trained as"),
    "prediction": Column(int, "the most likely digit"),
    "loss": Column("float32", "cross-entropy of the label"),
    "margin": Column("float32", "largest other logit minus the label's: above 0 if another is predicted"),
    "D_after": Column("float32", "D* of the hidden vector; of a validation image s / (1 + s), as one more of the set"),
    "D_before": Column("float32", "the same before the ReLU"),
    "leverage": Column("float32", "s = h^T M^+ h, which is D* for a training image"),
    "D_x": Column("float32", "data dimensionality D_x of a training image"),
    "unit_share": Column("float32", "largest h_k^2 / sum_j h_jk^2 over units k, of a training image"),
    "rank_D": Column(int, "position by D_after in its set, 1 the largest"),
    "memorization_log": Column("float32", "counterfactual memorisation by log-probability"),
    "memorization_even": Column("float32", "the same by half of the models"),
    "memorization_odd": Column("float32", "and by the other half"),
    "memorization_correct": Column("float32", "counterfactual memorisation by correctness"),
    "gradient_norm": Column("float32", "norm of the gradient of its loss"),
    "mahalanobis": Column("float32", "distance of the hidden vector from its class's mean, in the class's spread"),
    "nearest_neighbour": Column("float32", "distance to the nearest other image of the pool, in pixels"),
}
VECTORS = IMAGES | {
    "sampled": Column(bool, "drawn at random from those that are listed for no other reason"),
    "pixels": Column(bytes, "28 x 28, of the images of highest, middle and lowest D*"),
}
SHEET = 30  # images of highest, middle and lowest D* whose pixels the table holds


class MeasureError(UserError):
    """A cell could not be measured; the message names it."""


Rows = list[dict[str, Any]]
Ensembles = dict[tuple[Cell, int], Memorization]  # by `_whole` cell and epoch


def extract(name: str, scale: str, experiment: Experiment) -> None:
    """Write the four tables and the summary."""
    own = importlib.import_module(f"stages.experiments.{name}.measure")
    sets, records, mnist = selections.read(name, scale), bundle.read(paths.models(name, scale)), selections.mnist()
    cells = [Cell(Data(**r.about["data"]), Training(**r.about["training"])) for r in records]
    ensembles = _ensembles(cells, records, sets)
    jobs = {
        i: _job(cell, record, sets[cell.data], mnist, ensembles)
        for i, (cell, record) in enumerate(zip(cells, records, strict=True))
        if record.about["status"] == "trained" and cell.training.keep == "weights"
    }
    measured = dict(_measured(name, jobs))
    rows: Rows = []
    history: Rows = []
    listed: Rows = []
    every: Rows = []
    first: dict[Cell, NDArray[np.float64]] = {}  # D* of the first of those that differ in their initialisation only
    for i, (cell, record) in enumerate(zip(cells, records, strict=True)):
        row = {"cell": i, "T": cell.data.size, "selected": False} | cell.axes
        rows.append(row | {key: record.about.get(key) for key in ("status", "error", "engine_used")})
        chosen = sets[cell.data]
        if record.about["status"] == "trained" and i not in measured:
            epoch = int(record.arrays["epoch"][-1])
            rows[i] |= {"epoch": epoch} | ensemble_columns(ensembles[_whole(cell), epoch], chosen.wrong)
        if i not in measured:
            continue
        of = measured[i]
        axes = {column: row[column] for column in (*SPEC, "T")}
        history += [axes | moment for moment in of.moments]
        alike = _whole(cell)._replace(data=cell.data)
        rows[i] |= of.moments[-1] | of.last | {"selected": alike not in first}
        D = of.training["D_after"]
        rows[i]["rho_seeds"] = spearman(D, first.setdefault(alike, D))
        if rows[i]["selected"]:
            inside, outside = chosen.image[chosen.chosen], np.arange(len(mnist.validation.label))
            for kind, digits, which, columns in (
                ("training", mnist.train, inside, of.training),
                ("validation", mnist.validation, outside, of.validation),
            ):
                given = {column: [value] * len(which) for column, value in (axes | {"set": kind}).items()}
                every.append(given | {"image": which, "true_label": digits.label[which]} | columns)
                seed = f"images {kind} {cell.axes}"
                whole = "memorization_log" in columns  # figures go through all of a pool
                limit = len(which) if whole else experiment.measure.images
                listed.append(_listed(every[-1], digits.image[which], limit, seed))

    tables.write(paths.cells(name, scale), CELLS, {c: [row.get(c) for row in rows] for c in CELLS})
    tables.write(paths.history(name, scale), HISTORY, {c: [row.get(c) for row in history] for c in HISTORY})
    tables.write(paths.vectors(name, scale), VECTORS, _joined(listed, VECTORS))
    tables.write(paths.images(name, scale), IMAGES, _joined(every, IMAGES))
    claims.write(
        paths.metrics(name, scale),
        own.summary(*(pd.read_parquet(path(name, scale)) for path in (paths.cells, paths.history, paths.vectors))),
    )


def _job(cell: Cell, record: Record, chosen: Selection, mnist: Mnist, ensembles: Ensembles) -> Job:
    """Measuring one cell: on workers, as BLAS in several threads fights with whatever else runs."""
    which, validation = chosen.chosen, mnist.validation
    training = mnist.train.image[chosen.image[which]], chosen.label[which], chosen.wrong[which]
    of = {
        epoch: held for (whole, epoch), held in ensembles.items() if whole == _whole(cell) and whole.data == cell.data
    }
    return Job((record.arrays, training, tuple(validation), of), float(cell.data.size) * len(record.arrays["epoch"]))


def _measured(name: str, jobs: dict[int, Job]) -> Iterator[tuple[int, Measured]]:
    """Each cell's measures as they come.

    Raises:
        MeasureError: one could not be measured.
    """
    cells = list(jobs)
    for k, outcome in run(measure, [jobs[i] for i in cells], f"{name}: measuring"):
        if outcome.error:
            raise MeasureError(f"cell {cells[k]} of {name} could not be measured: {outcome.error}")
        yield cells[k], outcome.result


def _whole(cell: Cell) -> Cell:
    """What models of one pool that are trained in one way share, whichever subset of it and seed they take."""
    training = {"init_seed": 0, "watched": 0, "keep": "weights"}
    return Cell(
        cell.data.model_copy(update={"subset": 1.0, "subset_seed": 0}), cell.training.model_copy(update=training)
    )


def _ensembles(cells: list[Cell], records: list[Record], sets: dict[Data, Selection]) -> Ensembles:
    """Memorisation of each pool at each epoch that models of it kept outputs of."""
    models: dict[tuple[Cell, int], list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]] = {}
    for cell, record in zip(cells, records, strict=True):
        if cell.training.keep == "outputs" and record.about["status"] == "trained":
            chosen, arrays = sets[cell.data], record.arrays
            for k, epoch in enumerate(arrays["epoch"].tolist()):
                correct = arrays["prediction"][k] == chosen.label
                outputs = arrays["log_probability"][k], correct, chosen.chosen
                models.setdefault((_whole(cell), epoch), []).append(outputs)
    return {key: memorization(*(np.stack(part) for part in zip(*of, strict=True))) for key, of in models.items()}


def _listed(columns: dict[str, Any], image: NDArray[np.uint8], limit: int, seed: str) -> dict[str, Any]:
    """The rows of a set that the table of vectors lists.

    All up to the limit; beyond it half of them those of largest D*, half a random choice of the rest. And the sheet's.
    """
    order = np.argsort(columns["rank_D"])
    k = len(order)
    sheet = np.unique(np.concatenate([order[:SHEET], order[(k - SHEET) // 2 :][:SHEET], order[-SHEET:]]))
    sampled = np.zeros(k, dtype=bool)
    kept = np.arange(k)
    if k > limit:
        sampled[generator(seed).permutation(order[limit // 2 :])[: limit - limit // 2]] = True
        kept = np.unique(np.concatenate([order[: limit // 2], np.flatnonzero(sampled), sheet]))
        sampled[sheet] = False
    shown = set(sheet.tolist())
    rows = {name: np.asarray(values, dtype=object)[kept] for name, values in columns.items()}
    return rows | {
        "sampled": sampled[kept],
        "pixels": [image[i].tobytes() if i in shown else None for i in kept.tolist()],
    }


def _joined(parts: Rows, columns: Iterable[str]) -> dict[str, list[Any]]:
    """One table of several; None where a part has no such column."""
    return {
        name: [value for part in parts for value in part.get(name, [None] * len(part["image"]))] for name in columns
    }


if __name__ == "__main__":
    main(extract)
