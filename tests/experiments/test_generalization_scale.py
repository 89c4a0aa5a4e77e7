"""Where the largest D_f jumps, on curves made up to jump at a known T (1 - S)."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.core.tables import Tables
from stages.experiments.generalization_scale.claims import onset, slices, summary
from tests.conftest import MEASURE

SCALED = (1, 3, 5, 7, 10, 15, 25)


def curve(at: float, S: float = 0.99, *, falls: bool = True, **columns: object) -> pd.DataFrame:
    """Three runs at each T: D_f .02 below the jump, .3 above, and less at the end if it falls."""
    rows = [
        {"T": round(x / (1 - S)), "S": S, "m": 2, "weight_decay": 1e-2, "selected": True, "data_seed": seed}
        | {"D_f_max": 0.02 if x < at else 0.2 if falls and x == SCALED[-1] else 0.3}
        for x in SCALED
        for seed in range(3)
    ]
    return pd.DataFrame(rows).assign(**columns)


def holds(cells: pd.DataFrame) -> dict[str, bool | None]:
    return {claim.claim: claim.holds for claim in summary(Tables({"cells": cells}), MEASURE).claims}


def grid(at: dict[float, float], decays: dict[float, float]) -> pd.DataFrame:
    return pd.concat([curve(x, S) for S, x in at.items()] + [curve(x, weight_decay=d) for d, x in decays.items()])


def test_the_onset_lies_between_the_sizes_that_it_jumps_between() -> None:
    of = slices(curve(7))["S"]
    assert onset(of, 0.2) == (pytest.approx(5 * (7 / 5) ** (0.18 / 0.28)), True)
    assert onset(of[of.scaled >= 7], 0.2) is None  # has jumped, who knows when
    assert onset(of[of.scaled <= 5], 0.2) == (5, False)


def test_curves_that_jump_together_hold_every_claim_of_their_m() -> None:
    found = holds(grid({0.97: 7, 0.99: 7, 0.995: 7}, {1e-3: 7, 1.0: 7}))
    assert found.pop("the collapse is less clean for larger m") is None  # of one m
    assert list(found.values()) == [True] * 4


def test_each_claim_fails_on_what_it_is_about() -> None:
    apart = holds(grid({0.97: 3, 0.99: 15, 0.995: 7}, {1e-3: 15, 1.0: 15}))
    assert apart["against T (1 - S) curves of different S coincide (m = 2)"] is False
    moved = holds(grid({0.97: 7, 0.99: 7}, {1e-3: 3, 1.0: 15}))
    assert moved["weight decay does not move the jump (m = 2)"] is False
    flat = holds(pd.concat([grid({0.97: 7, 0.99: 7}, {1e-3: 7}), curve(99, weight_decay=1.0), curve(99, S=0.995)]))
    assert flat["weight decay does not move the jump (m = 2)"] is False
    assert flat["features appear near T (1 - S) = 10 (m = 2)"] is False
    assert flat["against T (1 - S) curves of different S coincide (m = 2)"] is False
    late = holds(pd.concat([curve(15), curve(99, S=0.97), curve(99, S=0.995)])[lambda of: of["T"] * (1 - of.S) < 16])
    assert late["against T (1 - S) curves of different S coincide (m = 2)"] is None  # may yet jump together
    stays = holds(pd.concat([curve(7, S, falls=False) for S in (0.97, 0.99, 0.995)]))
    assert stays["the largest D_f falls again past the jump (m = 2)"] is False


def test_the_collapse_of_larger_models_is_compared_with_that_of_smaller_ones() -> None:
    small = pd.concat([curve(7, S) for S in (0.97, 0.99)])
    large = pd.concat([curve(7, 0.97), curve(15, 0.99)]).assign(m=4)
    assert holds(pd.concat([small, large]))["the collapse is less clean for larger m"] is True
    assert holds(pd.concat([small.assign(m=4), large.assign(m=2)]))["the collapse is less clean for larger m"] is False
