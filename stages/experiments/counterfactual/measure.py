"""How much a point's own presence lowers the loss on it, and which quantity of one model tells.

Counterfactual memorisation of a point: mean loss on it of models whose random subset lacks it, minus that of models
whose subset holds it. Losses outside are heavy-tailed in the middle regime, so the score stands beside it: the share
of the point that is explained, max(0, 1 - loss), in minus out, from -1 to 1 (all points have unit length).

For a point that is there R times: what leaving out one copy, and all of them, costs it; and for a point that has others
like it, what leaving out the k most similar ones costs, against k - 1 others at random with the point itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.claims import Claim, Summary, labelled, labelled_rows
from stages.leverage import leverage, whitening
from stages.memorization import counterfactual, spearman, split_half
from stages.params import Cell
from stages.tables import Column
from stages.toy.data import Points, mixtures, pool, similarity, trained_on
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model, point_losses
from stages.toy.spec import Measure

SCORES = {"D_x": "D_x", "D_star": "D*", "norm": "norm of h", "loss": "loss, negative"}
COLUMNS = {
    "models": Column(int, "models on random subsets of the same points"),
    "matched": Column(bool, "whether they start from the same initial weights as this one"),
    "spread_memorization": Column(float, "standard deviation over points of memorisation by share explained"),
    "mean_memorization": Column(float, "mean over points of counterfactual memorisation by share explained, -1 to 1"),
    "mean_memorization_loss": Column(float, "the same by loss"),
    "reliability_loss": Column(float, "rank correlation of two halves' memorisation by loss"),
    "reliability": Column(float, "the same by share explained"),
    **{f"rho_{k}": Column(float, f"rank correlation of memorisation and {words}") for k, words in SCORES.items()},
    "mixture_loss": Column(float, "mean error on mixtures of training points, see measure.mixed; some are one point"),
    "own_loss": Column(float, "loss on the first point, which is repeated, or left out"),
    "own_explained": Column(float, "share of the first point that is explained, max(0, 1 - loss)"),
    "own_D_x": Column(float, "its D_x, that of all its copies, where it is trained on"),
    "own_similarity": Column(float, "similarity to it of the last point that is left out"),
}
ITEMS = {
    "memorization": Column("float32", "counterfactual memorisation by share explained"),
    "memorization_loss": Column("float32", "the same by loss"),
    "D_star": Column("float32", "D*, leverage of the hidden vector"),
}
MIXTURES = 20_000
RELIABLE = 0.8
ORDERED = 0.01  # standard deviation of memorisation over points below which there is nothing to order
STRONG = 0.5  # rank correlation from which one quantity is said to tell another


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """Memorisation of each pool by the models of its subsets, for models of the whole; and of single points."""
    subsets: dict[Cell, list[int]] = {}
    for i in models:
        if cells[i].data.subset < 1:
            subsets.setdefault(_whole(cells[i]), []).append(i)
    found: dict[int, dict[str, Any]] = {}
    ensembles = {of: _ensemble([cells[i] for i in group], [models[i] for i in group]) for of, group in subsets.items()}
    for i, model in models.items():
        one = cells[i]
        if one.data.subset == 1 and (held := ensembles.get(_whole(one))):
            found[i] = _compared(model, points[i], *held)
            found[i]["matched"] = one.training.init_seed in {cells[k].training.init_seed for k in subsets[_whole(one)]}
            mixed = mixtures(points[i], measure.mixed, MIXTURES, measure.test_seed)
            found[i]["mixture_loss"] = point_losses(model, mixed).mean()
        elif one.data.repeated or one.data.alike > 1:
            found[i] = _own(one, model)
    return found


def _whole(of: Cell) -> Cell:
    """What the models of one pool share, whichever subset of it and initial weights they have."""
    data = of.data.model_copy(update={"subset": 1.0, "subset_seed": 0})
    return Cell(data, of.training.model_copy(update={"init_seed": 0}))


def explained(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of points of unit length that is explained: 1 without error, 0 from the loss of output 0 on."""
    return np.maximum(0, 1 - losses)


