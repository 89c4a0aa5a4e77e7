"""What the spectrum of D* looks like: its tails, its sum, and where misclassified images are in it.

There is one training set of each size: what is independent is the initialisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows, question
from stages.core.tables import Tables

CRITICAL = 1.36  # Kolmogorov-Smirnov distance times the root of the number, 5 % of even spreads exceed it
ENOUGH = 100  # misclassified images, to say how they are spread
ALIKE, TAIL = 10, 2  # times the median: within which almost all lie, and beyond which a tail is one
RARE = 1e-4  # share of the images that is "a few"
UNIT = "One training set: an interval is over initialisations."


def ended(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of each (T, wrong) that had the most epochs."""
    trained = cells[cells.status == "trained"]
    longest: pd.DataFrame = trained[trained.epochs == trained.groupby(["T", "wrong"]).epochs.transform("max")]
    return longest


def overfull(cells: pd.DataFrame) -> pd.DataFrame:
    """Those of more than twice as many images as hidden units."""
    many: pd.DataFrame = cells[cells["T"] > 2 * cells.hidden]
    return many


def right(tables: Tables) -> pd.DataFrame:
    """Models at the end of training whose labels were all right."""
    cells = ended(tables.cells)
    chosen: pd.DataFrame = cells[cells.wrong == 0]
    return chosen


