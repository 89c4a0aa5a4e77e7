"""Which solution generalises to which world, and whether the two dualities hold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled, labelled_rows
from stages.core.tables import Tables
from stages.statistics.intervals import above_zero

KINDS = {("disjoint", 1): "orthonormal", ("random", 1): "random (paper)", ("random", 5): "in groups of five alike"}
DESCENT = 1e3  # with a larger eps Adam's step is the mean gradient, scaled


def worlds(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of the paper's training, by kind of points."""
    usual = cells[(cells["init"] == "xavier_normal") & ~cells.transposed & cells.selected]
    kinds = [KINDS.get(key) for key in zip(usual.supports, usual.alike, strict=True)]
    chosen = usual.assign(kind=pd.Series(kinds, usual.index, dtype=object))
    return chosen.dropna(subset=["kind"])


def twins(cells: pd.DataFrame) -> pd.DataFrame:
    """Models that were compared with one on one-hot points, by how they were trained."""
    compared: pd.DataFrame = cells[cells.twin_distance.notna()]
    return compared.assign(descent=compared.eps > DESCENT)


def gains(models: pd.DataFrame) -> pd.DataFrame:
    """Best constant output's loss less the model's, in the world of `points` and in that of `features`."""
    return models.assign(
        points=models.mixture_constant_loss - models.mixture_loss,
        features=models.constant_loss - models.test_loss,
    )


def reach(gain: pd.Series) -> dict[str, int | None]:
    """Up to which T a gain, by T, is above 0 from the smallest on, and from which on to the largest."""
    above = gain > 0
    until, since = gain.index[above.cummin()], gain.index[above[::-1].cummin()[::-1]]
    return {"up to T": int(until[-1]) if len(until) else None, "from T": int(since[0]) if len(since) else None}


def summary(tables: Tables, measure: Any) -> Summary:
    """Which solution generalises where, and the two dualities."""
    cells = tables.cells
    models, claims = gains(worlds(cells)), []
    for m, group in models.groupby("m"):
        paper = group[group.kind == KINDS["random", 1]]
        few = paper[paper["T"] * (1 - paper.S) < 1.01]
        claims += [_to_points(few, measure, f"m = {m}"), _not_to_features(few, f"m = {m}"), _both(paper, f"m = {m}")]
    claims += [
        _orthogonal(models[models.m == models.m.max()]),
        _twin(twins(cells), descent=True),
        _twin(twins(cells), descent=False),
        _swaps(cells[cells.swap_rho_points.notna()]),
    ]
    large = models[(models.m == models.m.max()) & (models.kind == KINDS["random", 1])]
    until = reach(large.groupby("T").points.mean())["up to T"] if len(large) else None
    return Summary({"points_generalise_up_to_T": until} if until else {}, claims)


def _to_points(few: pd.DataFrame, measure: Any, size: str) -> Claim:
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


def _orthogonal(models: pd.DataFrame) -> Claim:
    loss = models.pivot_table(index=["T", "data_seed"], columns="kind", values="mixture_loss")
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


def _twin(compared: pd.DataFrame, *, descent: bool) -> Claim:
    trained = compared[compared.descent == descent]
    orthonormal, random = trained[trained.supports == "disjoint"], trained[trained.supports == "random"]
    distance = orthonormal.groupby("T").twin_distance.max() if descent else orthonormal.groupby("T").twin_distance.min()
    learned = bool((orthonormal.train_loss < 0.97).all())
    exact = learned and bool((orthonormal.twin_distance < 1e-3).all()) if len(orthonormal) else None
    return Claim(
        "gradient descent trains T orthonormal points as it trains T one-hot features"
        if descent
        else "Adam breaks that duality",
        "derived: stages/experiments/hypotheses/measure.py",
        "exactly" if descent else "it rescales each feature's gradient",
        labelled(distance, "distance at T") if len(orthonormal) else None,
        {
            "ratio of train losses": labelled(orthonormal.groupby("T").twin_loss_ratio.median(), "T"),
            "train loss": labelled(orthonormal.groupby("T").train_loss.mean(), "T"),
            "smallest distance of random points": labelled(random.groupby("T").twin_distance.min(), "T"),
        },
        exact if descent or exact is None else bool((orthonormal.twin_distance > 1e-2).all()),
        "relative distance of the points' Gram matrix in hidden space, over training sets and initial weights, "
        + (
            "the largest; holds if below .001 for all, and all have learned"
            if descent
            else "the smallest; holds if above .01 for all"
        ),
    )


def _swaps(swapped: pd.DataFrame) -> Claim:
    words = {"swap_rho_points": "points", "swap_rho_features": "features"}
    by = swapped.groupby("n")
    above = [above_zero(group[column]) for _, group in by for column in words]
    return Claim(
        "on transposed points each point's D_x becomes a D_f, and each feature's D_f a D_x",
        "duality of arXiv:2210.16859",
        "exchanging points and features exchanges the two",
        {name: labelled(by[column].mean(), "T") for column, name in words.items()} if len(swapped) else None,
        {f"standard error, {name}": labelled(by[column].sem(), "T") for column, name in words.items()},
        None if not above or None in above else all(above),
        "rank correlation of each one's D in the two models, mean over training sets; T of the set that is not "
        "transposed; holds if more than two standard errors above 0 at each T. Adam's eps goes with 1 / n^2, as the "
        "gradients of a mean over features do",
    )
