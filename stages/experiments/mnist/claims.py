"""What the spectrum of D* looks like: its tails, its sum, and where misclassified images are in it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.tables import Tables

CRITICAL = 1.36  # Kolmogorov-Smirnov distance times the root of the number, 5 % of even spreads exceed it
ENOUGH = 100  # misclassified images, to say how they are spread


def ended(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of each (T, wrong) that had the most epochs."""
    trained = cells[cells.status == "trained"]
    longest: pd.DataFrame = trained[trained.epochs == trained.groupby(["T", "wrong"]).epochs.transform("max")]
    return longest


def summary(tables: Tables, measure: Any) -> Summary:
    """Tails, sum, spread, accuracy, and what validation images get."""
    runs, trained = ended(tables.cells), tables.cells[tables.cells.status == "trained"]
    right = runs[runs.wrong == 0]
    largest = right[right["T"] == right["T"].max()]
    headline: dict[str, float | int] = {}
    if len(largest):
        headline["validation_accuracy"] = float(largest.validation_accuracy.mean())
        headline["D_p999_over_median"] = float((largest.D_p999 / largest.D_median).median())
    claims = [
        _tails(largest, measure),
        _sum(trained),
        _all_one(trained),
        _evenly(tables.history[tables.history.wrong == 0]),
        _units(runs, measure),
        _wrong_labels(runs, tables.scores),
        _accuracy(largest),
        _validation(right),
    ]
    return Summary(headline, claims)


def _tails(largest: pd.DataFrame, measure: Any) -> Claim:
    known = bool(len(largest)) and bool((largest["T"] > 2 * largest.hidden).all())
    apart = largest.D_far - largest.D_alone
    return Claim(
        "most images have about the same D*, a few some 100 times as much",
        "Olah's comment",
        "tails about 100 times the typical D*; before or after the ReLU not stated",
        {
            f"images above {measure.far:g} times the median": float(largest.D_far.median()),
            "of these with a direction to themselves": float(largest.D_alone.median()),
            "99.9th percentile over median": float((largest.D_p999 / largest.D_median).median()),
            "largest over median": float((largest.D_max / largest.D_median).median()),
            "before the ReLU": float((largest.D_before_max / largest.D_before_median).median()),
        }
        if known
        else None,
        {
            f"images above {measure.far:g} times the median": sorted(largest.D_far.tolist()),
            "T / rank, the most there can be": float((largest["T"] / largest["rank"]).median()) if known else None,
        },
        bool((apart / largest["T"]).median() >= 1e-4) if known else None,
        "after the ReLU on the largest set, medians over initialisations. Holds if 1 in 10,000 images or more lie "
        f"above {measure.far:g} times the median without being alone (a D* above {_in_words(measure.alone)}): a unit "
        "that is above 0 on one training image gives that image a D* of 1, and a ratio near T / rank, whatever the "
        "others do",
    )


def _sum(trained: pd.DataFrame) -> Claim:
    error = (trained.D_sum / trained["rank"] - 1).abs()
    return Claim(
        "D* sums to the rank of the hidden vectors",
        "derived: stages/statistics/leverage.py",
        "exactly",
        {"largest relative error": float(error.max())} if len(error) else None,
        labelled(trained.groupby(["T", "wrong"])["rank"].mean(), "rank at T", "wrong"),
        bool((error < 1e-6).all()) if len(error) else None,
        "holds if within 1e-6 in every model; units that are 0 on every image lower the rank",
    )


def _all_one(trained: pd.DataFrame) -> Claim:
    few = trained[trained["T"] <= trained.hidden]
    return Claim(
        "where images are no more than the hidden units, every D* is 1",
        "derived: stages/statistics/leverage.py",
        "1, which says nothing of any image",
        {"smallest D*": float(few.D_min.min())} if len(few) else None,
        {"T": sorted(few["T"].unique().tolist()), "smallest rank": int(few["rank"].min()) if len(few) else None},
        bool((few.D_min > 1 - 1e-6).all()) if len(few) else None,
        "so it is if their hidden vectors are independent, which units that are 0 on all could prevent",
    )


