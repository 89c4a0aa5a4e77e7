"""Two worlds that explain finite data equally well, and what exchanging points and features does.

World of features: fresh points, sparse in the n features. World of points: sparse non-negative mixtures of the T
training points. A loss of 1 is that of output 0 in either world, whose inputs all have unit length.

Where points are orthonormal and non-negative, the model W = W' X^T, b = X b' has the loss of the model (W', b') on T
one-hot points, and so have their gradients: gradient descent from there trains both alike. Adam does not follow
gradients, and other points are not orthonormal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Claim, Summary, above_zero, labelled, labelled_rows
from stages.memorization import spearman
from stages.params import Cell
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.dimensionality import dimensionality
from stages.toy.measures import loss_on_mixtures
from stages.toy.model import Model, mean_loss
from stages.toy.spec import Data, Measure

COLUMNS = {
    "mixture_loss": Column(float, "mean error on mixtures of two training points or more, see measure.mixed"),
    "mixture_loss_se": Column(float, "its standard error over the mixtures"),
    "mixture_constant_loss": Column(float, "error there of the best constant output"),
    "twin_distance": Column(float, "relative distance of the points' Gram matrix in h from that of one-hot points"),
    "twin_loss_ratio": Column(float, "train loss over that of one-hot points"),
    "swap_rho_points": Column(float, "of transposed points: rank correlation of D_f with the D_x of the same points"),
    "swap_rho_features": Column(float, "the same of D_x with the D_f of the same features"),
}
KINDS = {("disjoint", 1): "orthonormal", ("random", 1): "random (paper)", ("random", 5): "in groups of five alike"}
DESCENT = 1e3  # with a larger eps Adam's step is the mean gradient, scaled


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    loss = loss_on_mixtures(model, points, measure.mixed, measure.test_seed)
    return {
        "mixture_loss": loss.mean,
        "mixture_loss_se": loss.standard_error,
        "mixture_constant_loss": loss.constant,
    }


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """Columns that compare a model with its twin on one-hot points, or on the transposed points."""
    where = {cell: i for i, cell in enumerate(cells) if i in models}
    trained = {i: (model, points[i]) for i, model in models.items()}
    exchanged = {_but_for_eps(cell.data, cell): i for cell, i in where.items()}
    found: dict[int, dict[str, Any]] = {}
    for one, i in where.items():
        data = one.data
        if data.transposed:
            size = {"n": data.T, "T": data.n, "transposed": False}
            if (other := exchanged.get(_but_for_eps(data.model_copy(update=size), one))) is not None:
                found[i] = _exchanged(trained[i], trained[other])
        elif one.training.init == "xavier_points":
            hot = {"n": data.T, "S": 1 - 1 / data.T, "supports": "disjoint"}
            if (twin := where.get(one._replace(data=data.model_copy(update=hot)), i)) != i:
                found[i] = _twins(trained[i], trained[twin])
    return found


def _but_for_eps(data: Data, of: Cell) -> Cell:
    """That data with a cell's training, at whatever eps: n features and n points want eps of their own."""
    return of._replace(data=data, training=of.training.model_copy(update={"eps": 1.0}))


def _twins(points: tuple[Model, Points], one_hot: tuple[Model, Points]) -> dict[str, float]:
    """How far apart two models are that store T points each, by the (T, T) Gram matrices of these in hidden space."""
    h, twin_h = (model.hidden(of) for model, of in (points, one_hot))
    loss, twin_loss = (mean_loss(model, of) for model, of in (points, one_hot))
    gram = twin_h @ twin_h.T
    return {
        "twin_distance": float(np.linalg.norm(h @ h.T - gram) / np.linalg.norm(gram)),
        "twin_loss_ratio": loss / twin_loss,
    }


