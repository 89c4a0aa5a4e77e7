"""The lowest train loss among memorising and among generalising solutions, and where over T they cross.

T is counted as T (1 - S), how often a feature is there, so that training sets of several n and S are compared; a set is
known by (n, data_seed).

A solution generalises if it has learned features and its test loss is below the best constant output's; it memorises
if it has learned none, its train loss is below that and its test loss is not. Others are neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows, question
from stages.claims.regimes import ALIKE
from stages.core.tables import Tables

KINDS = ("memorising", "generalising")
SET = ["n", "data_seed"]
THERE = 500  # T (1 - S) of the crossover


def with_kind(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with `kind`, one of KINDS or neither."""
    trained = cells[cells.status == "trained"]
    features, constant = trained.features_learned > 0, trained.constant_loss
    memorises = ~features & (trained.train_loss < constant) & (trained.test_loss >= constant)
    generalises = features & (trained.test_loss < constant)
    scaled = (trained["T"] * (1 - trained.S)).round(2)
    return trained.assign(scaled=scaled, kind=np.select([memorises, generalises], KINDS, "neither"))


def usual(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of the n that has most training sets: what is independent is a set of one size."""
    if not len(cells):
        return cells
    chosen: pd.DataFrame = cells[cells.n == cells.groupby("n").data_seed.nunique().idxmax()]
    return chosen


def lowest(solutions: pd.DataFrame) -> pd.DataFrame:
    """The cells of lowest train loss of each (scaled, n, data_seed, kind)."""
    return solutions.sort_values("train_loss").drop_duplicates(["scaled", *SET, "kind"])


def advantages(solutions: pd.DataFrame) -> pd.DataFrame:
    """Generalising minus memorising train loss: rows by T (1 - S), a column for each training set with both."""
    least = lowest(solutions[solutions.kind.isin(KINDS)]).pivot(
        index="scaled", columns=["kind", *SET], values="train_loss"
    )
    if not set(KINDS) <= set(least.columns.get_level_values(0)):
        return pd.DataFrame(index=least.index, columns=pd.MultiIndex.from_arrays([[], []], names=SET))
    difference = pd.DataFrame(least[KINDS[1]]) - pd.DataFrame(least[KINDS[0]])
    return difference.loc[:, difference.notna().sum() > 1].sort_index(axis=1)  # of one T nothing can be said


def crossing(difference: pd.Series) -> float | None:
    """T (1 - S) where the difference goes below 0 for good, log-linear in between; None where it does not."""
    known = difference.dropna()
    sign = (known > 0).to_numpy()
    if len(sign) < 2 or sign[-1] or not sign.any():
        return None
    k = int(np.nonzero(sign)[0][-1])
    (x0, x1), (y0, y1) = np.log(known.index[k : k + 2].to_numpy(float)), known.iloc[k : k + 2]
    return float(np.exp(x0 + (x1 - x0) * y0 / (y0 - y1)))


def crossings(difference: pd.DataFrame) -> pd.Series[float]:
    """Where each training set crosses; infinite where storing points is still lower at its last T, 0 where it never is.

    `difference` is that of `advantages`.
    """

    def of(known: pd.Series) -> float:
        at = crossing(known)
        return at if at is not None else math.inf if known.dropna().iloc[-1] > 0 else 0.0

    return _each(difference, of)


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The geometric mean of T (1 - S) where the curves cross, by n."""
    at = crossings(advantages(with_kind(tables.cells)))
    at = at[(at > 0) & (at < math.inf)]
    return {f"crossover_n{n}": float(np.exp(np.log(of).mean())) for n, of in at.groupby(level=0)} if len(at) else {}


@claim(
    "N1",
    "storing points has the lower train loss up to some T, features beyond",
    source="July 2023",
    says="a first-order crossover: a memorising solution's is lowest up to there",
)
def crosses(tables: Tables, measure: Any) -> Finding:
    """Whether each training set's curves cross once."""
    difference = advantages(with_kind(usual(tables.cells)))
    once = _each(difference, _changes) == 1
    all_cross = bool(len(once)) and not crossings(difference).eq(math.inf).any()
    return Finding(
        [intervals.share("training sets whose curves cross once", once, least=0.5)] if all_cross else [],
        {"1,000 x generalising less memorising": labelled(1000 * difference.mean(axis=1).dropna(), "T (1 - S)")},
        """Lowest train losses of generalising and of memorising solutions, over starts and learning rates, at each T
        that has both; Adam's eps is a thousandth of the other experiments'. Cannot tell where some training set has not
        crossed by the last T.""",
    )


@claim(
    "N1",
    "the two cross near T (1 - S) = 500",
    source="July 2023",
    says="at T about 500,000, with S = .999",
)
def crosses_there(tables: Tables, measure: Any) -> Finding:
    """Where each training set's curves cross: a bound from below, which decides nothing."""
    at = crossings(advantages(with_kind(tables.cells)))
    return Finding(
        (),
        {"T (1 - S)": [value for value in sorted(at) if 0 < value < math.inf]},
        f"""Log-linear between T. How far memorising gets here is a bound from below, as other starts may store more. So
        a crossing before T (1 - S) = {THERE:,} decides nothing; none has been looked for beyond.""",
    )


@claim(
    "N2",
    "from random weights training turns to features while storing points has the lower train loss",
    source="July 2023",
    says="the middle regime is an artifact of optimisation at small m",
)
def generalises_early(tables: Tables, measure: Any) -> Finding:
    """The T from which most plain runs generalise against the crossover, a training set each."""
    solutions = with_kind(usual(tables.cells))
    at = crossings(advantages(solutions))
    runs = solutions[solutions.parent_T == 0]
    plain = (runs.kind == KINDS[1]).groupby([runs.scaled, runs.n, runs.data_seed]).mean().unstack(SET)
    firsts = plain.apply(lambda shares: min(shares.index[shares > 0.5], default=math.inf)) if len(plain) else at
    turn = firsts.reindex(at.index)
    earlier = turn.lt(at).where(turn.notna() & ((turn < math.inf) | (at < math.inf)))
    return Finding(
        [intervals.share("training sets where it does", earlier, least=0.5)],
        {"T (1 - S) from which most runs generalise": sorted(turn[turn < math.inf])}
        | labelled_rows(
            pd.DataFrame({"share that generalises": plain.mean(axis=1), "gap": _gap(solutions)}), "T (1 - S)"
        )
        if len(plain)
        else None,
        """From Xavier weights more than half of the learning rates (both, where there are two) generalise at a smaller
        T than the crossover of claim N1; m = 2. Gap: lowest train loss of those runs less the lowest of all starts.""",
    )


@claim(
    "N3",
    "the best memorising solution stores clusters of correlated points",
    source="July 2023",
    says="from 1,000 to 500,000 points it memorises clusters of correlated points",
)
def stores_clusters(tables: Tables, measure: Any) -> Finding:
    """How alike the points of its clusters are, against clusters of the same W with permuted columns."""
    solutions = with_kind(usual(tables.cells))
    least = lowest(solutions[solutions.kind == KINDS[0]])
    names = ["clustered", "clustered_permuted", "cosine_within", "cosine_permuted"]
    means = least.groupby("data_seed")[names].mean()
    return Finding(
        [
            intervals.mean(
                "share of points in clusters above chance's",
                means.clustered - means.clustered_permuted,
                least=0,
            ),
            intervals.ratio(
                "cosine of two points of a cluster over chance's",
                means.cosine_within / means.cosine_permuted,
                least=ALIKE[1],
            ),
        ]
        if len(means)
        else [],
        labelled_rows(least.groupby("scaled")[["clusters", *names]].mean(), "T (1 - S)") if len(least) else None,
        f"""Lowest train loss of all starts, means over T. Clusters, by HDBSCAN: three hidden vectors or more, longer
        than a tenth of the longest. Chance: the same W with its columns permuted. Correlated: a cosine {ALIKE[1]} times
        as large (twice as large it is not).""",
    )


@question("Where do the curves cross, by n?")
def by_n(tables: Tables, measure: Any) -> Finding:
    """T (1 - S) at the crossing, at each n."""
    at = crossings(advantages(with_kind(tables.cells)))
    at = at[(at > 0) & (at < math.inf)]
    sizes = at.groupby(level=0) if len(at) else ()
    return Finding([intervals.ratio(f"T (1 - S) at n = {n:,}", of) for n, of in sizes])


def _gap(solutions: pd.DataFrame) -> pd.Series[float]:
    """What plain training misses of the lowest train loss that is known, by T (1 - S), a mean over training sets."""
    by = ["scaled", *SET]
    plain = solutions[solutions.parent_T == 0].groupby(by).train_loss.min()
    return (plain - solutions.groupby(by).train_loss.min()).groupby("scaled").mean()


def _each(difference: pd.DataFrame, of: Callable[[pd.Series], float]) -> pd.Series[float]:
    """A number of each training set's column."""
    return pd.Series([of(difference[one]) for one in difference], index=difference.columns, dtype=float)


def _changes(difference: pd.Series) -> int:
    sign = np.sign(difference.dropna())
    return int((sign.to_numpy()[1:] != sign.to_numpy()[:-1]).sum())