def _evenly(history: pd.DataFrame) -> Claim:
    once = history.drop_duplicates(["T", "init_seed", "epoch"])  # one run is the beginning of another
    enough = once[(once.misclassified >= ENOUGH) & (once["T"] > 2 * once.hidden)]
    ratio = enough.misclassified_distance * enough.misclassified**0.5 / CRITICAL
    return Claim(
        "misclassified training images are spread evenly over the ranks of D*",
        "Hobbhahn's comment",
        "spread evenly, a surprise",
        {
            "distance from an even spread": float(enough.misclassified_distance.median()),
            "moments of training at which it is more than chance": f"{int((ratio > 1).sum())} of {len(enough)}",
        }
        if len(enough)
        else None,
        labelled(enough.groupby(["T", "epoch"]).misclassified_distance.mean(), "T", "epoch"),
        bool((ratio > 1).mean() < 0.5) if len(enough) else None,
        f"Kolmogorov-Smirnov distance of their ranks, in models with {ENOUGH} or more of them and T above twice the "
        "hidden units; chance is its 5 % point, 1.36 over the root of their number. Holds if it is within chance at "
        "half of the moments or more. Labels are all right here; later in training too few are misclassified",
    )


def _units(trained: pd.DataFrame, measure: Any) -> Claim:
    many = trained[(trained["T"] > 2 * trained.hidden) & (trained.wrong == 0)]
    alone = many[many.alone_unit_share.notna()]
    return Claim(
        "an image that has a direction to itself has a unit to itself; the typical image shares all units",
        "the naive picture, a neuron a point",
        "D* is the largest share of one unit",
        {
            "share of one unit over D*, images alone": float(alone.alone_unit_share.median()),
            "the same, typical image": float(many.typical_unit_share.median()),
        }
        if len(alone)
        else None,
        {
            "images alone": [int(many.D_alone.min()), int(many.D_alone.max())] if len(many) else None,
            "range of the first": [float(alone.alone_unit_share.min()), float(alone.alone_unit_share.max())],
            "range of the second": [float(many.typical_unit_share.min()), float(many.typical_unit_share.max())],
        }
        if len(alone)
        else None,
        bool((alone.alone_unit_share > 0.9).all() and (many.typical_unit_share < 0.5).all()) if len(alone) else None,
        "of models with right labels and T above twice the hidden units; alone is a D* above "
        f"{_in_words(measure.alone)}. Holds if one unit is nine tenths of what such an image has for itself, in every "
        "model, and less than half of what the median image has: then directions of one's own are in single neurons, "
        "and all others in superposition",
    )


def _wrong_labels(runs: pd.DataFrame, scores: pd.DataFrame) -> Claim:
    at_end = scores.merge(runs[["cell", "epoch"]])
    asked = (at_end.asks == "wrong labels") & (at_end.statistic == "ROC area") & (at_end.score == "D_after")
    many = at_end[asked & (at_end["T"] > 2 * at_end.hidden)]
    area = many.value
    return Claim(
        "wrong labels stand out in D*",
        "Hobbhahn's comment",
        "high is memorised, low is confused",
        labelled(area.groupby([many["T"], many.wrong]).mean(), "T", "wrong") if len(many) else None,
        [float(area.min()), float(area.max())] if len(many) else None,
        bool((area >= 0.6).all()) if len(many) else None,
        "ROC area of D* for the images whose label is wrong, at the end of training; .5 is chance. Holds if .6 or more "
        "at every T above twice the hidden units",
    )


def _accuracy(largest: pd.DataFrame) -> Claim:
    accuracy = largest.validation_accuracy
    known = bool(len(largest)) and bool((largest["T"] == 60_000).all())
    return Claim(
        "a classifier of 512 hidden units, trained on all 60,000 images, is right on 98 % of the validation set",
        "this project's aim",
        0.98,
        float(accuracy.mean()) if known else None,
        [float(accuracy.min()), float(accuracy.max())] if known else None,
        bool((accuracy >= 0.98).all()) if known else None,
        "holds if every initialisation is",
    )


def _validation(right: pd.DataFrame) -> Claim:
    many = right[right["T"] > 2 * right.hidden]
    ratios = {
        "median": many.validation_D_median / many.D_median,
        "99th percentile": many.validation_D_p99 / many.D_p99,
    }
    of: dict[str, Any] = ratios | {"share outside of the span": many.validation_outside}
    return Claim(
        "validation images look like training images in D*",
        "asked in the discussion of the paper",
        "not published",
        {name: labelled(values.groupby(many["T"]).mean(), "T") for name, values in of.items()} if len(many) else None,
        {name: [float(values.min()), float(values.max())] for name, values in of.items()} if len(many) else None,
        bool(all(ratio.between(0.9, 1.1).all() for ratio in ratios.values())) if len(many) else None,
        "validation over training, of the D* that a validation image would have as one more training image, s / (1 + "
        "s); outside of the span it is 1. Holds if median and 99th percentile are within 10 % at every T above twice "
        "the hidden units",
    )


def _in_words(share: float) -> str:
    return "one half" if share == 0.5 else f"{share:g}"
