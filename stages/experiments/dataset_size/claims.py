"""The three regimes over T: what is claimed of each, and the bump between them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables
from stages.statistics.regimes import CLEAR, MIDDLE, ONSET, POLYGONS_END, Bump, find_bump

FEW = 8  # up to here the paper's hidden vectors are polygons


def summary(tables: Tables, measure: Any) -> Summary:
    """The three regimes, and how high the bump between them is."""
    cells = tables.cells
    every = cells[cells.selected].assign(scaled=lambda c: c["T"] * (1 - c.S))
    chosen, endless = every[~every.fresh], every[every.fresh]
    many = chosen[(chosen["T"] == chosen["T"].max()) & (chosen.scaled > MIDDLE[1])]
    bump = find_bump(chosen)
    headline: dict[str, float | int] = {}
    if bump:
        headline |= {"bump": bump.height, "bump_T": bump.T}
    if len(many):
        headline["features"] = float(many.features_learned.mean())
    claims = [
        _points_share(chosen[chosen["T"] <= FEW]),
        _rises_and_falls(bump),
        _features(many, measure),
        _below_constant(many),
        _onset(chosen[chosen.scaled >= MIDDLE[0]], measure),
        _norms(chosen, whole=chosen["T"].min() <= FEW and len(many) > 0),
        _endless(endless, many, measure),
    ]
    return Summary(headline, claims)


def _rises_and_falls(bump: Bump | None) -> Claim:
    return Claim(
        "in between, test loss rises before it falls",
        "Figure 3, top",
        "1.0150 at T = 2,000, above 1.0005 at T = 500 and .9988 at the end",
        bump and {f"T={bump.dip_T}": bump.dip, f"T={bump.T}": bump.peak, "lowest after": bump.floor},
        bump and {"standard_error": bump.standard_error, "training_sets": bump.losses},
        bump and bump.is_clear,
        f"measured: the lowest mean over training sets from T = {POLYGONS_END} on, the highest of the paper's middle "
        "regime (0.69 <= T (1 - S) <= 6.8), and the lowest after it. Holds if the rise and the fall are more than "
        f"{CLEAR} standard errors of the rise",
    )


def _points_share(few: pd.DataFrame) -> Claim:
    ratio = few.groupby("T").D_x_ratio_median
    return Claim(
        "few points share the m hidden dimensions equally: D_x = m / T",
        "Figure 3, middle",
        "D_x on the line m / T for small T",
        {f"T={T}": value for T, value in ratio.median().items()} or None,
        {f"T={T}": [float(group.min()), float(group.max())] for T, group in ratio},
        bool((abs(ratio.median() - 1) <= 0.1).all()) if few["T"].nunique() > 1 else None,
        f"measured: D_x T / m, median over points, then over training sets; holds if within 10 % of 1 up to T = {FEW}. "
        "Three points need no regular triangle; on two circles (often from T = 8) the points' shares differ",
    )


def _features(many: pd.DataFrame, measure: Any) -> Claim:
    return Claim(
        "many points: five features are learned",
        "Figure 3, middle and bottom",
        "five features, D_f .26-.29, the others near 0",
        {"features learned": float(many.features_learned.mean()), "largest D_f": float(many.D_f_max.mean())}
        if len(many)
        else None,
        {"features_learned": sorted(many.features_learned), "D_f_max": sorted(many.D_f_max)},
        bool((many.features_learned == 5).all()) if len(many) else None,
        f"at the largest T; a feature is learned if D_f > {measure.learned}. Holds if every training set has five. A "
        "square of four has only 1.1 % less to gain, and with one initialisation a run now and then ends there",
    )


def _below_constant(many: pd.DataFrame) -> Claim:
    many = many[many.constant_loss.notna()]  # known for the paper's loss
    gain = many.constant_loss - many.test_loss
    return Claim(
        "what it learns from many points generalises",
        "Figure 3, top",
        ".9988 at the end, below the best constant output's .99926",
        {"test loss": float(many.test_loss.mean()), "best constant output": float(many.constant_loss.mean())}
        if len(many)
        else None,
        {"gain": sorted(gain), "standard_error": sorted(many.test_loss_se)},
        bool((gain > 2 * many.test_loss_se).all()) if len(many) else None,
        "at the largest T, in every training set by more than two standard errors",
    )


def _endless(endless: pd.DataFrame, many: pd.DataFrame, measure: Any) -> Claim:
    known = len(endless) > 0 and len(many) > 0
    batch = f"{endless['T'].iloc[0]:,}" if known else ""
    return Claim(
        "fresh points at every step (T = infinity) end where many points do",
        "Figure 3",
        "five features of D_f about .255 each; test loss .9988, that of T = 200,000",
        {
            "test loss": float(endless.test_loss.mean()),
            f"T={many['T'].iloc[0]}": float(many.test_loss.mean()),
            "features learned": float(endless.features_learned.mean()),
            "largest D_f": float(endless.D_f_max.mean()),
        }
        if known
        else None,
        {"test_loss": sorted(endless.test_loss), "features_learned": sorted(endless.features_learned)},
        bool(abs(endless.test_loss.mean() - many.test_loss.mean()) < 1e-3 and (endless.features_learned >= 4).all())
        if known
        else None,
        f"{batch} new points a step; holds if the mean test losses agree to .001 and four or five features of D_f > "
        f"{measure.learned} are learned in every run",
    )


def _onset(from_middle: pd.DataFrame, measure: Any) -> Claim:
    top = from_middle.groupby("T").D_f_max.mean()
    over = top[top > measure.learned]
    T = int(over.index[0]) if len(over) else None
    one_minus_S = 1 - float(from_middle.S.iloc[0]) if len(from_middle) else 0.0
    if T is None:  # none by the largest T there is, or by one where they should be
        measured, holds = None, False if len(top) and top.index[-1] * one_minus_S > ONSET[1] else None
    elif top.index[0] == T and T * one_minus_S >= ONSET[0]:  # perhaps earlier: the grid starts too late to tell
        measured, holds = None, None
    else:
        measured, holds = {"T": T, "T (1 - S)": T * one_minus_S}, ONSET[0] <= T * one_minus_S <= ONSET[1]
    return Claim(
        "features appear near T (1 - S) = 10",
        "Figure 3; Jermyn's comment",
        "top D_f .04 at T (1 - S) = 2, .107 at 5, .256 at 10",
        measured,
        {f"T={T}": value for T, value in top.items()},
        holds,
        "measured: from the middle regime on, the first T whose largest D_f, in the mean over training sets, exceeds "
        f"{measure.learned}; holds within a factor of about three. (One feature can carry one of few points alone)",
    )


def _norms(chosen: pd.DataFrame, *, whole: bool) -> Claim:
    norms = chosen.groupby("T")[["norm_W", "norm_b"]].mean()
    peaks = {name: int(str(norms[name].idxmax())) for name in norms} if len(norms) else {}
    falls = whole and bool((norms.iloc[-1] < norms.max() / 2).all())
    return Claim(
        "norms peak near T = 30, then fall to a plateau",
        "Figure 4",
        "both peak near T = 30; norm of W about 2.2 at the end",
        {
            "W peaks at T": peaks["norm_W"],
            "b peaks at T": peaks["norm_b"],
            "norm of W at the end": norms.norm_W.iloc[-1],
        }
        if whole
        else None,
        {f"T={T}": [float(row.norm_W), float(row.norm_b)] for T, row in norms.iterrows()},
        falls and all(15 <= T <= 60 for T in peaks.values()) if whole else None,
        "spread: mean norms of W and b at each T. Holds if both peak within a factor of two of T = 30 and end below "
        "half their peak",
    )
