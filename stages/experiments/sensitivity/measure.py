"""How far results move with each hyperparameter and with the seeds, by the number of hidden dimensions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.claims import Claim, Summary, labelled
from stages.params import Measure
from stages.tables import Column
from stages.toy.data import Points
from stages.toy.model import Model
from stages.toy.polygon import is_regular

COLUMNS = {"regular": Column(bool, "m = 2: the hidden vectors form a regular T-gon, within measure.regular")}
KNOBS = ("init", "init_scale", "lr", "eps")


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    return {"regular": is_regular(model.hidden(points), measure.regular) if model.m == 2 and points.T > 2 else None}


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
    """By (T, m): standard deviation of a column over settings (of their means), and over seeds within one."""
    by = ["T", "m"]
    means = cells.groupby([*by, "setting"])[column].mean()
    within = cells.groupby([*by, "setting"])[column].var(ddof=1)
    return pd.DataFrame({"settings": means.groupby(by).std(ddof=1), "seeds": within.groupby(by).mean() ** 0.5})


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Sensitivity falls with m; how much each knob moves."""
    of = with_setting(cells)
    sizes = sorted(of["T"].unique())
    claims = [
        _falls(of, "settings", "results are sensitive to hyperparameters, most at few hidden dimensions"),
        _falls(of, "seeds", "more than three hidden dimensions give more consistent results"),
        _onset(of[of["T"] == sizes[-1]] if sizes else of, measure),
        _polygons(of[(of["T"] == sizes[0]) & (of.m == 2)] if sizes else of),
    ]
    worst = spreads(of, "test_loss").groupby("m").max() if len(of) else pd.DataFrame()
    return Summary({f"sd_settings_m{m}": float(row.settings) for m, row in worst.iterrows()}, claims)


def _falls(of: pd.DataFrame, over: str, text: str) -> Claim:
    worst = spreads(of, "test_loss")[over].groupby("m").max() if len(of) else pd.Series(dtype=float)
    small, large = worst[worst.index <= 3], worst[worst.index > 3]
    known = len(small) > 0 and len(large) > 0
    return Claim(
        text,
        "appendix; T x m map",
        "quite sensitive, especially for low hidden dimension; much more consistent for m > 3",
        labelled(worst, "m") if known else None,
        labelled(spreads(of, "test_loss")[over], "T", "m") if len(of) else None,
        bool(large.max() < small.max() / 2) if known else None,
        f"standard deviation of test loss over {over}, at the T where it is highest (spread: at each); holds if at "
        "every m > 3 it is below half of the larger of m = 2 and 3",
    )


def _onset(of: pd.DataFrame, measure: Measure) -> Claim:
    learned = of.groupby(["m", "setting"]).features_learned.mean()
    low, high = learned.groupby("m").min(), learned.groupby("m").max()
    known = len(low) > 1
    return Claim(
        "whether features have appeared hangs on the hyperparameters, most at few hidden dimensions",
        "appendix",
        "quite sensitive, especially for low hidden dimension",
        {f"m={m}": f"{low[m]:.3g} to {high[m]:.3g}" for m in low.index} if known else None,
        labelled(learned, "m", "setting"),
        int(str(((high - low) / low.index.to_numpy(float)).idxmax())) <= 3 if known else None,
        f"features of D_f > {measure.learned} at the largest T, just past their onset: the least and the greatest mean "
        "among settings; holds if the range, for each hidden dimension, is widest at m = 2 or 3",
    )


def _polygons(of: pd.DataFrame) -> Claim:
    share = of.assign(regular=of.regular.astype(float)).groupby("setting").regular.mean()
    known = len(share) > 1
    return Claim(
        "whether few points form a regular polygon hangs on the hyperparameters",
        "appendix",
        "quite sensitive",
        labelled(share, "setting") if known else None,
        {"runs of each": int(of.groupby("setting").size().min())} if known else None,
        bool(share.max() - share.min() >= 0.5) if known else None,
        "share of regular polygons at the smallest T and m = 2; holds if settings differ by at least a half",
    )