def _ensemble(of: Sequence[Cell], models: Sequence[Model]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(K, T) losses on the whole pool, and which points each was trained on."""
    everything = pool(of[0].data)
    losses = np.stack([point_losses(model, everything) for model in models])
    return losses, np.stack([trained_on(cell.data, everything) for cell in of])


def _compared(model: Model, points: Points, losses: NDArray[np.float64], held: NDArray[np.bool_]) -> dict[str, Any]:
    h = model.hidden(points)
    scores = {"D_x": dimensionality(h), "D_star": leverage(h, whitening(h)), "norm": np.linalg.norm(h, axis=1)}
    scores["loss"] = -point_losses(model, points)
    by_loss, by_share = counterfactual(-losses, held), counterfactual(explained(losses), held)
    return {
        "models": len(losses),
        "mean_memorization": np.nanmean(by_share),
        "spread_memorization": np.nanstd(by_share),
        "mean_memorization_loss": np.nanmean(by_loss),
        "memorization_loss": by_loss,
        "memorization": by_share,
        "D_star": scores["D_star"],
        "reliability_loss": split_half(-losses, held),
        "reliability": split_half(explained(losses), held),
        **{f"rho_{name}": spearman(score, by_share) for name, score in scores.items()},
    }


def _own(of: Cell, model: Model) -> dict[str, Any]:
    """What becomes of the first point of the pool."""
    everything = pool(of.data)
    first = everything.part(0, 1)._replace(weight=None, masked=None)
    loss = float(point_losses(model, first)[0])
    held, alike = trained_on(of.data, everything), similarity(everything, 0)
    training = everything.take(np.flatnonzero(held))
    copies = of.data.copies if of.data.repeated else 1
    return {
        "own_loss": loss,
        "own_explained": max(0.0, 1 - loss),
        "own_D_x": copies * dimensionality(model.hidden(training), training.weight)[0] if held[0] else None,
        "own_similarity": float(alike[~held].min()) if not held.all() else None,
    }


def compared(cells: pd.DataFrame) -> pd.DataFrame:
    """Models of whole pools of points, each there once, that were compared with their memorisation."""
    chosen: pd.DataFrame = cells[cells.reliability.notna() | cells.models.notna()]
    return chosen


def usual(cells: pd.DataFrame) -> pd.DataFrame:
    """Those that were trained for the most steps."""
    of = compared(cells)
    chosen: pd.DataFrame = of[of.steps == of.steps.max()]
    return chosen


def copies_cost(cells: pd.DataFrame) -> pd.DataFrame:
    """What the repeated point's share explained loses without one of its R copies, and without all of them.

    One row a (T, copies, data_seed), with columns one, all, masked (the share kept where its own features give no
    gradient, less that without it) and gap (test loss less train loss), without and with the point among test points.
    """
    single = cells[(cells.repeated == 1) & (cells.status == "trained")]
    key, each = ["T", "data_seed"], ["T", "data_seed", "copies"]
    held = single[single.left_out == 0]
    plain = held[~held.masked].set_index(each)
    fewer = plain.own_explained.reset_index().assign(copies=lambda of: of.copies + 1).set_index(each).own_explained
    masked = held[held.masked].set_index(each).own_explained
    rows = plain.join(fewer.rename("fewer")).join(masked.rename("masked_explained")).reset_index()
    rows = rows.join(single[single.left_out == 1].set_index(key).own_explained.rename("without"), on=key)
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
    whole = near[near.left_out == 0].set_index(["T", "data_seed"]).own_explained.rename("whole")
    out = near[near.left_out > 0].join(whole, on=["T", "data_seed"])
    return out.assign(cost=out.whole - out.own_explained)


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Whether dimensionality measures memorisation, and where the definitions part."""
    of, cost, near = usual(cells), copies_cost(cells), radius(cells)
    claims = [
        _reliable(of),
        _measures(of, "D_x"),
        _measures(of, "D_star"),
        _falls(of),
        _steps(compared(cells)),
        _copies(cost),
        _masked(cost),
        _tells(cost, "gap", "test loss less train loss", "the plain definition of memorisation"),
        _tells(
            cost, "gap_with", "the same with the point among the test points", "the plain definition, in the thread"
        ),
        _tells(cost, "D_x", "D_x of all its copies", "this project's question"),
        _radius(near),
    ]
    headline = {"rho_D_x": float(of.rho_D_x.median())} if len(of) else {}
    return Summary(headline, claims)


def _reliable(of: pd.DataFrame) -> Claim:
    by_T = of.groupby("T")[["reliability", "reliability_loss"]].mean()
    return Claim(
        "two halves of the models agree on which points are memorised",
        "this project's aim; Zhang et al. 2021",
        f"{RELIABLE} or more",
        labelled(by_T.reliability, "T") if len(of) else None,
        {"by loss": labelled(by_T.reliability_loss, "T"), "models": int(of.models.max()) if len(of) else None},
        bool((by_T.reliability >= RELIABLE).all()) if len(of) else None,
        "rank correlation over points, by share explained; at larger T there is less and less to agree on",
    )


def _measures(of: pd.DataFrame, score: str) -> Claim:
    some = of[of.spread_memorization > ORDERED]
    own, others = some[some.matched.astype(bool)], some[~some.matched.astype(bool)]
    by_T = own.groupby("T")[f"rho_{score}"].mean()
    return Claim(
        f"{SCORES[score]} tells which points are memorised",
        "this project's question",
        "not tested",
        labelled(by_T, "T") if len(own) else None,
        {"models of other initial weights": labelled(others.groupby("T")[f"rho_{score}"].mean(), "T")}
        | {name: labelled(own.groupby("T")[f"rho_{k}"].mean(), "T") for k, name in SCORES.items() if k != score},
        bool((by_T.dropna() >= STRONG).all()) if by_T.notna().any() else None,
        f"rank correlation with counterfactual memorisation, of a model of all points from the same initial weights as "
        f"the models of the subsets; holds if {STRONG} or more at every T where memorisation differs between points "
        f"(standard deviation above {ORDERED}); spread: of other initial weights, and of other quantities",
    )


def _falls(of: pd.DataFrame) -> Claim:
    by_T = of.groupby("T").mean_memorization.mean()
    known = len(by_T) > 1
    return Claim(
        "points are memorised where they are few, and not where features are learned",
        "the paper's regimes",
        "few points are memorised, of many none",
        labelled(by_T, "T") if known else None,
        {"features learned": labelled(of.groupby("T").features_learned.mean(), "T")},
        bool(by_T.iloc[0] > 0.5 and by_T.iloc[-1] < 0.05) if known else None,
        "mean over points of the share explained, in minus out; holds if above .5 at the smallest T and below .05 at "
        "the largest",
    )


def _steps(of: pd.DataFrame) -> Claim:
    several = of[of.groupby("T").steps.transform("nunique") > 1]
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
    by = near.groupby(["left_out_by", "left_out"])
    pairs = near.pivot_table(index=["T", "data_seed", "left_out"], columns="left_out_by", values="cost")
    pairs = pairs.reindex(columns=["similarity", "random"]).dropna()
    more = (pairs.similarity - pairs.random).groupby("left_out").agg(["mean", "sem"])
    group = more[more.index == (near.alike.iloc[0] if len(near) else 0)]
    return Claim(
        "leaving out a point with those like it costs it more than leaving out others with it",
        "the thread: memorisation as a curve over a radius of similarity",
        "not tested",
        labelled(more["mean"], "k") if len(more) else None,
        {
            "its standard error": labelled(more["sem"], "k"),
            "cost": labelled(by.cost.mean(), "by", "k"),
            "least similarity of those left out": labelled(by.own_similarity.mean(), "by", "k"),
        },
        bool((group["mean"] > 2 * group["sem"]).all()) if len(group) and group["sem"].notna().all() else None,
        "share of the first point that is explained, lost by leaving out it and the k - 1 most similar to it, less "
        "what is lost with k - 1 others, mean over training sets; holds if more than two standard errors where as many "
        "as a group has are left out. In most sets the point is hardly memorised at all, see the costs",
    )
