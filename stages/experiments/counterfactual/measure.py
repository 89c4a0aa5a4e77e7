"""How much a point's own presence lowers the loss on it, and which quantity of one model tells.

Counterfactual memorisation of a point: mean loss on it of models whose random subset lacks it, minus that of models
whose subset holds it. Losses outside are heavy-tailed in the middle regime, so the score stands beside it: the share
of the point that is explained, max(0, 1 - loss), in minus out, from -1 to 1 (all points have unit length).

Subsets differ between models, and so do initial weights: each seed of these has subsets of its own. What becomes of a
point that is there several times, or has others like it, is in `copies.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.claims import Claim, Summary, labelled
from stages.experiments.counterfactual import copies
from stages.leverage import leverage, whitening
from stages.memorization import counterfactual, spearman, split_half
from stages.params import Cell
from stages.tables import Column
from stages.toy.data import Points, pool, similarity, trained_on
from stages.toy.dimensionality import dimensionality
from stages.toy.measures import loss_on_mixtures
from stages.toy.model import Model, point_losses
from stages.toy.spec import Measure

SCORES = {"D_x": "D_x", "D_star": "D*", "norm": "norm of h", "loss": "loss, negative"}
MEANS = {"D_x_mean": "mean D_x", "norm_mean": "mean norm of h", "explained_mean": "mean share explained"}
COLUMNS = {
    "models": Column(int, "models on random subsets of the same points"),
    "spread_memorization": Column(float, "standard deviation over points of memorisation by share explained"),
    "mean_memorization": Column(float, "mean over points of counterfactual memorisation by share explained, -1 to 1"),
    "mean_memorization_loss": Column(float, "the same by loss"),
    "reliability_loss": Column(float, "rank correlation of two halves' memorisation by loss"),
    "reliability": Column(float, "the same by share explained"),
    "reliability_inits": Column(float, "the same of halves that start from other initial weights"),
    **{f"rho_{k}": Column(float, f"rank correlation of memorisation and {words}") for k, words in SCORES.items()},
    "rho_D_x_own": Column(float, "the same of D_x with memorisation by models of the same initial weights"),
    **{
        f"rho_{k}": Column(
            float,
            f"rank correlation of memorisation by half of the models and {words} in the other, inside",
        )
        for k, words in MEANS.items()
    },
    "mixture_loss": Column(float, "mean error on mixtures of two training points or more, see measure.mixed"),
    "own_loss": Column(float, "loss on the first point, which is repeated, or left out"),
    "own_explained": Column(float, "share of the first point that is explained, max(0, 1 - loss)"),
    "own_D_x": Column(float, "its D_x, that of all its copies, where it is trained on"),
    "own_similarity": Column(float, "the least similarity to it of the points that are left out"),
}
ITEMS = {
    "memorization": Column("float32", "counterfactual memorisation by share explained"),
    "memorization_loss": Column("float32", "the same by loss"),
    "D_star": Column("float32", "D*, leverage of the hidden vector"),
    "D_x_mean": Column("float32", "mean D_x in the models of subsets that hold the point"),
}
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
    ensembles = {of: ensemble([cells[i] for i in group], [models[i] for i in group]) for of, group in subsets.items()}
    for i, model in models.items():
        one = cells[i]
        if one.data.subset == 1 and (held := ensembles.get(_whole(one))):
            found[i] = _compared(model, points[i], held, one.training.init_seed)
            found[i]["mixture_loss"] = loss_on_mixtures(model, points[i], measure.mixed, measure.test_seed).mean
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


class Ensemble(NamedTuple):
    """K models of random subsets of T points, by what they make of every point."""

    losses: NDArray[np.float64]  # (K, T)
    held: NDArray[np.bool_]  # (K, T) whether the subset holds the point
    D_x: NDArray[np.float64]  # (K, T) dimensionality in the subset; 0 where it does not hold the point
    norm: NDArray[np.float64]  # (K, T) length of h
    init_seed: NDArray[np.int64]  # (K,)


def ensemble(of: Sequence[Cell], models: Sequence[Model]) -> Ensemble:
    """Of K cells that share a pool of T points."""
    everything = pool(of[0].data)
    held = np.stack([trained_on(cell.data, everything) for cell in of])
    D_x = np.zeros(held.shape)
    for row, subset, model in zip(D_x, held, models, strict=True):
        row[subset] = dimensionality(model.hidden(everything.take(np.flatnonzero(subset))))
    losses = np.stack([point_losses(model, everything) for model in models])
    norm = np.stack([np.linalg.norm(model.hidden(everything), axis=1) for model in models])
    return Ensemble(losses, held, D_x, norm, np.array([cell.training.init_seed for cell in of]))


def _compared(model: Model, points: Points, of: Ensemble, init_seed: int) -> dict[str, Any]:
    """Columns, and ITEMS of (T,) points, of a model of all points against the models of their subsets."""
    h, share = model.hidden(points), explained(of.losses)
    scores = {"D_x": dimensionality(h), "D_star": leverage(h, whitening(h)), "norm": np.linalg.norm(h, axis=1)}
    scores["loss"] = -point_losses(model, points)
    by_loss, by_share = counterfactual(-of.losses, of.held), counterfactual(share, of.held)
    seeds = np.unique(of.init_seed)
    splits = [np.isin(of.init_seed, some) for some in itertools.combinations(seeds, len(seeds) // 2)]
    own = of.init_seed == init_seed
    means = {"D_x_mean": of.D_x, "norm_mean": of.norm, "explained_mean": share}
    return {
        "models": len(of.losses),
        "mean_memorization": np.nanmean(by_share),
        "spread_memorization": np.nanstd(by_share),
        "mean_memorization_loss": np.nanmean(by_loss),
        "memorization_loss": by_loss,
        "memorization": by_share,
        "D_star": scores["D_star"],
        "D_x_mean": mean_inside(of.D_x, of.held),
        "reliability_loss": split_half(-of.losses, of.held),
        "reliability": split_half(share, of.held),
        "reliability_inits": np.mean(
            [spearman(*(counterfactual(share[half], of.held[half]) for half in (one, ~one))) for one in splits]
        )
        if len(seeds) > 1
        else None,
        "rho_D_x_own": spearman(scores["D_x"], counterfactual(share[own], of.held[own])) if own.any() else None,
        **{f"rho_{name}": spearman(score, by_share) for name, score in scores.items()},
        **{f"rho_{name}": _crossed(values, share, of.held) for name, values in means.items()},
    }


def mean_inside(values: NDArray[np.float64], held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(T,) mean of (K, T) values over the models that hold the point; NaN where none does."""
    count = held.sum(axis=0)
    total = np.where(held, values, 0).sum(axis=0)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


