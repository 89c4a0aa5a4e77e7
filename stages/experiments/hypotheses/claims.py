"""Which solution generalises to which world, and whether the two dualities hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, Part, claim, intervals, labelled, labelled_rows, question
from stages.claims.regimes import MIDDLE
from stages.core.tables import Tables

KINDS = {("disjoint", 1): "orthonormal", ("random", 1): "random (paper)", ("random", 5): "in groups of five alike"}
DESCENT = 1e3  # with a larger eps Adam's step is the mean gradient, scaled
PAPER_M = 2
FEW = 1.01  # T (1 - S) of few points, at most
SAME = 1e-3  # relative distance of two Gram matrices, at most, of models that are alike
LEARNED = 0.97  # train loss, at most, of models that have learned (1: output 0); two that have not agree as well
HALF = 0.5  # rank correlation of an exchange that is nearer to a full one than to none


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


def paper_points(tables: Tables) -> pd.DataFrame:
    """The gains of models of the paper's points."""
    models = gains(worlds(tables.cells))
    of: pd.DataFrame = models[models.kind == KINDS["random", 1]]
    return of


def few_points(tables: Tables) -> pd.DataFrame:
    """Those of few points."""
    of = paper_points(tables)
    few: pd.DataFrame = of[of["T"] * (1 - of.S) < FEW]
    return few


def reach(gain: pd.Series) -> dict[str, int | None]:
    """Up to which T a gain, by T, is above 0 from the smallest on, and from which on to the largest."""
    above = gain > 0
    until, since = gain.index[above.cummin()], gain.index[above[::-1].cummin()[::-1]]
    return {"up to T": int(until[-1]) if len(until) else None, "from T": int(since[0]) if len(since) else None}


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Up to which T models of the largest m generalise to mixtures of their points."""
    of = paper_points(tables)
    of = of[of.m == gains(worlds(tables.cells)).m.max()]
    until = reach(of.groupby("T").points.mean())["up to T"] if len(of) else None
    return {"points_generalise_up_to_T": until} if until else {}


@claim(
    "D1",
    "few points: the solution does no better than chance on fresh features",
    source="the discussion; Figure 3, top",
    says="test loss 1 or more",
)
def no_better_than_chance(tables: Tables, measure: Any) -> Finding:
    """The largest gain on fresh points over T, a training set each, at the paper's m."""
    few = few_points(tables)
    few = few[few.m == PAPER_M]
    return Finding(
        [_largest(few, most=0)] if len(few) else [],
        {"gain": labelled(few.groupby("T").features.mean(), "T")} if len(few) else None,
        f"""Gain: the best constant output's loss less the model's on fresh points; largest over T with T (1 - S) up to
        1, at m = {PAPER_M}.""",
    )


@claim(
    "D1",
    "many points: the solution with features generalises better",
    source="the discussion; Figure 3, top",
    says="test loss .9988, below that of few points",
)
def features_generalise(tables: Tables, measure: Any) -> Finding:
    """The gain on fresh points of the largest T, and how far it is above that of few points."""
    of, few = paper_points(tables), few_points(tables)
    of, few = of[of.m == PAPER_M], few[few.m == PAPER_M]
    last = of[(of["T"] == of["T"].max()) & (of["T"] * (1 - of.S) > MIDDLE[1])].set_index("data_seed").features
    if not (len(last) and len(few)):
        return Finding()
    above = last - few.groupby("data_seed").features.max()
    return Finding(
        [
            intervals.mean(f"gain at T = {of['T'].max()}", last, least=0),
            intervals.mean("above that of few points by", above, least=0),
        ],
        {"gain": labelled(of.groupby("T").features.mean(), "T")},
        f"""Gain: the best constant output's loss less the model's on fresh points, at m = {PAPER_M}; of few points the
        largest over T with T (1 - S) up to 1.""",
    )


@claim(
    "D2",
    "gradient descent trains T orthonormal points as it trains T one-hot features",
    source="the discussion; derived in stages/experiments/hypotheses/measure.py",
    says="features and points are dual",
)
def descent_is_dual(tables: Tables, measure: Any) -> Finding:
    """Largest distance and train loss over T and initial weights, a training set each."""
    of = twins(tables.cells)
    of = of[of.descent]
    orthonormal, random = of[of.supports == "disjoint"], of[of.supports == "random"]
    worst = orthonormal.groupby("data_seed")[["twin_distance", "train_loss"]].max()
    return Finding(
        [
            intervals.ratio("largest relative distance", worst.twin_distance, most=SAME),
            intervals.mean("largest train loss", worst.train_loss, most=LEARNED),
        ]
        if len(worst)
        else [],
        _by_T(orthonormal)
        | {"smallest distance of random points": labelled(random.groupby("T").twin_distance.min(), "T")}
        if len(worst)
        else None,
        """Distance between the points' Gram matrices in hidden space, largest over T and initial weights. All have to
        have learned, too.""",
    )


