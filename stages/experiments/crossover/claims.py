"""The lowest train loss among memorising and among generalising solutions, and where over T they cross.

A solution generalises if it has learned features and its test loss is below the best constant output's; it memorises
if it has learned none, its train loss is below that and its test loss is not. Others are neither.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.tables import Tables

KINDS = ("memorising", "generalising")


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


def summary(tables: Tables, measure: Any) -> Summary:
    """Where the curves cross, whether once, and what plain training finds beside it."""
    solutions = with_kind(tables.cells)
    difference = advantages(solutions) if len(solutions) else pd.DataFrame()
    crossings = {str(seed): T for seed in difference if (T := crossing(difference[seed])) is not None}
    once = all(_changes(difference[seed]) == 1 for seed in difference) and len(crossings) == difference.shape[1]
    claims = [
        Claim(
            "storing points has the lower train loss up to some T, features beyond",
            "July 2023",
            "a first-order crossover at T about 500,000, T (1 - S) = 500",
            {f"T (training set {seed})": T for seed, T in crossings.items()}
            | {"T (1 - S)": float(np.mean([T * (1 - solutions.S.iloc[0]) for T in crossings.values()]))}
            if crossings
            else None,
            {f"T={T}": [float(value) for value in row] for T, row in difference.iterrows()},
            once if difference.shape[1] else None,
            "T where the lowest train loss of generalising solutions, over starts and learning rates, falls below that "
            "of memorising ones; holds if it does so once in every training set; spread: generalising minus "
            "memorising, at each T that has both. How far memorising gets is a lower bound: other starts may store "
            "more. Adam's eps is a thousandth of the other experiments' here",
        ),
        _gap(solutions, crossings),
    ]
    headline = {"crossover_T": float(np.exp(np.mean(np.log(list(crossings.values())))))} if crossings else {}
    return Summary(headline, claims)


def _changes(difference: pd.Series) -> int:
    sign = np.sign(difference.dropna())
    return int((sign.to_numpy()[1:] != sign.to_numpy()[:-1]).sum())


def _gap(solutions: pd.DataFrame, crossings: dict[str, float]) -> Claim:
    """Between where plain training starts to generalise and the crossover, it misses the lower train loss."""
    plain = solutions[solutions.parent_T == 0].groupby("T").kind.apply(lambda kinds: (kinds == KINDS[1]).mean())
    first = plain[plain > 0.5].index.min() if len(plain) and (plain > 0.5).any() else None
    cross = min(crossings.values()) if crossings else None
    return Claim(
        "training from random weights generalises before that is the lower train loss",
        "July 2023: the middle regime is an artifact of optimisation at small m",
        "the middle regime is an optimisation artifact",
        {"T from which most runs generalise": int(first), "crossover T": cross} if first and cross else None,
        labelled(plain, "T"),
        bool(first < cross) if first and cross else None,
        "from Xavier weights, all learning rates, at the same small eps; spread: share that generalises at each T",
    )
