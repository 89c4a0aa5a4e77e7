"""What the spectrum of D* looks like: its tails, its sum, and where misclassified images are in it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.claims import Claim, Summary, labelled

ENOUGH = 100  # misclassified images, to say how they are spread


def ended(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of each (T, wrong) that had the most epochs."""
    trained = cells[cells.status == "trained"]
    longest: pd.DataFrame = trained[trained.epochs == trained.groupby(["T", "wrong"]).epochs.transform("max")]
    return longest


def summary(cells: pd.DataFrame, history: pd.DataFrame, images: pd.DataFrame) -> Summary:
    """Tails, sum, spread, accuracy, and what validation images get."""
    runs = ended(cells)
    right = runs[runs.wrong == 0]
    largest = right[right["T"] == right["T"].max()]
    headline: dict[str, float | int] = {}
    if len(largest):
        headline["validation_accuracy"] = float(largest.validation_accuracy.mean())
        headline["D_tail"] = float((largest.D_max / largest.D_median).median())
    claims = [
        _tails(largest),
        _sum(cells[cells.status == "trained"]),
        _all_one(cells[cells.status == "trained"]),
        _evenly(history[history.wrong == 0]),
        _accuracy(largest),
        _validation(right),
    ]
    return Summary(headline, claims)


def tail(runs: pd.DataFrame, *, before: bool = False) -> pd.Series:
    """Largest D* over the median one."""
    ratio: pd.Series = runs.D_before_max / runs.D_before_median if before else runs.D_max / runs.D_median
    return ratio


def _tails(largest: pd.DataFrame) -> Claim:
    ratios = {"after the ReLU": tail(largest), "before it": tail(largest, before=True)}
    known = bool(len(largest)) and bool((largest["T"] > 2 * largest["rank"]).all())
    return Claim(
        "most images have about the same D*, a few some 100 times as much",
        "Olah's comment",
        "tails about 100 times the typical D*; before or after the ReLU not stated",
        {name: float(ratio.median()) for name, ratio in ratios.items()} if known else None,
        {name: [float(ratio.min()), float(ratio.max())] for name, ratio in ratios.items()}
        | {"99th percentile over median, after": float((largest.D_p99 / largest.D_median).median())},
        bool(any(30 <= ratio.median() <= 300 for ratio in ratios.values())) if known else None,
        "largest D* over the median one on the largest set, median and range over initialisations; holds if, before or "
        "after the ReLU, it is within a factor of about 3 of 100. A largest D* of 1 is a unit that is above 0 on one "
        "training image alone; spread: also the 99th percentile over the median",
    )


def _sum(trained: pd.DataFrame) -> Claim:
    error = (trained.D_sum / trained["rank"] - 1).abs()
    return Claim(
        "D* sums to the rank of the hidden vectors",
        "derived: stages/mnist/leverage.py",
        "exactly",
        {"largest relative error": float(error.max())} if len(error) else None,
        labelled(trained.groupby(["T", "wrong"])["rank"].mean(), "rank at T", "wrong"),
        bool((error < 1e-6).all()) if len(error) else None,
        "holds if within 1e-6 in every model; units that are 0 on every image lower the rank",
    )


def _all_one(trained: pd.DataFrame) -> Claim:
    few = trained[trained["T"] == trained["rank"]]
    return Claim(
        "where images are no more than the rank, every D* is 1",
        "derived: stages/mnist/leverage.py",
        "1, which says nothing of any image",
        {"smallest median D*": float(few.D_median.min())} if len(few) else None,
        sorted(few["T"].unique().tolist()),
        bool((few.D_median > 1 - 1e-6).all()) if len(few) else None,
        "of the models whose hidden vectors are independent; spread: their T",
    )


def _evenly(history: pd.DataFrame) -> Claim:
    enough = history[(history.misclassified >= ENOUGH) & (history["T"] > 2 * history["rank"])]
    distance = enough.misclassified_distance
    return Claim(
        "misclassified training images are spread evenly over the ranks of D*",
        "Hobbhahn's comment",
        "spread evenly, a surprise",
        {"largest distance from an even spread": float(distance.median())} if len(enough) else None,
        labelled(enough.groupby(["T", "epoch"]).misclassified_distance.mean(), "T", "epoch"),
        bool(distance.median() < 0.1) if len(enough) else None,
        f"Kolmogorov-Smirnov distance of their ranks, in models with {ENOUGH} or more of them and T above twice the "
        "rank, median; holds if below .1. Labels are all right here",
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
    many = right[right["T"] > 2 * right["rank"]]
    of: dict[str, Any] = {
        "median, validation over training": many.validation_D_median / many.D_median,
        "outside of the span": many.validation_outside,
    }
    return Claim(
        "validation images look like training images in D*",
        "asked in the discussion of the paper",
        "not published",
        {name: labelled(values.groupby(many["T"]).mean(), "T") for name, values in of.items()} if len(many) else None,
        {name: [float(values.min()), float(values.max())] for name, values in of.items()} if len(many) else None,
        bool(of["median, validation over training"].between(0.5, 2).all()) if len(many) else None,
        "D* that a validation image would have as one more training image, s / (1 + s); outside of the span it is 1. "
        "Holds if the medians are within a factor of 2 at every T above twice the rank",
    )
