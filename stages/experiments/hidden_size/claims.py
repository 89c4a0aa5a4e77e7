"""The T x m map of test loss, and where more data or more hidden dimensions raise it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, labelled
from stages.claims.regimes import ENOUGH, POLYGONS_END
from stages.core.tables import Tables

CLEAR = 4  # standard errors: a rise that the map marks
SMALL = 3  # hidden dimensions up to which models are inconsistent
FEWER = 0.5  # of their deviations: what "much more consistent" is taken to mean


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


def standard_error(cells: pd.DataFrame) -> float:
    """Of the mean test loss over training sets, all of which meet the same test points."""
    over_sets = cells.test_loss.std(ddof=1) / np.sqrt(len(cells)) if len(cells) > 1 else 0.0
    return float(np.hypot(over_sets, cells.test_loss_se.mean()))


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


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The largest rise of the mean along each axis."""
    of = table(tables.cells).dropna()  # those of several training sets
    found = {name: rises(of, name) for name in ("T", "m")}
    return {f"rise_along_{name}": max(rise.height for rise in of) for name, of in found.items() if of}


@claim("P13", "more data hurts somewhere", source="T x m map", says="double descent along T")
def data_hurts(tables: Tables, measure: Any) -> Finding:
    """The largest rise of test loss along T."""
    return _hurts(tables.cells, "T")


@claim("P13", "more hidden dimensions hurt somewhere", source="T x m map", says="double descent along m")
def size_hurts(tables: Tables, measure: Any) -> Finding:
    """The largest rise of test loss along m."""
    return _hurts(tables.cells, "m")


def _hurts(cells: pd.DataFrame, along: str) -> Finding:
    """Each training set's rise where the others have their largest one."""
    other = "m" if along == "T" else "T"
    losses = cells[cells.selected].pivot_table(index="data_seed", columns=[other, along], values="test_loss").dropna()
    found = {}
    for seed in losses.index if len(losses) > 2 else []:
        largest = max(
            rises(table(cells[cells.data_seed != seed]).dropna(), along), key=lambda rise: rise.height, default=None
        )
        if largest:
            found[seed] = losses.loc[seed, (largest.at, largest.peak)] - losses.loc[seed, (largest.at, largest.start)]
    every = rises(table(cells).dropna(), along)
    return Finding(
        [intervals.more_often(f"whose test loss rises along {along}", pd.Series(found, dtype=float))] if found else [],
        {f"{other}={rise.at}, {along}={rise.start} to {rise.peak}": rise.height for rise in every} or None,
        f"""From T = {POLYGONS_END} on; more than half of the training sets. Each one's rise is taken where the mean of
        the others rises most, so that the choice of the place adds nothing. Shown: the largest rise of the mean at each
        {other}.""",
    )


@claim(
    "P14",
    "models of more than three hidden dimensions are much more consistent",
    source="T x m map",
    says="much more consistent for m > 3",
)
def consistent(tables: Tables, measure: Any) -> Finding:
    """How far each training set is from the mean of the others, at small and at larger m."""
    of = tables.cells[tables.cells.selected & (tables.cells["T"] >= POLYGONS_END)]
    losses = of.pivot_table(index="data_seed", columns=["m", "T"], values="test_loss").dropna()
    others = (losses.sum() - losses) / max(1, len(losses) - 1)
    apart = ((losses - others) / losses.mean()).abs().T.groupby("m").max().T  # at the worst T of each m
    m = apart.columns.to_numpy()
    # of few sets each is a large part of the others' mean, so that their distances are not independent
    known = len(losses) >= ENOUGH and (m <= SMALL).any() and (m > SMALL).any()
    spread = of.groupby(["m", "T"]).test_loss.agg(lambda losses: losses.std(ddof=1) / losses.mean()).groupby("m").max()
    what = f"largest difference at m > {SMALL} over the largest at m <= {SMALL}"
    share = apart.loc[:, m > SMALL].max(axis=1) / apart.loc[:, m <= SMALL].max(axis=1) if known else pd.Series()
    return Finding(
        [intervals.ratio(what, share, most=FEWER)],
        {"standard deviation over mean, at the worst T": labelled(spread.dropna(), "m")} if len(of) else None,
        """Difference: of a training set's test loss from the mean of the others, over the mean of all, at the T of each
        m where it is largest. Much more consistent: less than half as large at every m.""",
    )
