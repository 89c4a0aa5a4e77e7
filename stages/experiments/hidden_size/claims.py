"""The T x m map of test loss, and where more data or more hidden dimensions raise it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.tables import Tables
from stages.statistics.regimes import CLEAR, POLYGONS_END, standard_error

SEVERAL = 3  # lines with a clear rise: where test loss is the same throughout, noise makes so many in 1 % of maps


class Rise(NamedTuple):
    """The largest rise of mean test loss along one line of the map, T or m growing and the other fixed."""

    at: int  # the other's value
    start: int
    peak: int
    height: float
    standard_error: float

    @property
    def is_clear(self) -> bool:
        """Whether it is more than CLEAR standard errors high."""
        return self.height > CLEAR * self.standard_error


def table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each (T, m): mean test loss, its standard error, and the spread over training sets."""
    groups = cells[cells.selected].groupby(["T", "m"])
    loss = groups.test_loss
    errors = np.array([standard_error(of) for _, of in groups])
    return pd.DataFrame({"mean": loss.mean(), "error": errors, "spread": loss.std(ddof=1)})


def rises(of: pd.DataFrame, along: str) -> list[Rise]:
    """The largest rise along each line of `table`'s map that has one; from T = 30 on, where polygons end."""
    other = "m" if along == "T" else "T"
    lines = of[of.index.get_level_values("T") >= POLYGONS_END].reset_index().sort_values(along)
    found = []
    for value, line in lines.groupby(other):
        mean, error, x = (line[name].to_numpy() for name in ("mean", "error", along))
        gains = mean[None, :] - mean[:, None]  # [start, peak]
        gains[np.tril_indices(len(x))] = -np.inf
        if len(x) < 2 or gains.max() <= 0:
            continue
        i, k = np.unravel_index(int(gains.argmax()), gains.shape)
        found.append(Rise(int(str(value)), int(x[i]), int(x[k]), mean[k] - mean[i], float(np.hypot(*error[[i, k]]))))
    return found


def summary(tables: Tables, measure: Any) -> Summary:
    """More data, and more hidden dimensions, each hurt somewhere; larger models are more consistent."""
    of = table(tables.cells).dropna()  # those of several training sets
    along_T, along_m = rises(of, "T"), rises(of, "m")
    lines = {name: of.index.get_level_values(name).nunique() for name in ("T", "m")}
    claims = [
        _hurts("more data hurts somewhere", "T", along_T, enough=lines["m"] >= SEVERAL and lines["T"] > 1),
        _hurts("more hidden dimensions hurt somewhere", "m", along_m, enough=lines["T"] >= SEVERAL and lines["m"] > 1),
        _consistent(of),
    ]
    headline = {f"rise_along_{name}": max(r.height for r in rs) for name, rs in (("T", along_T), ("m", along_m)) if rs}
    return Summary(headline, claims)


def _hurts(text: str, along: str, found: list[Rise], *, enough: bool) -> Claim:
    other = "m" if along == "T" else "T"
    clear = [rise for rise in found if rise.is_clear]
    best = max(clear or found, key=lambda rise: rise.height / rise.standard_error, default=None)
    return Claim(
        text,
        "T x m map",
        "double descent along both axes",
        best
        and {
            "lines with a clear one": len(clear),
            f"{other}={best.at}": f"{along} from {best.start} to {best.peak}",
            "rise of test loss": best.height,
            "standard error": best.standard_error,
        },
        {f"{other}={rise.at}": [rise.start, rise.peak, rise.height, rise.standard_error] for rise in found},
        len(clear) >= SEVERAL if enough else None,
        f"measured: the clearest rise of mean test loss along {along} at one {other}, from T = {POLYGONS_END} on; "
        f"holds if at {SEVERAL} values of {other} or more there is one of over {CLEAR} standard errors, which noise "
        f"alone makes in 1 % of maps. Spread: start, peak, height, standard error of the largest rise at each {other}",
    )


def _consistent(of: pd.DataFrame) -> Claim:
    middle = of[of.index.get_level_values("T") >= POLYGONS_END].reset_index()
    middle = middle.assign(share=middle.spread / middle["mean"])
    spread = middle.groupby("m").share.max()
    small, large = (spread[spread.index <= 3], spread[spread.index > 3])
    both = len(small) > 0 and len(large) > 0
    return Claim(
        "models of more than three hidden dimensions are much more consistent",
        "T x m map",
        "much more consistent for m > 3",
        labelled(spread, "m") if both else None,
        None,
        bool(large.max() < small.max() / 2) if both else None,
        "standard deviation of test loss over training sets, as a share of its mean, at the worst T; holds if at every "
        "m > 3 it is less than half of the larger of m = 2 and 3",
    )