@claim(
    "D2",
    "on transposed points each point's D_x becomes a D_f, and each feature's D_f a D_x",
    source="the discussion; arXiv:2210.16859",
    says="exchanging points and features exchanges the two",
)
def exchanges(tables: Tables, measure: Any) -> Finding:
    """Rank correlations, a mean over n a training set."""
    cells = tables.cells
    swapped = cells[cells.swap_rho_points.notna()]
    words = {"points": "swap_rho_points", "features": "swap_rho_features"}
    means = {
        word: swapped.pivot_table(index="data_seed", columns="n", values=name).dropna().mean(axis=1)
        for word, name in words.items()
    }
    return Finding(
        [intervals.mean(f"rank correlation of {word}", rho, least=HALF) for word, rho in means.items()]
        if len(swapped)
        else [],
        {word: labelled(swapped.groupby("n")[name].mean(), "T") for word, name in words.items()}
        if len(swapped)
        else None,
        f"""Rank correlation of each one's D in the two models, a mean over sizes (shown: by T of the set that is not
        transposed). Trained with AdamW, eps as 1 / n^2, as the gradients of a mean over features go. A full exchange
        would give 1, none 0: above {HALF}. What breaks it is not known: points are random, initial weights do not
        match, and Adam rescales each weight's gradient.""",
    )


@question("Do models of few points generalise to sparse mixtures of these points?", source="a guess in the discussion")
def to_points(tables: Tables, measure: Any) -> Finding:
    """The gain on mixtures, a mean over T, by m."""
    few = few_points(tables)
    sizes = list(few.groupby("m"))
    parts = [intervals.mean(f"gain at m = {m}", of.groupby("data_seed").points.mean()) for m, of in sizes]
    return Finding(
        parts,
        {"gain": labelled(few.groupby(["m", "T"]).points.mean(), "m", "T")} if len(few) else None,
        f"""Gain: the best constant output's loss less the model's on mixtures of {measure.mixed:g} points on average; a
        mean over T with T (1 - S) up to 1.""",
    )


@question("Does any solution of few points do better than chance on fresh features, with more hidden dimensions?")
def to_features(tables: Tables, measure: Any) -> Finding:
    """Claim D1's gain at larger m."""
    few = few_points(tables)
    sizes = [(m, of) for m, of in few.groupby("m") if m != PAPER_M]
    return Finding(
        [_largest(of, f" at m = {m}") for m, of in sizes],
        {"gain": labelled(few.groupby(["m", "T"]).features.mean(), "m", "T")} if sizes else None,
        "As claim D1 on few points, at larger m.",
    )


@question("Does the solution of many points generalise to both worlds?")
def to_both(tables: Tables, measure: Any) -> Finding:
    """Both gains at the largest T, by m."""
    of = paper_points(tables)
    last = of[of["T"] == of.groupby("m")["T"].transform("max")]
    names = {"points": "gain on mixtures", "features": "gain on fresh points"}
    sizes = list(last.groupby("m"))
    return Finding(
        [
            intervals.mean(f"{words} at m = {m}", at.set_index("data_seed")[name])
            for m, at in sizes
            for name, words in names.items()
        ],
        {
            f"m = {m}": labelled_rows(by_T, "T") | {name: reach(by_T[name]) for name in by_T}
            for m, by_T in ((m, at.groupby("T")[list(names)].mean()) for m, at in of.groupby("m"))
        }
        if len(of)
        else None,
        """Gain over the best constant output of each world, at the largest T of each m. Shown: also up to which T, and
        from which on, it is above 0.""",
    )


@question("Is the loss on mixtures lower, the less points have in common?", source="a guess in the discussion")
def common(tables: Tables, measure: Any) -> Finding:
    """Loss on mixtures of points in groups, and of random ones, less that of orthonormal ones."""
    models = gains(worlds(tables.cells))
    models = models[models.m == models.m.max()]
    loss = models.pivot_table(index=["T", "data_seed"], columns="kind", values="mixture_loss")
    loss = loss.reindex(columns=list(KINDS.values())).dropna()
    orthonormal, *others = KINDS.values()
    apart = loss[others].sub(loss[orthonormal], axis=0).groupby("data_seed").mean()
    return Finding(
        [intervals.mean(f"{kind} less orthonormal", apart[kind]) for kind in others] if len(apart) else [],
        labelled_rows(loss.groupby("T").mean(), "T") if len(loss) else None,
        "Loss on mixtures at the largest m, a mean over T.",
    )


@question("Does Adam break the duality of orthonormal points and one-hot features?")
def adam(tables: Tables, measure: Any) -> Finding:
    """The smallest distance over T and initial weights, a training set each."""
    of = twins(tables.cells)
    of = of[~of.descent & (of.supports == "disjoint")]
    return Finding(
        [intervals.ratio("smallest relative distance", of.groupby("data_seed").twin_distance.min())] if len(of) else [],
        _by_T(of) if len(of) else None,
        "As claim D2 on gradient descent, but the smallest; Adam rescales each feature's gradient.",
    )


def _largest(few: pd.DataFrame, words: str = "", **bounds: Any) -> Part:
    """The largest gain on fresh points over T, a training set each."""
    return intervals.mean(f"largest gain over T{words}", few.groupby("data_seed").features.max(), **bounds)


def _by_T(pairs: pd.DataFrame) -> dict[str, Any]:
    """What is worth printing of models and their twins."""
    by = pairs.groupby("T")
    return {
        "distance": labelled(by.twin_distance.mean(), "T"),
        "ratio of train losses": labelled(by.twin_loss_ratio.median(), "T"),
        "train loss": labelled(by.train_loss.mean(), "T"),
    }