def _crossed(values: NDArray[np.float64], share: NDArray[np.float64], held: NDArray[np.bool_]) -> float:
    """Rank correlation of values in half of the models with memorisation by the other half, mean of both ways."""
    halves = ((slice(k, None, 2), slice(1 - k, None, 2)) for k in (0, 1))
    return float(
        np.mean([spearman(mean_inside(values[a], held[a]), counterfactual(share[b], held[b])) for a, b in halves])
    )


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


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Whether dimensionality measures memorisation, and where the definitions part."""
    of = usual(cells)
    claims = [
        _reliable(of),
        _measures(of, "D_x"),
        _measures(of, "D_star"),
        _measures(of, "D_x_mean"),
        _falls(of),
        _steps(compared(cells)),
        *copies.claims(cells),
    ]
    headline = {"rho_D_x": float(of.rho_D_x.median())} if len(of) else {}
    return Summary(headline, claims)


def _reliable(of: pd.DataFrame) -> Claim:
    by_T = of.groupby("T")[["reliability", "reliability_inits", "reliability_loss"]].mean()
    return Claim(
        "two halves of the models agree on which points are memorised",
        "this project's aim; Zhang et al. 2021",
        f"{RELIABLE} or more",
        labelled(by_T.reliability, "T") if len(of) else None,
        {
            "halves of other initial weights": labelled(by_T.reliability_inits, "T"),
            "by loss": labelled(by_T.reliability_loss, "T"),
            "models": int(of.models.max()),
        }
        if len(of)
        else None,
        bool((by_T.reliability >= RELIABLE).all()) if len(of) else None,
        "rank correlation over points, by share explained; where all are memorised, or none, little is left to order",
    )


def _measures(of: pd.DataFrame, score: str) -> Claim:
    some = of[of.spread_memorization > ORDERED]
    others = {f"rho_{k}": words for k, words in (MEANS if score in MEANS else SCORES).items() if k != score}
    if score == "D_x":
        others["rho_D_x_own"] = "by models of the same initial weights"
    by = some.groupby("T")[[f"rho_{score}", *others]]
    by_T = by.mean()[f"rho_{score}"]
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
            "smallest of the models": labelled(by.min()[f"rho_{score}"], "T"),
            "others": {words: labelled(by.mean()[name], "T") for name, words in others.items()},
        }
        if len(by_T)
        else None,
        bool((by_T.dropna() >= STRONG).all()) if by_T.notna().any() else None,
        f"rank correlation with counterfactual memorisation over models that start from several initial weights, "
        f"of {what}; "
        f"holds if {STRONG} or more at every T where memorisation differs between points (standard deviation above "
        f"{ORDERED})",
    )


def _falls(of: pd.DataFrame) -> Claim:
    by_T, learned = of.groupby("T").mean_memorization.mean(), of.groupby("T").features_learned.mean() >= 1
    known = len(by_T) > 1 and bool(learned.any())
    return Claim(
        "points are memorised where they are few, and not where features are learned",
        "the paper's regimes",
        "few points are memorised, of many none",
        labelled(by_T, "T") if known else None,
        {"features learned": labelled(of.groupby("T").features_learned.mean(), "T")},
        bool(by_T.iloc[0] > 0.5 and not learned.iloc[0] and (by_T[learned] < 0.05).all()) if known else None,
        "mean over points of the share explained, in minus out; holds if above .5 at the smallest T, and below .05 "
        "wherever a feature or more is learned",
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
