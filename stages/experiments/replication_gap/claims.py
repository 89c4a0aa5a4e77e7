"""The bump and the norms against Adam's eps in units of the summed loss, the one knob that sum or mean turns.

AdamW does not see a factor in the loss but for eps: the mean over n features at eps is the sum at n eps. A feature's
gradient goes with how often it is there, 1 - S, so eps / (1 - S) is what should matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stages.core.claims import Claim, Summary
from stages.core.tables import Tables
from stages.statistics.regimes import MIDDLE, Bump, find_bump

PAPER = {"bump": 1.015, "eps_share": 0.1}  # its peak, at T = 2,000; eps_share if its loss is a mean at the usual 1e-8
REPLICATIONS = {"bump": 5000.0, "eps_share": 1e-5}  # Jermyn's highest test loss; eps_share if a sum at the usual 1e-8


def with_eps(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with `eps_sum`, eps in units of the summed loss, and `eps_share`, that over 1 - S."""
    chosen = cells[cells.selected]
    eps_sum = chosen.eps * np.where(chosen.reduction == "mean", chosen.n, 1)
    share = (eps_sum / (1 - chosen.S)).map(lambda x: float(f"{x:.3g}"))
    return chosen.assign(eps_sum=eps_sum.map(lambda x: float(f"{x:.3g}")), eps_share=share)


def peaks(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each (n, S, eps): the highest mean test loss of the middle regime, and its norms.

    Where there are several n, at the T (1 - S) that all of them have.
    """
    scaled = (cells["T"] * (1 - cells.S)).round(1)
    common = scaled.groupby(scaled).transform("size").gt(0) & cells.n.groupby(scaled).transform("nunique").eq(
        cells.n.nunique()
    )
    middle = cells[scaled.between(*MIDDLE) & common]
    means = middle.groupby(["n", "S", "eps_sum", "eps_share", "T"], as_index=False)[["test_loss", "norm_b"]].mean()
    return means.loc[means.groupby(["n", "S", "eps_sum"]).test_loss.idxmax()].reset_index(drop=True)


def swept(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of those n that have several eps."""
    chosen: pd.DataFrame = cells[cells.groupby("n").eps_sum.transform("nunique") > 1]
    return chosen


def summary(tables: Tables, measure: Any) -> Summary:
    """One knob, equal bits, and the collapse."""
    chosen = with_eps(tables.cells)
    sweep = chosen[chosen.n == chosen.n.mode().iloc[0]] if len(chosen) else chosen
    by_eps = peaks(sweep).set_index("eps_share")
    bump = find_bump(sweep[np.isclose(sweep.eps_share, PAPER["eps_share"])])
    claims = [_one_knob(by_eps, bump), _equal_bits(chosen), _collapse(peaks(swept(chosen)))]
    headline: dict[str, float | int] = {}
    if len(by_eps):
        headline = {"peak_smallest_eps": by_eps.test_loss.iloc[0], "peak_largest_eps": by_eps.test_loss.iloc[-1]}
    return Summary(headline, claims)


def _one_knob(by_eps: pd.DataFrame, bump: Bump | None) -> Claim:
    measured, holds = None, None
    if len(by_eps) > 2:
        measured = {f"eps/(1-S)={eps:.3g}": loss for eps, loss in by_eps.test_loss.items()}
        first, last = by_eps.test_loss.iloc[0], by_eps.test_loss.iloc[-1]
        if bump and by_eps.index[0] < PAPER["eps_share"] < by_eps.index[-1]:
            holds = bool(first > 10 and last < 1.005 and bump.height < 0.2)
    return Claim(
        "one knob, Adam's eps, leads from the replications' test losses to the paper's and beyond",
        "replications of Figure 3",
        "peak 1.015 in the paper, up to 5,000 in replications that sum over features",
        measured,
        bump and {"at the paper's": bump.losses, "standard_error": bump.standard_error},
        holds,
        "highest mean test loss of the middle regime; holds if it exceeds 10 at the smallest eps, lies within .2 of "
        "the dip before it at the paper's, and is gone (below 1.005) at the largest",
    )


def _equal_bits(chosen: pd.DataFrame) -> Claim:
    both = chosen.groupby(["n", "S", "T", "data_seed", "init_seed", "eps_sum"]).filter(
        lambda group: set(group.reduction) == {"mean", "sum"} and group.n.iloc[0] & (group.n.iloc[0] - 1) == 0
    )
    pairs = both.groupby(["n", "S", "T", "data_seed", "init_seed", "eps_sum"]).digest.nunique()
    return Claim(
        "the mean at eps is the sum at n eps, bit for bit where n is a power of two",
        "derived: dividing a loss by n multiplies AdamW's eps by n",
        "equal weights",
        {"pairs": len(pairs), "with equal bits": int((pairs == 1).sum())} if len(pairs) else None,
        None,
        bool((pairs == 1).all()) if len(pairs) else None,
        "the whole training, 50,000 steps at laptop scale",
    )


def _collapse(of: pd.DataFrame) -> Claim:
    """Over eps the peaks change by orders of magnitude; over (n, S) at one share they should not."""
    excess = np.log10(np.maximum(of.test_loss - 1, 1e-3))  # above an output of 0
    several = of.assign(excess=excess).groupby("eps_share").filter(lambda group: len(group) > 2)
    shared = several.groupby("eps_share").excess
    within, across = float((shared.max() - shared.min()).mean()), float(np.ptp(shared.mean())) if len(shared) else 0.0
    spread = {"decades within a share": within, "decades across shares": across} if len(shared) else None
    return Claim(
        "what matters is eps over 1 - S",
        "derived: a feature's gradient goes with how often it is there",
        "peaks of several (n, S) fall on one curve",
        spread,
        None,
        within < 0.25 * across if spread else None,
        "peak test loss above 1, in decades: its range over (n, S) at one eps / (1 - S), mean over shares, against "
        "its range over shares; holds if below a quarter",
    )
