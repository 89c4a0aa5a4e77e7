"""The bump and the norms against Adam's eps in units of the summed loss, the one knob that sum or mean turns.

AdamW does not see a factor in the loss but for eps: the mean over n features at eps is the sum at n eps. A feature's
gradient goes with how often it is there, 1 - S, so eps / (1 - S) is what should matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled
from stages.claims.regimes import MIDDLE, bump_rises
from stages.core.tables import Tables

HIGH, LOW, GONE = 10.0, 0.2, 1.005  # test loss of replications; the paper's rise; test loss of no bump
QUARTER = 0.25  # of the range over shares: what may be left of it at one share
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
    common = cells.n.groupby(scaled).transform("nunique").eq(cells.n.nunique())
    middle = cells[scaled.between(*MIDDLE) & common]
    means = middle.groupby(["n", "S", "eps_sum", "eps_share", "T"], as_index=False)[["test_loss", "norm_b"]].mean()
    return means.loc[means.groupby(["n", "S", "eps_sum"]).test_loss.idxmax()].reset_index(drop=True)


def swept(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of those n that have several eps."""
    chosen: pd.DataFrame = cells[cells.groupby("n").eps_sum.transform("nunique") > 1]
    return chosen


def own_peaks(cells: pd.DataFrame) -> pd.DataFrame:
    """`peaks` of each training set by itself, with its data_seed."""
    each = [peaks(own).assign(data_seed=seed) for seed, own in cells.groupby("data_seed")]
    return pd.concat(each) if each else peaks(cells).assign(data_seed=0)


def usual_n(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of the n that most have."""
    chosen: pd.DataFrame = cells[cells.n == cells.n.mode().iloc[0]] if len(cells) else cells
    return chosen


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The peaks at both ends of eps."""
    by_eps = peaks(usual_n(with_eps(tables.cells)))
    if not len(by_eps):
        return {}
    return {"peak_smallest_eps": by_eps.test_loss.iloc[0], "peak_largest_eps": by_eps.test_loss.iloc[-1]}


@claim(
    "R2",
    "one knob, Adam's eps, leads from the replications' test losses to the paper's and beyond",
    source="replications of Figure 3",
    says="peak 1.015 in the paper, up to 5,000 in replications that sum over features",
)
def one_knob(tables: Tables, measure: Any) -> Finding:
    """The peak at the smallest eps, the rise at the paper's, the peak at the largest."""
    sweep = usual_n(with_eps(tables.cells))
    found = own_peaks(sweep).pivot(index="data_seed", columns="eps_share", values="test_loss").dropna()
    shares = found.columns.to_numpy(dtype=np.float64)
    if len(shares) < 3 or not shares[0] < PAPER["eps_share"] < shares[-1]:
        return Finding()
    rise = bump_rises(sweep[np.isclose(sweep.eps_share, PAPER["eps_share"])]).rise
    return Finding(
        [
            intervals.ratio("peak at the smallest eps", found.iloc[:, 0], least=HIGH),
            intervals.share(f"training sets that rise by up to {LOW} at the paper's", rise.between(0, LOW), least=0.5),
            intervals.mean("peak at the largest", found.iloc[:, -1], most=GONE),
        ],
        {"mean peak": labelled(found.mean().rename_axis("eps/(1-S)"), "eps/(1-S)")},
        """Peak: a training set's highest test loss in the middle regime; rise: from the lowest before it. The paper's:
        if its loss is a mean over features, at Adam's usual eps of 1e-8. Above 10, a small rise in most training sets,
        and no bump.""",
    )


@claim(
    "L7",
    "the mean at eps is the sum at n eps, bit for bit where n is a power of two",
    source="dividing a loss by n multiplies AdamW's eps by n",
    says="equal weights",
)
def equal_bits(tables: Tables, measure: Any) -> Finding:
    """Pairs of trainings that must be the same."""
    key = ["n", "S", "T", "data_seed", "init_seed", "eps_sum"]
    both = (
        with_eps(tables.cells)
        .groupby(key)
        .filter(lambda group: set(group.reduction) == {"mean", "sum"} and group.n.iloc[0] & (group.n.iloc[0] - 1) == 0)
    )
    equal = both.groupby(key).digest.nunique() == 1
    least = 0.5 if equal.all() else 1.0  # one pair that differs refutes it
    return Finding(
        [intervals.share("pairs of equal weights", equal, least=least)],
        note="Whole trainings with both losses, where n is a power of two. One pair that differs refutes it.",
    )


@claim(
    "L8",
    "what matters is eps over 1 - S",
    source="a feature's gradient goes with how often it is there",
    says="peaks of several (n, S) fall on one curve",
)
def collapse(tables: Tables, measure: Any) -> Finding:
    """Over eps the peaks change by orders of magnitude; over (n, S) at one share they should not."""
    of = own_peaks(swept(with_eps(tables.cells)))
    of = of.assign(excess=np.log10(np.maximum(of.test_loss - 1, 1e-3)))  # above an output of 0
    several = of.groupby(["data_seed", "eps_share"]).filter(lambda group: len(group) > 2 and group.excess.max() > -3)
    shares = several.groupby(["data_seed", "eps_share"]).excess
    within = (shares.max() - shares.min()).groupby("data_seed").mean()
    across = shares.mean().groupby("data_seed").agg(np.ptp)
    return Finding(
        [intervals.mean("range within a share over that across shares", within / across, most=QUARTER)],
        {"decades within a share": within.mean(), "decades across shares": across.mean()} if len(within) else None,
        """Of the highest test loss above 1, in decades: its range over (n, S) at one eps / (1 - S), mean over shares,
        against its range over shares, below a quarter. Shares without a bump do not count.""",
    )
