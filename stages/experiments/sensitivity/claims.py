"""How far results move with each hyperparameter and with the seeds, by the number of hidden dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.core.claims import Claim, Summary, labelled
from stages.core.random import generator
from stages.core.tables import Tables

KNOBS = ("init", "init_scale", "lr", "eps")
LEVEL = 0.01  # of a permutation test


def with_setting(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with `setting`: which knob is turned from most cells' value and to what; usual ones first."""
    trained = cells[cells.status == "trained"]
    usual = {knob: trained[knob].mode().iloc[0] for knob in KNOBS} if len(trained) else {}

    def words(cell: pd.Series) -> str:
        turned = [f"{knob} {_short(cell[knob])}" for knob in KNOBS if cell[knob] != usual[knob]]
        return ", ".join(turned).replace("_", " ") or "usual"

    named = trained.assign(setting=trained.apply(words, axis=1) if len(trained) else None)
    return named.sort_values("setting", key=lambda names: names.ne("usual").astype(str) + names, kind="stable")


def _short(value: Any) -> str:
    return value.removeprefix("xavier_") if isinstance(value, str) else f"{value:g}"


def spreads(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    """By (T, m): standard deviation of a column over seeds within a setting, and over settings beyond what seeds make.

    The means of k runs each differ by their seeds' variance / k anyway, which is taken off.
    """
    groups = cells.groupby(["T", "m", "setting"])[column]
    means, within, k = (part.groupby(["T", "m"]) for part in (groups.mean(), groups.var(ddof=1), groups.size()))
    seeds = within.mean()
    settings = (means.var(ddof=1) - seeds / k.mean()).clip(lower=0)
    return pd.DataFrame({"settings": settings**0.5, "seeds": seeds**0.5})


def p_value(values: pd.Series, settings: pd.Series, shuffles: int = 2000) -> float:
    """How often settings dealt out at random differ as much as these do, by the variance of their means."""
    code, value = pd.factorize(settings)[0], values.to_numpy(float)

    def statistic(dealt: NDArray[np.int64]) -> float:
        return float(np.var(np.bincount(dealt, weights=value) / np.bincount(dealt)))

    rng, observed = generator("shuffled settings"), statistic(code)
    as_much = sum(statistic(rng.permutation(code)) >= observed - 1e-12 for _ in range(shuffles))
    return (1 + as_much) / (1 + shuffles)


def summary(tables: Tables, measure: Any) -> Summary:
    """Sensitivity falls with m; what hangs on the hyperparameters at all."""
    of = with_setting(tables.cells)
    sizes = sorted(of["T"].unique())
    last, first = (of[of["T"] == sizes[k]] if sizes else of for k in (-1, 0))
    claims = [
        _falls(of, "settings", "results are sensitive to hyperparameters, most at few hidden dimensions"),
        _falls(of, "seeds", "more than three hidden dimensions give more consistent results"),
        *(_onset(last[last.m == m], int(m), measure) for m in sorted(of.m.unique())),
        _polygons(first[first.m == 2]),
    ]
    worst = spreads(of, "test_loss").groupby("m").max().dropna() if len(of) else pd.DataFrame()
    return Summary({f"sd_settings_m{m}": float(row.settings) for m, row in worst.iterrows()}, claims)


def _falls(of: pd.DataFrame, over: str, text: str) -> Claim:
    spread = spreads(of, "test_loss")[over].dropna() if len(of) else pd.Series(dtype=float)
    worst = spread.groupby("m").max() if len(spread) else spread
    small, large = worst[worst.index <= 3], worst[worst.index > 3]
    known = len(small) > 0 and len(large) > 0
    return Claim(
        text,
        "appendix; T x m map",
        "quite sensitive, especially for low hidden dimension; much more consistent for m > 3",
        labelled(worst, "m") if known else None,
        labelled(spread, "T", "m") if known else None,
        bool(large.max() < small.max() / 2) if known else None,
        f"standard deviation of test loss over {over}, at the T where it is highest (spread: at each), over settings "
        f"beyond what seeds make of them; holds if at every m > 3 it is below half of the larger of m = 2 and 3. With "
        f"m the T of the bump grows, and with the bump all spreads: among the T of this grid one m may meet its own "
        f"and another not",
    )


def _onset(of: pd.DataFrame, m: int, measure: Any) -> Claim:
    learned = of.groupby("setting").features_learned.mean()
    p = p_value(of.features_learned, of.setting) if len(learned) > 1 else None
    return Claim(
        f"whether features have appeared at T = {of['T'].iloc[0]:,} hangs on the hyperparameters (m = {m})",
        "appendix",
        "quite sensitive, especially for low hidden dimension",
        {"features, least": float(learned.min()), "most": float(learned.max()), "p": p} if p else None,
        labelled(learned, "setting"),
        p < LEVEL if p else None,
        f"mean number of features of D_f > {measure.learned} by setting; p: how often settings dealt out at random "
        f"over the runs differ as much; holds below {LEVEL}",
    )


def _polygons(of: pd.DataFrame) -> Claim:
    regular = of.regular.astype(float)
    share = regular.groupby(of.setting).mean()
    p = p_value(regular, of.setting) if len(share) > 1 else None
    return Claim(
        "whether few points form a regular polygon hangs on the hyperparameters (m = 2)",
        "appendix",
        "quite sensitive",
        {"share, least": float(share.min()), "most": float(share.max()), "p": p} if p else None,
        labelled(share, "setting"),
        p < LEVEL if p else None,
        "share of regular polygons at the smallest T by setting; p: how often settings dealt out at random over the "
        f"runs differ as much; holds below {LEVEL}",
    )
