"""Whether dimensionality measures memorisation, and where the definitions of memorisation part.

The second half is on single points. For a point that is duplicated, R copies in all: what leaving out one copy, and
all of them, costs it. For a point that has others like it: what leaving out the k most similar ones costs, against
k - 1 others at random with the point itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, intervals, labelled, labelled_rows, question
from stages.core.tables import Tables
from stages.experiments.counterfactual import MEANS, SCORES
from stages.statistics.memorization import spearman

ORDERED = 0.01  # standard deviation of memorisation over points below which there is nothing to order
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


def ordered(cells: pd.DataFrame) -> pd.DataFrame:
    """Of these, those whose memorisation differs between points."""
    models = usual(cells)
    chosen: pd.DataFrame = models[models.spread_memorization > ORDERED]
    return chosen


def correlations(scores: pd.DataFrame, models: pd.DataFrame, score: str, inits: str = "all") -> pd.DataFrame:
    """The rows of one score for these models, column rho."""
    chosen: pd.DataFrame = scores[scores.cell.isin(models.cell) & (scores.score == score) & (scores.inits == inits)]
    return chosen


def per_set(table: pd.DataFrame, column: str) -> pd.Series:
    """A column's mean, a value a training set: over initial weights, then over T."""
    by_T: pd.Series = table.groupby(["data_seed", "T"])[column].mean()
    return by_T.groupby("data_seed").mean()


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


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """How well D_x of one model tells memorisation."""
    models = usual(tables.cells)
    return {"rho_D_x": float(correlations(tables.scores, models, "D_x").rho.median())} if len(models) else {}


