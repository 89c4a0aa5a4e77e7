"""The lowest train loss among memorising and among generalising solutions, and where over T they cross.

A solution generalises if it has learned features and its test loss is below the best constant output's; it memorises
if it has learned none, its train loss is below that and its test loss is not. Others are neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows
from stages.core.tables import Tables

KINDS = ("memorising", "generalising")
THERE = (150, 1500)  # T (1 - S) of the crossover: 500, within a factor of about three


def with_kind(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with `kind`, one of KINDS or neither."""
    trained = cells[cells.status == "trained"]
    features, constant = trained.features_learned > 0, trained.constant_loss
    memorises = ~features & (trained.train_loss < constant) & (trained.test_loss >= constant)
    generalises = features & (trained.test_loss < constant)
    return trained.assign(kind=np.select([memorises, generalises], KINDS, "neither"))


def lowest(solutions: pd.DataFrame) -> pd.DataFrame:
    """The cells of lowest train loss of each (T, data_seed, kind)."""
    return solutions.sort_values("train_loss").drop_duplicates(["T", "data_seed", "kind"])


def advantages(solutions: pd.DataFrame) -> pd.DataFrame:
    """Generalising minus memorising train loss, a row for each T and a column for each training set with both."""
    least = lowest(solutions[solutions.kind.isin(KINDS)]).pivot(
        index="T", columns=["kind", "data_seed"], values="train_loss"
    )
    if not set(KINDS) <= set(least.columns.get_level_values(0)):
        return pd.DataFrame(index=least.index)
    difference = pd.DataFrame(least[KINDS[1]]) - pd.DataFrame(least[KINDS[0]])
    return difference.loc[:, difference.notna().sum() > 1].sort_index(axis=1)  # of one T nothing can be said


def crossing(difference: pd.Series) -> float | None:
    """T where the difference goes from above 0 to below for good, log-linear in between; None where it does not."""
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
    found = {}
    for seed in difference:
        at = crossing(difference[seed])
        found[seed] = at if at is not None else math.inf if difference[seed].dropna().iloc[-1] > 0 else 0.0
    return pd.Series(found, dtype=float)


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The geometric mean of T where the curves cross."""
    at = crossings(advantages(with_kind(tables.cells)))
    at = at[(at > 0) & (at < math.inf)]
    return {"crossover_T": float(np.exp(np.log(at).mean()))} if len(at) else {}


@claim(
    "N1",
    "storing points has the lower train loss up to some T, features beyond",
    source="July 2023",
    says="a first-order crossover: a memorising solution's is lowest up to there",
)
def crosses(tables: Tables, measure: Any) -> Finding:
    """Whether each training set's curves cross once."""
    difference = advantages(solutions := with_kind(tables.cells))
    once = pd.Series({seed: _changes(difference[seed]) == 1 for seed in difference}, dtype=float)
    open_ended = crossings(difference).eq(math.inf) & (_last(difference) * _density(solutions) < THERE[1])
    return Finding(
        [intervals.share("training sets whose curves cross once", once.where(~open_ended), least=0.5)],
        {"1,000 x generalising less memorising": labelled(1000 * difference.mean(axis=1).dropna(), "T")},
        """Lowest train losses of generalising and of memorising solutions, over starts and learning rates, at each T
        that has both; Adam's eps is a thousandth of the other experiments'.""",
    )


@claim(
    "N1",
    "the two cross near T (1 - S) = 500",
    source="July 2023",
    says="at T about 500,000, with S = .999",
)
def crosses_there(tables: Tables, measure: Any) -> Finding:
    """Where each training set's curves cross."""
    difference = advantages(solutions := with_kind(tables.cells))
    at = crossings(difference) * _density(solutions)
    open_ended = (at == math.inf) & (_last(difference) * _density(solutions) < THERE[1])
    return Finding(
        [
            intervals.share(
                f"training sets where {THERE[0]} <= T (1 - S) <= {THERE[1]}",
                at.between(*THERE).where(~open_ended),
                least=0.5,
            )
        ],
        {"T (1 - S)": [value for value in sorted(at) if 0 < value < math.inf]},
        """Within a factor of about three of it, log-linear between T. Other starts may store more, which would move the
        crossover to larger T.""",
    )


@claim(
    "N2",
    "training from random weights generalises before that is the lower train loss",
    source="July 2023",
    says="the middle regime is an artifact of optimisation at small m",
)
def generalises_early(tables: Tables, measure: Any) -> Finding:
    """The T from which most plain runs generalise against the crossover, a training set each."""
    solutions = with_kind(tables.cells)
    at = crossings(advantages(solutions))
    runs = solutions[solutions.parent_T == 0]
    plain = (runs.kind == KINDS[1]).groupby([runs["T"], runs.data_seed]).mean().unstack()
    firsts = {seed: min(plain.index[plain[seed] > 0.5], default=math.inf) for seed in plain}
    turn = pd.Series(firsts, dtype=float).reindex(at.index)
    earlier = (turn < at).where(turn.notna() & ((turn < math.inf) | (at < math.inf)))
    return Finding(
        [intervals.share("training sets where it does", earlier, least=0.5)],
        {"T from which most runs generalise": sorted(turn[turn < math.inf])}
        | labelled_rows(pd.DataFrame({"share that generalises": plain.mean(axis=1), "gap": _gap(solutions)}), "T")
        if len(plain)
        else None,
        """More than half of the learning rates generalise, from Xavier weights, at a smaller T than the crossover of
        claim N1; the same small eps. Gap: lowest train loss of those runs less the lowest of all starts.""",
    )


def _gap(solutions: pd.DataFrame) -> pd.Series[float]:
    """What plain training misses of the lowest train loss that is known, by T, a mean over training sets."""
    by = ["T", "data_seed"]
    plain = solutions[solutions.parent_T == 0].groupby(by).train_loss.min()
    return (plain - solutions.groupby(by).train_loss.min()).groupby("T").mean()


def _density(solutions: pd.DataFrame) -> float:
    """1 - S."""
    return float(1 - solutions.S.iloc[0]) if len(solutions) else math.nan


def _last(difference: pd.DataFrame) -> pd.Series[float]:
    """The last T at which each training set has both kinds."""
    return pd.Series({seed: difference[seed].dropna().index[-1] for seed in difference}, dtype=float)


def _changes(difference: pd.Series) -> int:
    sign = np.sign(difference.dropna())
    return int((sign.to_numpy()[1:] != sign.to_numpy()[:-1]).sum())
