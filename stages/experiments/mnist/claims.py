"""What the spectrum of D* looks like: its tails, its sum, and where misclassified images are in it.

There is one training set of most sizes, where what is independent is the initialisation, and several of one.
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
ODD = 0.75  # mean rank in distance to the nearest neighbour from which images are odd
SAME = 0.9  # rank correlation from which two orders are about the same
CONVERGED = 0.9  # share of D* from which an iteration has found it
RARE = 1e-4  # share of the images that is "a few"
UNIT = "One training set: an interval is over initialisations."


def ended(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of each (T, wrong) that had the most epochs, of the first training set."""
    trained = cells[(cells.status == "trained") & (cells.data_seed == cells.data_seed.min())]
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


def drawn_often(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of the size of which there are most training sets, one each, all labels right."""
    of = overfull(cells[(cells.status == "trained") & (cells.wrong == 0)])
    sets = of.groupby("T").data_seed.nunique()
    chosen: pd.DataFrame = of[of["T"] == sets[sets == sets.max()].index.max()] if len(of) else of
    return chosen.sort_values(["epochs", "init_seed"], ascending=[False, True]).drop_duplicates("data_seed")


def balanced(cells: pd.DataFrame) -> pd.DataFrame:
    """Of the first training set, the initialisations that every size has, so that none counts for some sizes only."""
    of = cells[cells.data_seed == cells.data_seed.min()]
    sizes = of.groupby("init_seed")["T"].nunique()
    chosen: pd.DataFrame = of[of.init_seed.isin(sizes[sizes == sizes.max()].index)]
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
        [intervals.ratio(what, values, **needs) for what, (values, needs) in ratios.items()],
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
    once = history[history.wrong == 0].drop_duplicates(
        ["T", "data_seed", "init_seed", "epoch"]
    )  # one may begin another
    enough = overfull(once[once.misclassified >= ENOUGH])
    enough = enough.assign(ratio=enough.misclassified_distance * enough.misclassified**0.5 / CRITICAL)
    judged = enough[enough.cell.isin(drawn_often(tables.cells).cell)]
    return Finding(
        [intervals.mean("distance over the 5 % point", judged.groupby("data_seed").ratio.mean(), most=1)],
        {
            "moments of training further than chance": f"{int((enough.ratio > 1).sum())} of {len(enough)}",
            "distance": labelled(enough.groupby(["T", "epoch"]).misclassified_distance.mean(), "T", "epoch"),
        }
        if len(enough)
        else None,
        f"""Kolmogorov-Smirnov distance of their ranks from even ones, over its 5 % point (1.36 over the root of their
        number); mean over the moments of training with {ENOUGH} or more of them, on the size with most training sets.
        Below 1 is what chance gives. Shown: all sizes above twice the hidden units.""",
    )


@claim("O2", "the images of the highest D* are odd ones", source="Olah's comment", says="odd-looking images on top")
def odd(tables: Tables, measure: Any) -> Finding:
    """How far the top images are from all others, in pixels."""
    of = drawn_often(tables.cells)
    return Finding(
        [intervals.mean("mean rank of the top images", of.oddness_top, least=ODD)],
        {"of the images of lowest D*": float(of.oddness_bottom.mean())} if len(of) else None,
        f"""Independent of the network: rank, 0 to 1, of an image by the distance in pixels to its nearest neighbour;
        mean over the 1 % of highest D*, above {ODD:g}. At random: one half.""",
    )


@claim(
    "O3",
    "D* is close to the likelihood under a Gaussian fitted to the hidden vectors",
    source="Olah's comment",
    says="close to the log-likelihood",
)
def gaussian(tables: Tables, measure: Any) -> Finding:
    """Rank correlation with minus the log-likelihood."""
    of = drawn_often(tables.cells)
    return Finding(
        [intervals.mean("rank correlation", of.likelihood_rho, least=SAME)],
        note=f"""With minus the log-likelihood, after the ReLU, above {SAME}. Of a Gaussian of mean 0 it is T D* / 2
        and a constant, exactly; the fitted mean is what is left to differ.""",
    )


@claim(
    "H4",
    "D* can be read before its iteration has converged",
    source="Hobbhahn's comment",
    says="patterns show before it converges",
)
def early(tables: Tables, measure: Any) -> Finding:
    """What a hundred steps of gradient ascent reach of the closed form, and in what order."""
    of = drawn_often(tables.cells)
    return Finding(
        [
            intervals.mean("median share of D* that is reached", of.ascent_share, most=CONVERGED),
            intervals.mean("rank correlation with D*", of.ascent_rho, least=SAME),
        ],
        note=f"""A hundred steps of Adam on log D from v = h on, at a rate of .01 (his are not stated), for a thousand
        images, against the closed form: not converged, below {CONVERGED}, and yet a rank correlation above {SAME}.""",
    )


@question("Does D* obey its exact laws: a sum that is the rank of the hidden vectors, and 1 where images are few?")
def laws(tables: Tables, measure: Any) -> Finding:
    """The sum of D* against the rank, and the smallest where images are no more than units."""
    trained = balanced(tables.cells[tables.cells.status == "trained"])
    error = (trained.D_sum / trained["rank"] - 1).abs()
    few = trained[trained["T"] <= trained.hidden]
    return Finding(
        [
            intervals.mean("largest relative error of the sum", error.groupby(trained.init_seed).max()),
            intervals.mean("smallest D* of few images", few.groupby("init_seed").D_min.min()),
        ],
        {"rank": labelled(trained.groupby(["T", "wrong"])["rank"].mean(), "T", "wrong")} if len(trained) else None,
        f"""Few: no more than the hidden units; if their hidden vectors are independent, every D* is 1 and says nothing
        of any image. Units that are 0 on every image lower the rank. {UNIT}""",
    )


@question("Does an image that has a direction to itself have a unit to itself?")
def units(tables: Tables, measure: Any) -> Finding:
    """The share of one unit in D*."""
    many = overfull(balanced(tables.cells[(tables.cells.status == "trained") & (tables.cells.wrong == 0)]))
    alone, typical = (many.groupby("init_seed")[f"{kind}_unit_share"].mean() for kind in ("alone", "typical"))
    return Finding(
        [
            intervals.mean("share of one unit, images alone", alone),
            intervals.mean("the same, typical image", typical),
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
    many = overfull(balanced(right(tables)))
    many = many.assign(
        median=many.validation_D_median / many.D_median, percentile_99=many.validation_D_p99 / many.D_p99
    )
    names = {"median": "median", "percentile_99": "99th percentile"}
    by_T = many.groupby("T")[[*names, "validation_outside"]].mean()
    return Finding(
        [
            intervals.ratio(f"{words}, over that of training images", many.groupby("init_seed")[name].mean())
            for name, words in names.items()
        ],
        labelled_rows(by_T, "T") if len(by_T) else None,
        f"""Of the D* that a validation image would have as one more training image, s / (1 + s); outside of the span of
        the training images it is 1. Mean over T above twice the hidden units. {UNIT}""",
    )
