"""Whether dimensionality measures memorisation, and where the definitions of memorisation part.

The second half is on single points. For a point that is duplicated, R copies in all: what leaving out one copy, and
all of them, costs it. For a point that has others like it: what leaving out the k most similar ones costs, against
k - 1 others at random with the point itself.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled, labelled_rows
from stages.core.tables import Tables
from stages.experiments.counterfactual import MEANS, SCORES
from stages.statistics.intervals import above_zero
from stages.statistics.memorization import spearman

RELIABLE = 0.8
ORDERED = 0.01  # standard deviation of memorisation over points below which there is nothing to order
STRONG = 0.5  # rank correlation from which one quantity is said to tell another
RUN = ["T", "data_seed", "init_seed", "steps"]  # what runs share that differ in what they leave out


def compared(cells: pd.DataFrame) -> pd.DataFrame:
    """Models of whole pools of points, each there once, that were compared with their memorisation."""
    chosen: pd.DataFrame = cells[cells.reliability.notna() | cells.models.notna()]
    return chosen


def usual(cells: pd.DataFrame) -> pd.DataFrame:
    """Those that were trained for the most steps."""
    models = compared(cells)
    chosen: pd.DataFrame = models[models.steps == models.steps.max()]
    return chosen


def correlations(scores: pd.DataFrame, models: pd.DataFrame, score: str, inits: str = "all") -> pd.DataFrame:
    """The rows of one score for these models, column rho."""
    chosen: pd.DataFrame = scores[scores.cell.isin(models.cell) & (scores.score == score) & (scores.inits == inits)]
    return chosen


def summary(tables: Tables, measure: Any) -> Summary:
    """Whether dimensionality measures memorisation, and where the definitions part."""
    cells, scores = tables.cells, tables.scores
    models, cost = usual(cells), copies_cost(cells)
    claims = [
        _reliable(models),
        _measures(models, scores, "D_x"),
        _measures(models, scores, "D_star"),
        _measures(models, scores, "D_x_mean"),
        _falls(models),
        _steps(compared(cells)),
        _copies(cost),
        _masked(cost),
        _tells(cost, "gap", "test loss less train loss", "the plain definition of memorisation"),
        _tells(
            cost, "gap_with", "the same with the point among the test points", "the plain definition, in the thread"
        ),
        _tells(cost, "D_x", "D_x of all its copies", "this project's question"),
        _radius(radius(cells)),
    ]
    headline = {"rho_D_x": float(correlations(scores, models, "D_x").rho.median())} if len(models) else {}
    return Summary(headline, claims)


def _reliable(models: pd.DataFrame) -> Claim:
    by_T = models.groupby("T")[["reliability", "reliability_inits", "reliability_loss"]].mean()
    return Claim(
        "two halves of the models agree on which points are memorised",
        "this project's aim; Zhang et al. 2021",
        f"{RELIABLE} or more",
        labelled(by_T.reliability, "T") if len(models) else None,
        {
            "halves of other initial weights": labelled(by_T.reliability_inits, "T"),
            "by loss": labelled(by_T.reliability_loss, "T"),
            "models": int(models.models.max()),
        }
        if len(models)
        else None,
        bool((by_T.reliability >= RELIABLE).all()) if len(models) else None,
        "rank correlation over points, by share explained; where all are memorised, or none, little is left to order",
    )


def _measures(models: pd.DataFrame, scores: pd.DataFrame, score: str) -> Claim:
    ordered = models[models.spread_memorization > ORDERED]
    others = {(name, "all"): words for name, words in (MEANS if score in MEANS else SCORES).items() if name != score}
    if score == "D_x":
        others["D_x", "own"] = "by models of the same initial weights"
    by = correlations(scores, ordered, score).groupby("T").rho
    by_T = by.mean()
    what = (
        "its mean over half of those that hold the point, with memorisation by the other half, which starts from the "
        "same weights"
        if score in MEANS
        else "one model of all points, mean over the initial weights"
    )
    return Claim(
        f"{(SCORES | MEANS)[score]} tells which points are memorised",
        "this project's question",
        "not tested",
        labelled(by_T, "T") if len(by_T) else None,
        {
            "smallest of the models": labelled(by.min(), "T"),
            "others": {
                words: labelled(correlations(scores, ordered, *other).groupby("T").rho.mean(), "T")
                for other, words in others.items()
            },
        }
        if len(by_T)
        else None,
        bool((by_T.dropna() >= STRONG).all()) if by_T.notna().any() else None,
        f"rank correlation with counterfactual memorisation over models that start from several initial weights, "
        f"of {what}; "
        f"holds if {STRONG} or more at every T where memorisation differs between points (standard deviation above "
        f"{ORDERED})",
    )


def _falls(models: pd.DataFrame) -> Claim:
    by_T, learned = models.groupby("T").mean_memorization.mean(), models.groupby("T").features_learned.mean() >= 1
    known = len(by_T) > 1 and bool(learned.any())
    return Claim(
        "points are memorised where they are few, and not where features are learned",
        "the paper's regimes",
        "few points are memorised, of many none",
        labelled(by_T, "T") if known else None,
        {"features learned": labelled(models.groupby("T").features_learned.mean(), "T")},
        bool(by_T.iloc[0] > 0.5 and not learned.iloc[0] and (by_T[learned] < 0.05).all()) if known else None,
        "mean over points of the share explained, in minus out; holds if above .5 at the smallest T, and below .05 "
        "wherever a feature or more is learned",
    )


def _steps(models: pd.DataFrame) -> Claim:
    several = models[models.groupby("T").steps.transform("nunique") > 1]
    by = several.groupby(["T", "steps"]).mean_memorization.mean()
    known = bool(len(by))
    return Claim(
        "more training steps memorise more",
        "this project's question",
        "not tested",
        labelled(by, "T", "steps") if known else None,
        labelled(several.groupby(["T", "steps"]).reliability.mean(), "T", "steps"),
        bool(all((group.diff().dropna() > 0).all() for _, group in by.groupby("T"))) if known else None,
        "mean memorisation by share explained, each with its own learning-rate schedule; spread: its reliability",
    )


def single_point(cells: pd.DataFrame) -> pd.DataFrame:
    """Models of points of which the first alone is duplicated, or left out."""
    alone = (cells.repeated == 1) | ((cells.left_out == 1) & (cells.alike == 1))
    chosen: pd.DataFrame = cells[alone & (cells.status == "trained")]
    return chosen


def copies_cost(cells: pd.DataFrame) -> pd.DataFrame:
    """What the repeated point's share explained loses without one of its R copies, and without all of them.

    One row a training set, model and number of copies, with columns one, all, masked (the share kept where its own
    features give no gradient, less that without it) and gap (test loss less train loss), without and with the point
    among test points.
    """
    single = single_point(cells)
    each = [*RUN, "copies"]
    held = single[single.left_out == 0]
    plain = held[~held.masked].set_index(each)
    fewer = plain.own_explained.reset_index().assign(copies=lambda runs: runs.copies + 1).set_index(each).own_explained
    masked = held[held.masked].set_index(each).own_explained
    rows = plain.join(fewer.rename("fewer")).join(masked.rename("masked_explained")).reset_index()
    rows = rows.join(single[single.left_out == 1].set_index(RUN).own_explained.rename("without"), on=RUN)
    rows = rows[rows.without.notna()]
    share = rows.copies / (rows["T"] - 1 + rows.copies)
    return pd.DataFrame(
        {name: rows[name] for name in each}
        | {
            "explained": rows.own_explained,
            "one": rows.own_explained - rows.fewer.where(rows.copies > 1, rows.without),
            "all": rows.own_explained - rows.without,
            "masked": rows.masked_explained - rows.without,
            "D_x": rows.own_D_x,
            "gap": rows.test_loss - rows.train_loss,
            "gap_with": (1 - share) * rows.test_loss + share * rows.own_loss - rows.train_loss,
        }
    )


def radius(cells: pd.DataFrame) -> pd.DataFrame:
    """What leaving out so many points, similar to the first or any, costs the first: one row a cell, column cost.

    Where only the first is left out, both are one.
    """
    near = cells[(cells.alike > 1) & (cells.status == "trained")]
    key = ["m", *RUN]
    whole = near[near.left_out == 0].set_index(key).own_explained.rename("whole")
    out = near[near.left_out > 0].join(whole, on=key)
    return out.assign(cost=out.whole - out.own_explained)


def _copies(cost: pd.DataFrame) -> Claim:
    both = cost[cost.one.notna() & (cost.copies > 1)]
    by = both.groupby(["T", "copies"])[["one", "all"]].mean()
    share = by.one / by["all"]
    return Claim(
        "the more copies of a point there are, the less of its memorisation leaving out one shows",
        "the thread: a definition by leaving out one example misses repeated ones",
        "not tested",
        labelled(share, "T", "R") if len(by) else None,
        labelled_rows(by, "T", "R") if len(by) else None,
        bool(all(part.iloc[-1] < 0.1 and part.iloc[0] > part.iloc[-1] for _, part in share.groupby("T")))
        if len(by) > 1
        else None,
        "of the share of the point that is explained, what leaving out one copy costs over what leaving out all does, "
        "means over training sets; holds if less with the most copies than with two, and below a tenth then",
    )


def _masked(cost: pd.DataFrame) -> Claim:
    masked = cost[cost.masked.notna()]
    by = masked.groupby(["T", "copies"])[["masked", "all"]].mean()
    return Claim(
        "a repeated point whose own features give no gradient is still memorised",
        "the thread",
        "not tested",
        labelled_rows(by.rename(columns={"all": "plain"}), "T", "R") if len(by) else None,
        sorted(masked.masked),
        bool(masked.masked.mean() > masked["all"].mean() / 2) if len(masked) else None,
        "share of the point that is explained, more than without it; holds if at least half of what it is unmasked",
    )


def _tells(cost: pd.DataFrame, column: str, what: str, source: str) -> Claim:
    rho = pd.Series({T: spearman(runs[column], runs["all"]) for T, runs in cost.groupby("T")}, dtype=float).rename_axis(
        "T"
    )
    known = bool(len(rho)) and bool(rho.notna().all())
    return Claim(
        f"{what} tells how much a repeated point is memorised",
        source,
        "not tested",
        labelled(rho, "T") if len(rho) else None,
        labelled_rows(cost.groupby(["T", "copies"])[[column, "all"]].mean(), "T", "R") if len(cost) else None,
        bool((rho >= STRONG).all()) if known else None,
        "rank correlation, over copies and training sets, with what leaving out all copies costs of the share of the "
        f"point that is explained; holds if {STRONG} or more at each T",
    )


def _radius(near: pd.DataFrame) -> Claim:
    cost = near.pivot_table(index=["m", "T", "alike", "left_out", "data_seed"], columns="left_out_by", values="cost")
    cost = cost.reindex(columns=["similarity", "random"]).dropna()
    more = (cost.similarity - cost.random).groupby(["m", "T", "alike", "left_out"])
    group = [above_zero(costs) for (_, _, alike, k), costs in more if k == alike]
    by = cost.groupby(["m", "T", "left_out"]).mean()
    alone = by.similarity.unstack("left_out")
    return Claim(
        "leaving out a point with those like it costs it more than leaving out others with it",
        "the thread: memorisation as a curve over a radius of similarity",
        "not tested",
        labelled(more.mean().droplevel("alike"), "m", "T", "k") if len(cost) else None,
        {
            "its standard error": labelled(more.sem().droplevel("alike"), "m", "T", "k"),
            "cost": labelled_rows(by, "m", "T", "k"),
            "share of the largest cost that the point alone has": labelled(
                alone[alone.columns.min()] / alone.max(axis=1), "m", "T"
            ),
            "least similarity of those left out": labelled(
                near.groupby(["left_out_by", "left_out"]).own_similarity.mean(), "by", "k"
            ),
        }
        if len(cost)
        else None,
        None if not group or None in group else all(group),
        "share of the first point that is explained, lost by leaving out it and the k - 1 most similar to it, less "
        "what is lost with k - 1 others, mean over training sets; holds if more than two standard errors above 0 where "
        "as many as a group has are left out",
    )
