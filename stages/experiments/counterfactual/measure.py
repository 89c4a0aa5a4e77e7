"""How much a point's own presence lowers the loss on it, and which quantity of one model tells.

Counterfactual memorisation of a point: mean loss on it of models whose random subset lacks it, minus that of models
whose subset holds it. Losses outside are heavy-tailed in the middle regime, so the score stands beside it: the share
of the point that is explained, max(0, 1 - loss), in minus out, from -1 to 1 (all points have unit length).

Subsets differ between models, and so do initial weights: each seed of these has subsets of its own. What becomes of a
duplicated point, or of one that has others like it, is measured for the first point of a set.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.core.tables import Column
from stages.experiments.counterfactual import MEANS, SCORES
from stages.families.toy.data.drawing import pool, similarity, trained_on
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.measures.losses import loss_on_mixtures
from stages.families.toy.model.model import Model, point_losses
from stages.grid.cells import Cell
from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import leverage, whitening
from stages.statistics.memorization import counterfactual, spearman, split_half

COLUMNS = {
    "models": Column(int, "models on random subsets of the same points"),
    "spread_memorization": Column(float, "standard deviation over points of memorisation by share explained"),
    "mean_memorization": Column(float, "mean over points of counterfactual memorisation by share explained, -1 to 1"),
    "mean_memorization_loss": Column(float, "the same by loss"),
    "reliability_loss": Column(float, "rank correlation of two halves' memorisation by loss"),
    "reliability": Column(float, "the same by share explained"),
    "reliability_inits": Column(float, "the same of halves that start from other initial weights"),
    "mixture_loss": Column(float, "mean error on mixtures of two training points or more, see measure.mixed"),
    "own_loss": Column(float, "loss on the first point, which is repeated, or left out"),
    "own_explained": Column(float, "share of the first point that is explained, max(0, 1 - loss)"),
    "own_D_x": Column(float, "its D_x, that of all its copies, where it is trained on"),
    "own_similarity": Column(float, "the least similarity to it of the points that are left out"),
}
SCORE_COLUMNS = {
    "score": Column(
        str,
        "of the model of all points: "
        + "; ".join(f"{name}, {words}" for name, words in SCORES.items())
        + ". Inside half of the models on subsets, against memorisation by the other half: "
        + "; ".join(f"{name}, {words}" for name, words in MEANS.items()),
    ),
    "inits": Column(str, "memorisation by models of all initial weights, or of its own only"),
    "rho": Column(
        float, "rank correlation over points of the score and counterfactual memorisation by share explained"
    ),
}
ITEMS = {
    "memorization": Column("float32", "counterfactual memorisation by share explained"),
    "memorization_loss": Column("float32", "the same by loss"),
    "D_star": Column("float32", "D*, leverage of the hidden vector"),
    "D_x_mean": Column("float32", "mean D_x in the models of subsets that hold the point"),
}


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """Memorisation of each pool by the models of its subsets, for models of the whole; and of single points."""
    groups: dict[Cell, list[int]] = {}
    for i in models:
        if cells[i].data.subset < 1:
            groups.setdefault(_of_whole_pool(cells[i]), []).append(i)
    ensembles = {key: ensemble([cells[i] for i in group], [models[i] for i in group]) for key, group in groups.items()}
    found: dict[int, dict[str, Any]] = {}
    for i, model in models.items():
        cell = cells[i]
        if cell.data.trained_on == "all" and (held := ensembles.get(_of_whole_pool(cell))):
            found[i] = _compared(model, points[i], held, cell.training.init_seed)
            found[i]["mixture_loss"] = loss_on_mixtures(model, points[i], measure.mixed, measure.test_seed).mean
        elif cell.data.repeated or cell.data.left_out or cell.data.alike > 1:
            found[i] = _first_point(cell, model)
    return found


def _of_whole_pool(cell: Cell) -> Cell:
    """What the models of one pool share, whichever subset of it and initial weights they have."""
    data = cell.data.model_copy(update={"trained_on": "all"})
    return Cell(data, cell.training.model_copy(update={"init_seed": 0}))


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


def ensemble(cells: Sequence[Cell], models: Sequence[Model]) -> Ensemble:
    """Of K cells that share a pool of T points."""
    everything = pool(cells[0].data)
    held = np.stack([trained_on(cell.data, everything) for cell in cells])
    D_x = np.zeros(held.shape)
    for row, subset, model in zip(D_x, held, models, strict=True):
        row[subset] = dimensionality(model.hidden(everything.take(np.flatnonzero(subset))))
    losses = np.stack([point_losses(model, everything) for model in models])
    norm = np.stack([np.linalg.norm(model.hidden(everything), axis=1) for model in models])
    return Ensemble(losses, held, D_x, norm, np.array([cell.training.init_seed for cell in cells]))


def _compared(model: Model, points: Points, subsets: Ensemble, init_seed: int) -> dict[str, Any]:
    """Columns, rows of scores, and ITEMS of (T,) points: a model of all points against the models of their subsets."""
    h, share, held = model.hidden(points), explained(subsets.losses), subsets.held
    scores = {"D_x": dimensionality(h), "D_star": leverage(h, whitening(h)), "norm": np.linalg.norm(h, axis=1)}
    scores["loss"] = -point_losses(model, points)
    by_loss, by_share = counterfactual(-subsets.losses, held), counterfactual(share, held)
    alike = subsets.init_seed == init_seed
    means = {"D_x_mean": subsets.D_x, "norm_mean": subsets.norm, "explained_mean": share}
    correlations = {
        **{(name, "all"): spearman(score, by_share) for name, score in scores.items()},
        ("D_x", "own"): spearman(scores["D_x"], counterfactual(share[alike], held[alike])) if alike.any() else None,
        **{(name, "all"): _crossed(values, share, held) for name, values in means.items()},
    }
    return {
        "models": len(subsets.losses),
        "mean_memorization": np.nanmean(by_share),
        "spread_memorization": np.nanstd(by_share),
        "mean_memorization_loss": np.nanmean(by_loss),
        "reliability_loss": split_half(-subsets.losses, held),
        "reliability": split_half(share, held),
        "reliability_inits": _across_inits(share, held, subsets.init_seed),
        "scores": [{"score": name, "inits": inits, "rho": rho} for (name, inits), rho in correlations.items()],
        "memorization_loss": by_loss,
        "memorization": by_share,
        "D_star": scores["D_star"],
        "D_x_mean": mean_inside(subsets.D_x, held),
    }


def _across_inits(share: NDArray[np.float64], held: NDArray[np.bool_], init_seed: NDArray[np.int64]) -> float | None:
    """Mean rank correlation of memorisation by halves of other initial weights; None where all start alike."""
    seeds = np.unique(init_seed)
    if len(seeds) < 2:
        return None
    halves = [np.isin(init_seed, half) for half in itertools.combinations(seeds, len(seeds) // 2)]
    return float(
        np.mean([spearman(*(counterfactual(share[part], held[part]) for part in (half, ~half))) for half in halves])
    )


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


def _first_point(cell: Cell, model: Model) -> dict[str, Any]:
    """What becomes of the first point of the pool."""
    everything = pool(cell.data)
    first = everything.part(0, 1)._replace(weight=None, masked=None)
    loss = float(point_losses(model, first)[0])
    held, alike = trained_on(cell.data, everything), similarity(everything, 0)
    training = everything.take(np.flatnonzero(held))
    copies = cell.data.copies if cell.data.repeated else 1
    return {
        "own_loss": loss,
        "own_explained": max(0.0, 1 - loss),
        "own_D_x": copies * dimensionality(model.hidden(training), training.weight)[0] if held[0] else None,
        "own_similarity": float(alike[~held].min()) if not held.all() else None,
    }


def shown(items: pd.DataFrame) -> pd.Series:
    """The points whose memorisation is known, of the models that were trained for the most steps."""
    known = (items.kind == "point") & items.memorization.notna()
    chosen: pd.Series = known & (items.steps == items.steps[known].max())
    return chosen


OWN = Own(columns=COLUMNS, across=across, items=ITEMS, tables={"scores": SCORE_COLUMNS}, shown=shown)
