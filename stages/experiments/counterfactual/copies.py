"""What a point's own copies, and the points that are like it, have to do with its being memorised.

For a point that is there R times: what leaving out one copy, and all of them, costs it; and for a point that has others
like it, what leaving out the k most similar ones costs, against k - 1 others at random with the point itself.
"""

from __future__ import annotations

import pandas as pd

from stages.claims import Claim, above_zero, labelled, labelled_rows
from stages.memorization import spearman

STRONG = 0.5  # rank correlation from which one quantity is said to tell another
RUN = ["T", "data_seed", "init_seed", "steps"]  # what runs share that differ in what they leave out


def claims(cells: pd.DataFrame) -> list[Claim]:
    """Where the definitions of memorisation part."""
    cost = copies_cost(cells)
    return [
        _copies(cost),
        _masked(cost),
        _tells(cost, "gap", "test loss less train loss", "the plain definition of memorisation"),
        _tells(
            cost, "gap_with", "the same with the point among the test points", "the plain definition, in the thread"
        ),
        _tells(cost, "D_x", "D_x of all its copies", "this project's question"),
        _radius(radius(cells)),
    ]


def copies_cost(cells: pd.DataFrame) -> pd.DataFrame:
    """What the repeated point's share explained loses without one of its R copies, and without all of them.

    One row a training set, model and number of copies, with columns one, all, masked (the share kept where its own
    features give no gradient, less that without it) and gap (test loss less train loss), without and with the point
    among test points.
    """
    single = cells[(cells.repeated == 1) & (cells.status == "trained")]
    each = [*RUN, "copies"]
    held = single[single.left_out == 0]
    plain = held[~held.masked].set_index(each)
    fewer = plain.own_explained.reset_index().assign(copies=lambda of: of.copies + 1).set_index(each).own_explained
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
        bool(all(of.iloc[-1] < 0.1 and of.iloc[0] > of.iloc[-1] for _, of in share.groupby("T")))
        if len(by) > 1
        else None,
        "of the share of the point that is explained, what leaving out one copy costs over what leaving out all does, "
        "means over training sets; holds if less with the most copies than with two, and below a tenth then",
    )


def _masked(cost: pd.DataFrame) -> Claim:
    some = cost[cost.masked.notna()]
    by = some.groupby(["T", "copies"])[["masked", "all"]].mean()
    return Claim(
        "a repeated point whose own features give no gradient is still memorised",
        "the thread",
        "not tested",
        labelled_rows(by.rename(columns={"all": "plain"}), "T", "R") if len(by) else None,
        sorted(some.masked),
        bool(some.masked.mean() > some["all"].mean() / 2) if len(some) else None,
        "share of the point that is explained, more than without it; holds if at least half of what it is unmasked",
    )


def _tells(cost: pd.DataFrame, column: str, what: str, source: str) -> Claim:
    rho = pd.Series({T: spearman(of[column], of["all"]) for T, of in cost.groupby("T")}, dtype=float).rename_axis("T")
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
    group = [above_zero(of) for (_, _, alike, k), of in more if k == alike]
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
