"""Counterfactual memorisation: how much better models do on an example for having been trained on it.

Feldman & Zhang (2020), Zhang et al. (2021): of many models on random subsets, the mean score on an example of those
whose subset holds it, minus that of the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


class Roc(NamedTuple):
    """How well a score tells positives from the rest, the largest scores first."""

    false_positive: NDArray[np.float64]  # share of the rest found, ascending from 0 to 1
    true_positive: NDArray[np.float64]  # share of the positives found
    area: float  # probability that a positive scores higher than another, ties counting half
    precision: float  # share of positives among as many of the highest scores as there are positives


def counterfactual(score: NDArray[np.floating | np.bool_], trained_on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) mean score in minus mean score out, of (K, N) scores of K models; NaN where one side has no model."""
    held = trained_on.sum(axis=0)
    s = score.astype(np.float64)
    with np.errstate(invalid="ignore"):
        inside = np.where(trained_on, s, 0).sum(axis=0) / held
        outside = np.where(trained_on, 0, s).sum(axis=0) / (len(s) - held)
    difference: NDArray[np.float64] = inside - outside
    return difference


def split_half(score: NDArray[np.floating | np.bool_], trained_on: NDArray[np.bool_]) -> float:
    """Reliability: rank correlation of the memorisation of two disjoint halves of the models (even and odd ones)."""
    return spearman(*(counterfactual(score[k::2], trained_on[k::2]) for k in (0, 1)))


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Rank correlation, ties sharing their mean rank; of where both are known. NaN where either is constant."""
    pairs = pd.DataFrame({"a": np.asarray(a), "b": np.asarray(b)}).dropna().rank()
    if len(pairs) < 2 or (pairs.nunique() < 2).any():
        return float("nan")
    return float(np.corrcoef(pairs.a, pairs.b)[0, 1])


def roc(score: ArrayLike, positive: ArrayLike) -> Roc:
    """Of (N,) scores and which are positives.

    Raises:
        ValueError: all or none are.
    """
    s, hit = np.asarray(score, dtype=np.float64), np.asarray(positive, dtype=bool)
    count, rest = int(hit.sum()), int((~hit).sum())
    if not (count and rest):
        raise ValueError(f"{count} positives and {rest} others: needs both")
    order = np.argsort(-s, kind="stable")
    last_of_ties = np.append(s[order][1:] != s[order][:-1], True)  # ties are one step, whatever their order
    found = np.concatenate([[0], np.cumsum(hit[order])[last_of_ties]]) / count
    wrong = np.concatenate([[0], np.cumsum(~hit[order])[last_of_ties]]) / rest
    ranks = pd.Series(s).rank()
    area = (ranks[hit].sum() - count * (count + 1) / 2) / (count * rest)
    threshold = s[order][count - 1]
    above, ties = s > threshold, s == threshold
    expected = hit[above].sum() + hit[ties].mean() * (count - above.sum())  # of ties, as many as fit, at random
    return Roc(wrong, found, float(area), float(expected / count))
