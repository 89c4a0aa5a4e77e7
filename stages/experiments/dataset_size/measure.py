"""Figures 3 and 4 of the paper: from data points to features as the training set grows, double descent in between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.claims import Claim, Summary
from stages.params import Measure

# The paper's shading of Figure 3, from its n = 10,000, S = 0.999 in units that other (n, S) share: T (1 - S)
MIDDLE = (0.69, 6.8)
FEW = 8  # training points: up to here the paper's panels are polygons


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """The three regimes, and how high the bump between them is."""
    chosen = cells[cells.selected].assign(scaled=lambda c: c["T"] * (1 - c.S))
    few = chosen[chosen["T"] <= FEW]
    middle = chosen[chosen.scaled.between(*MIDDLE)]
    many = chosen[(chosen["T"] == chosen["T"].max()) & (chosen.scaled > MIDDLE[1])]
    headline: dict[str, float | int] = {}
    claims = []
    if len(few):
        claims += [_points_share(few)]
    if chosen["T"].min() < middle["T"].min() and middle["T"].max() < chosen["T"].max():
        bump = _bump(chosen, middle)
        headline |= {"bump": bump.height, "bump_T": bump.T}
        claims += [_rises_and_falls(bump, chosen)]
    if len(many):
        headline |= {"test_loss_end": float(many.test_loss.mean()), "features_end": float(many.features_learned.mean())}
        claims += [_features(many, measure), _below_constant(many), _onset(chosen, measure)]
    if len(few) and len(many):
        claims += [_norms(chosen)]
    return Summary(headline, claims)


class Bump(NamedTuple):
    """The highest mean test loss of the middle regime, and the lowest means on either side of it."""

    T: int
    peak: float
    standard_error: float
    dip: float  # at smaller T
    floor: float  # at larger T

    @property
    def height(self) -> float:
        """Above the lowest mean at smaller T: what more data cost."""
        return self.peak - self.dip


def _bump(chosen: pd.DataFrame, middle: pd.DataFrame) -> Bump:
    mean = chosen.groupby("T").test_loss.mean()
    T = int(str(middle.groupby("T").test_loss.mean().idxmax()))
    at_peak = chosen[chosen["T"] == T]
    over_seeds = at_peak.test_loss.std(ddof=1) / np.sqrt(len(at_peak)) if len(at_peak) > 1 else 0.0
    error = float(np.hypot(over_seeds, at_peak.test_loss_se.mean()))
    return Bump(T, float(mean[T]), error, float(mean[mean.index < T].min()), float(mean[mean.index > T].min()))


def _rises_and_falls(bump: Bump, chosen: pd.DataFrame) -> Claim:
    at_peak = chosen[chosen["T"] == bump.T]
    return Claim(
        "in between, test loss rises before it falls",
        "Figure 3, top",
        "1.0150 at T = 2,000, above 1.0005 at T = 500 and .9988 at the end",
        {"T": bump.T, "test_loss": bump.peak, "lowest_before": bump.dip, "lowest_after": bump.floor},
        {"standard_error": bump.standard_error, "seeds": sorted(at_peak.test_loss)},
        min(bump.height, bump.peak - bump.floor) > 2 * bump.standard_error,
        "measured: the highest mean over training sets where 0.69 <= T (1 - S) <= 6.8, the paper's middle regime. "
        "Holds if it is more than two standard errors above the lowest mean on both sides",
    )


def _points_share(few: pd.DataFrame) -> Claim:
    ratio = few.groupby("T").D_x_ratio_median
    return Claim(
        "few points share the m hidden dimensions equally: D_x = m / T",
        "Figure 3, middle",
        "D_x on the line m / T for small T",
        {f"T={T}": value for T, value in ratio.median().items()},
        {f"T={T}": [float(group.min()), float(group.max())] for T, group in ratio},
        bool((abs(ratio.median() - 1) <= 0.1).all()),
        "measured: D_x T / m, median over points, then over training sets; holds if within 10 % of 1 at every T. "
        "Three points need no regular triangle; on two circles (often from T = 8) the points' shares differ",
    )


def _features(many: pd.DataFrame, measure: Measure) -> Claim:
    return Claim(
        "many points: five features are learned",
        "Figure 3, middle and bottom",
        "five features, D_f .26-.29, the others near 0",
        {"features_learned": float(many.features_learned.mean()), "D_f_max": float(many.D_f_max.mean())},
        {"features_learned": sorted(many.features_learned), "D_f_max": sorted(many.D_f_max)},
        bool(many.features_learned.median() == 5),
        f"at the largest T; a feature is learned if D_f > {measure.learned}. Holds if the median over training sets is "
        "five: a square of four costs only 1.1 % more, and a run from one initialisation now and then ends there",
    )


def _below_constant(many: pd.DataFrame) -> Claim:
    gain = many.constant_loss - many.test_loss
    return Claim(
        "what it learns from many points generalises",
        "Figure 3, top",
        ".9988 at the end, below the best constant output's .99926",
        {"test_loss": float(many.test_loss.mean()), "constant_output": float(many.constant_loss.mean())},
        {"gain": sorted(gain), "standard_error": float(many.test_loss_se.mean())},
        bool((gain > 2 * many.test_loss_se).all()),
        "at the largest T, every training set",
    )


def _onset(chosen: pd.DataFrame, measure: Measure) -> Claim:
    top = chosen[chosen.scaled >= MIDDLE[0]].groupby("T").D_f_max.mean()
    onset = int(top[top > measure.learned].index.min()) if (top > measure.learned).any() else None
    scaled = onset * (1 - float(chosen.S.iloc[0])) if onset else None
    return Claim(
        "features appear near T (1 - S) = 10",
        "Figure 3; Jermyn's comment",
        "top D_f .04 at T (1 - S) = 2, .107 at 5, .256 at 10",
        {"T": onset, "T(1-S)": scaled},
        {f"T={T}": value for T, value in top.items()},
        scaled is not None and 3 <= scaled <= 30,
        "measured: from the middle regime on, the first T whose largest D_f, in the mean over training sets, exceeds "
        f"{measure.learned}; holds within a factor of about three. (One feature can carry one of few points alone)",
    )


def _norms(chosen: pd.DataFrame) -> Claim:
    norms = chosen.groupby("T")[["norm_W", "norm_b"]].mean()
    peak = int(str(norms.norm_b.idxmax()))
    last = norms.iloc[-1]
    return Claim(
        "norms peak where no more points can be memorised, then fall to a plateau",
        "Figure 4",
        "peak near T = 30; norm of W about 2.2 at the end",
        {
            "norm_b_peak_T": peak,
            "norm_b_peak": norms.norm_b.max(),
            "norm_W_end": last.norm_W,
            "norm_b_end": last.norm_b,
        },
        {f"T={T}": [row.norm_W, row.norm_b] for T, row in norms.iterrows()},
        15 <= peak <= 60 and bool(last.norm_b < norms.norm_b.max() / 10),
        "spread: mean norms of W and b at each T",
    )
