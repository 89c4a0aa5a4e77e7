"""How far results move with each hyperparameter and with the seeds, by the number of hidden dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, intervals, labelled, question
from stages.core.tables import Tables

KNOBS = ("init", "init_scale", "lr", "eps")


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


def moved(cells: pd.DataFrame, column: str) -> pd.Series:
    """A column at the setting where it is highest less where it is lowest, a training set each.

    Which settings these are is read off the other training sets, as chance alone makes one the highest.
    """
    by = cells.assign(value=cells[column].astype(float)).pivot_table(
        index="data_seed", columns="setting", values="value"
    )
    of: dict[Any, float] = {}
    for seed in by.index if len(by) > 1 and by.shape[1] > 1 else []:
        others = by.drop(seed).mean().dropna()
        of[seed] = by.loc[seed, others.idxmax()] - by.loc[seed, others.idxmin()]
    return pd.Series(of, dtype=float)


def at(cells: pd.DataFrame, which: int) -> pd.DataFrame:
    """The cells of the smallest T (0) or the largest (-1)."""
    sizes = sorted(cells["T"].unique())
    return cells[cells["T"] == sizes[which]] if sizes else cells


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """Spread over settings at the T where it is largest, by m."""
    of = with_setting(tables.cells)
    worst = spreads(of, "test_loss").settings.groupby("m").max().dropna() if len(of) else pd.Series(dtype=float)
    return {f"sd_settings_m{m}": float(value) for m, value in worst.items()}


@question("How far does test loss move with the hyperparameters, by m?", source="the paper's appendix")
def sensitive(tables: Tables, measure: Any) -> Finding:
    """Standard deviation of test loss over settings, beyond what initialisations make."""
    of = with_setting(tables.cells)
    each = {seed: spreads(runs, "test_loss").settings for seed, runs in of.groupby("data_seed")}
    if not each:
        return Finding()
    squares = pd.DataFrame(each).pow(2).groupby("m").mean()
    over_T = squares[squares.notna().any(axis=1)].pow(0.5)
    return Finding(
        [intervals.mean(f"standard deviation at m = {m}", row) for m, row in over_T.iterrows()],
        labelled(pd.DataFrame(each).mean(axis=1).dropna(), "T", "m"),
        """Over settings, of the mean over a training set's initialisations, less what these make; root mean square
        over T. Shown: at each T. The paper calls its results quite sensitive, most of all at few hidden dimensions.""",
    )


@question(
    "Do the hyperparameters decide whether features have appeared by the largest T?", source="the paper's appendix"
)
def features(tables: Tables, measure: Any) -> Finding:
    """Features learned at the setting with most less that with fewest, by m."""
    last = at(with_setting(tables.cells), -1)
    apart = {int(str(m)): moved(of, "features_learned") for m, of in last.groupby("m")}
    return Finding(
        [intervals.mean(f"features, most less fewest, at m = {m}", of) for m, of in apart.items() if len(of)],
        labelled(last.groupby(["m", "setting"]).features_learned.mean(), "m", "setting") if len(last) else None,
        f"""A feature is learned if D_f > {measure.learned}. Which settings have most and fewest is read off the other
        training sets. Shown: means by setting.""",
    )


@question("Do the hyperparameters decide whether few points form a regular polygon?", source="the paper's appendix")
def polygons(tables: Tables, measure: Any) -> Finding:
    """The share of regular polygons at the setting with most less that with fewest, m = 2."""
    of = with_setting(tables.cells)
    first = at(of[of.m == 2], 0)
    first = first[first.regular.notna()]
    if not len(first):
        return Finding()
    share, apart = first.regular.astype(float).groupby(first.setting).mean(), moved(first, "regular")
    return Finding(
        [intervals.mean("share of regular polygons, most less fewest", apart)] if len(apart) else [],
        labelled(share, "setting"),
        """Of a training set's initialisations, at the smallest T. Which settings have most and fewest is read off the
        other training sets. Shown: shares by setting.""",
    )