def largest(tables: Tables) -> pd.DataFrame:
    """Those of them with the most images."""
    models = right(tables)
    chosen: pd.DataFrame = models[models["T"] == models["T"].max()]
    return chosen


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Accuracy, and how far the 99.9th percentile of D* is from its median."""
    models = largest(tables)
    if not len(models):
        return {}
    return {
        "validation_accuracy": float(models.validation_accuracy.mean()),
        "D_p999_over_median": float((models.D_p999 / models.D_median).median()),
    }


@claim(
    "O1",
    "most images have about the same D*, and there are tails in both directions",
    source="Olah's comment",
    says="most alike, tails in both directions; before or after the ReLU not stated",
)
def alike(tables: Tables, measure: Any) -> Finding:
    """Percentiles and extremes of D* over its median."""
    models = overfull(largest(tables))
    ratios = {
        "99th percentile over median": (models.D_p99 / models.D_median, {"most": ALIKE}),
        "99.9th percentile over median": (models.D_p999 / models.D_median, {"least": TAIL}),
        "median over smallest": (models.D_median / models.D_min, {"least": TAIL}),
    }
    return Finding(
        [intervals.ratio(what, values, among=len(ratios), **needs) for what, (values, needs) in ratios.items()],
        {"largest over median": float((models.D_max / models.D_median).median())} if len(models) else None,
        f"""After the ReLU, on the largest set. Alike: all but 1 % below {ALIKE} times the median; tails: the highest
        0.1 % and the lowest are further than {TAIL} times from it. {UNIT}""",
    )


@claim(
    "O1",
    "a few images have some 100 times the typical D*",
    source="Olah's comment",
    says="tails about 100 times the typical D*",
)
def tails(tables: Tables, measure: Any) -> Finding:
    """Initialisations with images far above the median that are not alone."""
    models = overfull(largest(tables))
    apart = (models.D_far - models.D_alone) / models["T"]
    far = f"images above {measure.far:g} times the median"
    return Finding(
        [intervals.share("initialisations with 1 in 10,000 so far above", apart >= RARE, least=0.5)],
        {
            far: sorted(models.D_far),
            "of these with a direction to themselves": sorted(models.D_alone),
            "99.9th percentile over median": float((models.D_p999 / models.D_median).median()),
            "largest over median": float((models.D_max / models.D_median).median()),
            "largest over median, before the ReLU": float((models.D_before_max / models.D_before_median).median()),
            "T / rank, the most there can be": float((models["T"] / models["rank"]).median()),
        }
        if len(models)
        else None,
        f"""On the largest set: 1 in 10,000 {far} that do not have a direction to themselves (D* above
        {measure.alone:g}). A unit that is above 0 on one image alone gives it a D* of 1, near T / rank times the
        median, whatever the others do. {UNIT}""",
    )


@claim(
    "H6",
    "misclassified training images are spread evenly over the ranks of D*",
    source="Hobbhahn's comment",
    says="spread evenly, a surprise",
)
def evenly(tables: Tables, measure: Any) -> Finding:
    """Distance from an even spread, over what chance gives."""
    history = tables.history
    once = history[history.wrong == 0].drop_duplicates(["T", "init_seed", "epoch"])  # a run can begin another
    enough = overfull(once[once.misclassified >= ENOUGH])
    enough = enough.assign(ratio=enough.misclassified_distance * enough.misclassified**0.5 / CRITICAL)
    return Finding(
        [intervals.mean("distance over the 5 % point", enough.groupby("init_seed").ratio.mean(), most=1)],
        {
            "moments of training further than chance": f"{int((enough.ratio > 1).sum())} of {len(enough)}",
            "distance": labelled(enough.groupby(["T", "epoch"]).misclassified_distance.mean(), "T", "epoch"),
        }
        if len(enough)
        else None,
        f"""Kolmogorov-Smirnov distance of their ranks from even ones, over its 5 % point (1.36 over the root of their
        number); mean over the moments of training with {ENOUGH} or more of them, T above twice the hidden units. Below
        1 is what chance gives. {UNIT}""",
    )


@question("Does D* obey its exact laws: a sum that is the rank of the hidden vectors, and 1 where images are few?")
def laws(tables: Tables, measure: Any) -> Finding:
    """The sum of D* against the rank, and the smallest where images are no more than units."""
    trained = tables.cells[tables.cells.status == "trained"]
    error = (trained.D_sum / trained["rank"] - 1).abs()
    few = trained[trained["T"] <= trained.hidden]
    return Finding(
        [
            intervals.mean("largest relative error of the sum", error.groupby(trained.init_seed).max(), among=2),
            intervals.mean("smallest D* of few images", few.groupby("init_seed").D_min.min(), among=2),
        ],
        {"rank": labelled(trained.groupby(["T", "wrong"])["rank"].mean(), "T", "wrong")} if len(trained) else None,
        f"""Few: no more than the hidden units; if their hidden vectors are independent, every D* is 1 and says nothing
        of any image. Units that are 0 on every image lower the rank. {UNIT}""",
    )


@question("Does an image that has a direction to itself have a unit to itself?")
def units(tables: Tables, measure: Any) -> Finding:
    """The share of one unit in D*."""
    many = overfull(tables.cells[(tables.cells.status == "trained") & (tables.cells.wrong == 0)])
    alone, typical = (many.groupby("init_seed")[f"{kind}_unit_share"].mean() for kind in ("alone", "typical"))
    return Finding(
        [
            intervals.mean("share of one unit, images alone", alone, among=2),
            intervals.mean("the same, typical image", typical, among=2),
        ],
        {"images alone": labelled(many.groupby("T").D_alone.mean(), "T")} if len(many) else None,
        f"""Largest share that an image has of one unit, over its D*; alone: D* above {measure.alone:g}. Mean over
        models with right labels and T above twice the hidden units. {UNIT}""",
    )


@question("Do wrong labels stand out in D*?", source="Hobbhahn's comment: high is memorised, low is confused")
def wrong_labels(tables: Tables, measure: Any) -> Finding:
    """ROC area of D* for wrong labels."""
    at_end = tables.scores.merge(ended(tables.cells)[["cell", "epoch"]])
    asked = (at_end.asks == "wrong labels") & (at_end.statistic == "ROC area") & (at_end.score == "D_after")
    many = overfull(at_end[asked & (at_end.labels == "all")])
    return Finding(
        [intervals.mean("ROC area", many.groupby("init_seed").value.mean())],
        labelled(many.groupby(["T", "wrong"]).value.mean(), "T", "wrong") if len(many) else None,
        f"At the end of training, mean over T above twice the hidden units; .5 is chance. {UNIT}",
    )


@question("How often is a classifier of 512 hidden units, trained on all 60,000 images, right?")
def accuracy(tables: Tables, measure: Any) -> Finding:
    """Accuracy on the validation set."""
    models = largest(tables)
    models = models[models["T"] == 60_000]
    return Finding([intervals.mean("accuracy on the validation set", models.validation_accuracy)], None, UNIT)


@question("Do validation images look like training images in D*?", source="a reader in the discussion")
def validation(tables: Tables, measure: Any) -> Finding:
    """Percentiles of D* of validation images over those of training images."""
    many = overfull(right(tables))
    many = many.assign(
        median=many.validation_D_median / many.D_median, percentile_99=many.validation_D_p99 / many.D_p99
    )
    names = {"median": "median", "percentile_99": "99th percentile"}
    by_T = many.groupby("T")[[*names, "validation_outside"]].mean()
    return Finding(
        [
            intervals.ratio(f"{words}, over that of training images", many.groupby("init_seed")[name].mean(), among=2)
            for name, words in names.items()
        ],
        labelled_rows(by_T, "T") if len(by_T) else None,
        f"""Of the D* that a validation image would have as one more training image, s / (1 + s); outside of the span of
        the training images it is 1. Mean over T above twice the hidden units. {UNIT}""",
    )