@question("Do two halves of the models agree on which points are memorised?")
def reliable(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of two halves' memorisation."""
    models = ordered(tables.cells)
    by_T = models.groupby("T")[["reliability", "reliability_inits", "reliability_loss"]].mean()
    names = {"reliability": "by any halves", "reliability_inits": "by halves of other initial weights"}
    return Finding(
        [intervals.mean(f"rank correlation {words}", per_set(models, name)) for name, words in names.items()],
        {str(name): labelled(by_T[name], "T") for name in by_T} | {"models": int(models.models.max())}
        if len(models)
        else None,
        """Of counterfactual memorisation by share explained, over points; mean over the T where memorisation differs
        between points.""",
    )


@question("Do D_x and D* of one model tell which points are memorised?")
def one_model(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of one model's scores with memorisation."""
    return _tells(
        tables,
        SCORES,
        """Rank correlation over points with counterfactual memorisation by models of several initial weights; mean over
        initial weights, then over the T where memorisation differs between points.""",
    )


@question("Do means over the models that hold a point tell whether it is memorised?")
def many_models(tables: Tables, measure: Any) -> Finding:
    """The same of means over models."""
    return _tells(
        tables,
        MEANS,
        """Means over one half of the models against memorisation by the other half, which starts from the same initial
        weights; rank correlation over points, mean over the T where memorisation differs between points.""",
    )


def _tells(tables: Tables, scores: Mapping[str, str], note: str) -> Finding:
    """A rank correlation a score."""
    models = ordered(tables.cells)
    rho = {words: correlations(tables.scores, models, name) for name, words in scores.items()}
    parts = [intervals.mean(words, per_set(of, "rho")) for words, of in rho.items()]
    shown = {words: labelled(of.groupby("T").rho.mean(), "T") for words, of in rho.items()}
    if scores is SCORES:
        own = correlations(tables.scores, models, "D_x", "own")
        shown["D_x, by models of the same initial weights"] = labelled(own.groupby("T").rho.mean(), "T")
    return Finding(parts, shown if len(models) else None, note)


@question("Are points memorised where they are few, and not where features are learned?")
def falls(tables: Tables, measure: Any) -> Finding:
    """Mean memorisation at the smallest T, and where features are learned."""
    models = usual(tables.cells)
    by_T = models.groupby("T")[["mean_memorization", "features_learned"]].mean()
    fewest, learned = by_T.index[:1], by_T.index[(by_T.features_learned >= 1) & (by_T.index != by_T.index.min())]
    parts = [
        intervals.mean(what, per_set(models[models["T"].isin(of)], "mean_memorization"))
        for what, of in (("at the smallest T", fewest), ("where features are learned", learned))
    ]
    return Finding(
        parts,
        labelled_rows(by_T, "T") if len(by_T) else None,
        "Share of a point that is explained, in minus out, mean over points; where a feature or more is learned.",
    )


@question("Do more training steps memorise more?")
def more_steps(tables: Tables, measure: Any) -> Finding:
    """Mean memorisation after the most steps, less that after the fewest."""
    models = compared(tables.cells)
    several = models[models.groupby("T").steps.transform("nunique") > 1]
    ends = [several[several.steps == several.groupby("T").steps.transform(end)] for end in ("max", "min")]
    most, fewest = (per_set(end, "mean_memorization") for end in ends)
    by = several.groupby(["T", "steps"])[["mean_memorization", "reliability"]].mean()
    return Finding(
        [intervals.mean("memorisation after the most steps, less that after the fewest", most - fewest)],
        labelled_rows(by, "T", "steps") if len(by) else None,
        "Mean over points, by share explained; each number of steps has its own learning-rate schedule.",
    )


@question(
    "Does leaving out one of several copies of a point miss that it is memorised?", source="a guess in the discussion"
)
def copies(tables: Tables, measure: Any) -> Finding:
    """What leaving out one copy costs, and what leaving out all does, with the most copies."""
    cost = copies_cost(tables.cells)
    cost = cost[cost.one.notna() & (cost.copies > 1)]
    ends = {end: cost[cost.copies == cost.groupby("T").copies.transform(end)] for end in ("max", "min")}
    parts = [
        intervals.mean(f"lost without {what} of {many} copies", per_set(ends[end], column))
        for end, many in (("max", "the most"), ("min", "the fewest"))
        for column, what in (("one", "one"), ("all", "all"))
    ]
    by = cost.groupby(["T", "copies"])[["one", "all"]].mean()
    return Finding(
        parts,
        labelled_rows(by, "T", "R") if len(by) else None,
        "Share of the point that is explained, lost by leaving out; mean over T. The fewest are two or more.",
    )


@question(
    "Is a repeated point whose own features give no gradient still memorised?", source="a reader in the discussion"
)
def masked(tables: Tables, measure: Any) -> Finding:
    """Share explained of a masked point, more than without it, beside that of a plain one."""
    cost = copies_cost(tables.cells)
    cost = cost[cost.masked.notna()]
    by = cost.groupby(["T", "copies"])[["masked", "all"]].mean().rename(columns={"all": "plain"})
    names = {"masked": "where its own features give none", "all": "where they do"}
    return Finding(
        [intervals.mean(f"memorised {words}", per_set(cost, name)) for name, words in names.items()],
        labelled_rows(by, "T", "R") if len(by) else None,
        "Share of the point that is explained, more than without it; mean over copies and T.",
    )


@question("What tells how much a repeated point is memorised?", source="a reader in the discussion")
def tells(tables: Tables, measure: Any) -> Finding:
    """Rank correlation over numbers of copies with what leaving out all of them costs."""
    cost = copies_cost(tables.cells)
    names = {
        "gap": "test loss less train loss",
        "gap_with": "the same with the point among the test points",
        "D_x": "D_x of all its copies",
    }
    rho = pd.DataFrame(
        [
            {"T": T, "data_seed": seed} | {name: spearman(runs[name], runs["all"]) for name in names}
            for (T, seed), runs in cost.groupby(["T", "data_seed"])
        ],
        columns=["T", "data_seed", *names],
    ).astype(dict.fromkeys(names, float))
    return Finding(
        [intervals.mean(words, per_set(rho, name)) for name, words in names.items()],
        labelled_rows(rho.groupby("T")[list(names)].mean(), "T") if len(rho) else None,
        """Rank correlation, over the numbers of copies of one point, with the share of it that is no longer explained
        when all copies are left out; mean over T. Test loss less train loss is the plain definition.""",
    )


@question(
    "Does leaving out a point with those like it cost it more than leaving out others with it?",
    source="a reader in the discussion",
)
def similar(tables: Tables, measure: Any) -> Finding:
    """What leaving out a whole group costs, less what leaving out as many at random does."""
    near = radius(tables.cells)
    key = ["m", "T", "alike", "left_out"]
    cost = near.pivot_table(index=[*key, "data_seed"], columns="left_out_by", values="cost")
    cost = cost.reindex(columns=["similarity", "random"]).dropna()
    more = (cost.similarity - cost.random).rename("more").reset_index()
    groups = list(more[more.left_out == more.alike].groupby(["m", "T"]))
    by = cost.groupby(["m", "T", "left_out"]).mean()
    alone = by.similarity.unstack("left_out")
    return Finding(
        [intervals.mean(f"more lost at m = {m}, T = {T}", runs.more) for (m, T), runs in groups],
        {
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
        """Share of the first point that is explained, lost by leaving out it and all others of its group, less what is
        lost with as many others left out.""",
    )