def _exchanged(transposed: tuple[Model, Points], other: tuple[Model, Points]) -> dict[str, float]:
    """Rank correlations over the T points, and over the features that any of them holds, of D in the two models."""
    (D_f, D_x), (other_f, other_x) = (
        (dimensionality(model.W.T), dimensionality(model.hidden(points))) for model, points in (transposed, other)
    )
    held = np.unique(other[1].feature)  # those of which transposing makes points, in their order
    return {"swap_rho_points": spearman(D_f, other_x), "swap_rho_features": spearman(D_x, other_f[held])}


def worlds(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of the paper's training, by kind of points."""
    usual = cells[(cells["init"] == "xavier_normal") & ~cells.transposed & cells.selected]
    kinds = [KINDS.get(key) for key in zip(usual.supports, usual.alike, strict=True)]
    chosen = usual.assign(kind=pd.Series(kinds, usual.index, dtype=object))
    return chosen.dropna(subset=["kind"])


def twins(cells: pd.DataFrame) -> pd.DataFrame:
    """Models that were compared with one on one-hot points, by how they were trained."""
    of: pd.DataFrame = cells[cells.twin_distance.notna()]
    return of.assign(descent=of.eps > DESCENT)


def gains(of: pd.DataFrame) -> pd.DataFrame:
    """Best constant output's loss less the model's, in the world of `points` and in that of `features`."""
    return of.assign(
        points=of.mixture_constant_loss - of.mixture_loss,
        features=of.constant_loss - of.test_loss,
    )


def reach(gain: pd.Series) -> dict[str, int | None]:
    """Up to which T a gain, by T, is above 0 from the smallest on, and from which on to the largest."""
    above = gain > 0
    until, since = gain.index[above.cummin()], gain.index[above[::-1].cummin()[::-1]]
    return {"up to T": int(until[-1]) if len(until) else None, "from T": int(since[0]) if len(since) else None}


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Which solution generalises where, and the two dualities."""
    of, claims = gains(worlds(cells)), []
    for m, group in of.groupby("m"):
        paper = group[group.kind == KINDS["random", 1]]
        few = paper[paper["T"] * (1 - paper.S) < 1.01]
        claims += [_to_points(few, measure, f"m = {m}"), _not_to_features(few, f"m = {m}"), _both(paper, f"m = {m}")]
    claims += [
        _orthogonal(of[of.m == of.m.max()]),
        _twin(twins(cells), descent=True),
        _twin(twins(cells), descent=False),
        _swaps(cells[cells.swap_rho_points.notna()]),
    ]
    large = of[(of.m == of.m.max()) & (of.kind == KINDS["random", 1])]
    until = reach(large.groupby("T").points.mean())["up to T"] if len(large) else None
    return Summary({"points_generalise_up_to_T": until} if until else {}, claims)


def _to_points(few: pd.DataFrame, measure: Measure, size: str) -> Claim:
    by_T = few.groupby("T").points.mean()
    return Claim(
        f"few points: the solution generalises to sparse mixtures of them ({size})",
        "a hypothesis in the discussion of the paper",
        "it is as general, of another world",
        labelled(by_T, "T") if len(few) else None,
        {"lowest and highest": [float(few.points.min()), float(few.points.max())]} if len(few) else None,
        bool((by_T > 0).all()) if len(few) else None,
        f"best constant output's loss less the model's on mixtures of {measure.mixed:g} points on average; holds if "
        "above 0 at each T with T (1 - S) up to 1",
    )


def _not_to_features(few: pd.DataFrame, size: str) -> Claim:
    by_T = few.groupby("T").features.mean()
    return Claim(
        f"few points: the solution does not generalise to fresh features ({size})",
        "Figure 3, top",
        "test loss 1 or more",
        labelled(by_T, "T") if len(few) else None,
        {"lowest and highest": [float(few.features.min()), float(few.features.max())]} if len(few) else None,
        bool((by_T < 2 * few.groupby("T").test_loss_se.mean()).all()) if len(few) else None,
        "best constant output's loss less the model's on fresh points; holds if below two standard errors at each T "
        "with T (1 - S) up to 1",
    )


def _both(paper: pd.DataFrame, size: str) -> Claim:
    last = paper[paper["T"] == paper["T"].max()]
    by_T = paper.groupby("T")[["points", "features"]].mean()
    return Claim(
        f"many points: the solution generalises to both worlds ({size})",
        "this project's question",
        "not tested",
        {"points": float(last.points.mean()), "features": float(last.features.mean())}
        | {f"{world} gain {words}": T for world in by_T for words, T in reach(by_T[world]).items()}
        if len(last)
        else None,
        labelled_rows(by_T, "T") if len(by_T) else None,
        bool((last[["points", "features"]] > 0).all(axis=None)) if len(last) else None,
        "gain over the best constant output of each world at the largest T; holds if above 0 in every training set; "
        "measured: also up to which T, and from which on, each is above 0",
    )


def _orthogonal(of: pd.DataFrame) -> Claim:
    loss = of.pivot_table(index=["T", "data_seed"], columns="kind", values="mixture_loss")
    loss = loss.reindex(columns=list(KINDS.values())).dropna()
    more: pd.Series[float] = loss[KINDS["random", 5]] - loss[KINDS["disjoint", 1]]
    return Claim(
        "the less points have in common, the lower the loss on mixtures of them",
        "a hypothesis in the discussion of the paper",
        "requires near-orthonormal data",
        {str(kind): float(value) for kind, value in loss.mean().items()} if len(loss) else None,
        {
            "groups less orthonormal": more.mean() if len(more) else None,
            "its standard error": more.sem() if len(more) > 1 else None,
            "by T": labelled_rows(loss.groupby("T").mean(), "T") if len(loss) else None,
        },
        above_zero(more),
        "mean loss on mixtures at the largest m, over T and training sets; holds if that of points in groups alike is "
        "more than two standard errors above that of orthonormal ones",
    )


def _twin(of: pd.DataFrame, *, descent: bool) -> Claim:
    trained = of[of.descent == descent]
    some, random = trained[trained.supports == "disjoint"], trained[trained.supports == "random"]
    distance = some.groupby("T").twin_distance.max() if descent else some.groupby("T").twin_distance.min()
    learned = bool((some.train_loss < 0.97).all())
    exact = learned and bool((some.twin_distance < 1e-3).all()) if len(some) else None
    return Claim(
        "gradient descent trains T orthonormal points as it trains T one-hot features"
        if descent
        else "Adam breaks that duality",
        "derived: stages/experiments/hypotheses/measure.py",
        "exactly" if descent else "it rescales each feature's gradient",
        labelled(distance, "distance at T") if len(some) else None,
        {
            "ratio of train losses": labelled(some.groupby("T").twin_loss_ratio.median(), "T"),
            "train loss": labelled(some.groupby("T").train_loss.mean(), "T"),
            "smallest distance of random points": labelled(random.groupby("T").twin_distance.min(), "T"),
        },
        exact if descent or exact is None else bool((some.twin_distance > 1e-2).all()),
        "relative distance of the points' Gram matrix in hidden space, over training sets and initial weights, "
        + (
            "the largest; holds if below .001 for all, and all have learned"
            if descent
            else "the smallest; holds if above .01 for all"
        ),
    )


def _swaps(of: pd.DataFrame) -> Claim:
    words = {"swap_rho_points": "points", "swap_rho_features": "features"}
    by = of.groupby("n")
    above = [above_zero(group[column]) for _, group in by for column in words]
    return Claim(
        "on transposed points each point's D_x becomes a D_f, and each feature's D_f a D_x",
        "duality of arXiv:2210.16859",
        "exchanging points and features exchanges the two",
        {name: labelled(by[column].mean(), "T") for column, name in words.items()} if len(of) else None,
        {f"standard error, {name}": labelled(by[column].sem(), "T") for column, name in words.items()},
        None if not above or None in above else all(above),
        "rank correlation of each one's D in the two models, mean over training sets; T of the set that is not "
        "transposed; holds if more than two standard errors above 0 at each T. Adam's eps goes with 1 / n^2, as the "
        "gradients of a mean over features do",
    )
