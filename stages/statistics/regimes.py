"""What several experiments ask of test loss over T: where the paper's regimes lie, and the bump between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

# The paper's shading of Figure 3, from its n = 10,000, S = 0.999 in units that other (n, S) share: T (1 - S)
MIDDLE = (0.69, 6.8)
ONSET = (3, 30)  # T (1 - S): ten, within a factor of about three
CLEAR = 4  # standard errors: where no T differs, noise makes such a bump in 3 to 5 % of trials (two: in a third)
POLYGONS_END = 30  # the last T of the paper's Figure 2, from where its test loss falls smoothly to the bump


class Bump(NamedTuple):
    """The highest mean test loss of the middle regime, and the lowest means on either side of it."""

    T: int
    peak: float
    dip_T: int  # smaller, from POLYGONS_END on
    dip: float
    floor: float  # lowest mean at larger T
    standard_error: float  # of peak - dip, over training sets and test points
    losses: list[float]  # at the peak, a training set each

    @property
    def height(self) -> float:
        """What more data cost: the peak above the dip before it."""
        return self.peak - self.dip

    @property
    def is_clear(self) -> bool:
        """Whether the rise and the fall are both more than CLEAR standard errors of the rise."""
        return bool(min(self.height, self.peak - self.floor) > CLEAR * self.standard_error)


def find_bump(chosen: pd.DataFrame) -> Bump | None:
    """The bump in a table of one cell a (T, data_seed); None where the table has no T on both sides of it."""
    by_T = chosen.groupby("T").test_loss.mean()
    middle = by_T[by_T.index.isin(chosen["T"][(chosen["T"] * (1 - chosen.S)).between(*MIDDLE)])]
    T = int(str(middle.idxmax())) if len(middle) else 0
    before, after = by_T[(by_T.index >= POLYGONS_END) & (by_T.index < T)], by_T[by_T.index > T]
    if not (len(before) and len(after)):
        return None
    dip_T = int(str(before.idxmin()))
    errors = [standard_error(chosen[chosen["T"] == t]) for t in (T, dip_T)]
    losses = sorted(chosen[chosen["T"] == T].test_loss)
    return Bump(T, by_T[T], dip_T, by_T[dip_T], after.min(), float(np.hypot(errors[0], errors[1])), losses)


def standard_error(cells: pd.DataFrame) -> float:
    """Of the mean test loss over training sets, all of which meet the same test points."""
    over_sets = cells.test_loss.std(ddof=1) / np.sqrt(len(cells)) if len(cells) > 1 else 0.0
    return float(np.hypot(over_sets, cells.test_loss_se.mean()))
