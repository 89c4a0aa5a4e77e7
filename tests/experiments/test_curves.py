"""Claims of experiments that compare curves of test loss, on tables made up to be known (the middle: T = 69 to 680)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages import claims
from stages.claims import FAILS, HOLDS, UNDECIDED, Summary
from stages.claims.regimes import bump_rises, find_bump
from stages.core.tables import Tables
from stages.experiments.regularization import claims as regularization
from stages.experiments.replication_gap import claims as replication_gap
from stages.experiments.variants import claims as variants
from tests.conftest import MEASURE
from tests.experiments.verdicts import finding, part, verdict

KNOB, EQUAL, COLLAPSE = "one knob", "bit for bit", "what matters is eps"
SIZES = (30, 100, 200, 400, 1000)


def curve(height: float, **columns: Any) -> pd.DataFrame:
    """Ten runs at each T, with a bump so high at T = 200."""
    rows = [
        {"T": T, "data_seed": seed, "init_seed": 0, "S": 0.99, "n": 1000, "m": 2, "selected": True}
        | {"test_loss": 1.0 + (height if T == 200 else 0.0) + 1e-5 * seed, "test_loss_se": 1e-5, "zero_loss": 1.0}
        | {"norm_b": 3.0, "power": 2, "hidden": "linear", "tied": True, "importance": 1.0, "digest": f"{T}-{seed}"}
        | {"reduction": "sum", "eps": 1e-3, "weight_decay": 1e-2, "steps": 100}
        for T in SIZES
        for seed in range(10)
    ]
    return pd.DataFrame(rows).assign(**columns)


def judged(experiment: ModuleType, cells: pd.DataFrame) -> Summary:
    return claims.judged(experiment, Tables({"cells": cells}), MEASURE)


def test_a_bump_is_found_where_it_is() -> None:
    bump = find_bump(curve(0.1))
    assert bump is not None and (bump.T, bump.dip_T) == (200, 30) and bump.height == pytest.approx(0.1)


def test_a_rise_is_taken_where_the_other_training_sets_have_theirs() -> None:
    cells = curve(0.0)
    cells["test_loss"] += np.random.default_rng(0).normal(0, 0.01, len(cells))
    own = cells.pivot(index="data_seed", columns="T", values="test_loss")
    chosen = (own[[100, 200, 400]].max(axis=1) - own[[30, 100]].min(axis=1)).mean()
    assert chosen > 0.01 and abs(bump_rises(cells).rise.mean()) < 0.7 * chosen  # what is picked by itself always rises
    rises = bump_rises(curve(0.1))
    assert len(rises) == 10 and rises.rise.to_list() == pytest.approx([0.1] * 10)
    assert len(bump_rises(curve(0.1).query("data_seed < 2"))) == 0
    few = curve(0.1).query("data_seed < 4 or T in (100, 200, 1000)")  # most training sets have these T alone
    assert len(bump_rises(few)) == 10


def test_every_variant_gets_its_claim_in_units_of_an_output_of_zero() -> None:
    tables = [curve(0.1), curve(0.2, power=4, eps=1e-8, zero_loss=2.0), curve(-0.1, hidden="relu", eps=1e-8)]
    tables += [curve(0.1, tied=False), curve(0.3, hidden="relu", eps=1e-6)]
    found = judged(variants, pd.concat(tables).iloc[::-1])
    texts = ("the paper's", "falls: fourth power", "falls: ReLU on h", "falls: absolute error")
    assert [verdict(found, text) for text in texts] == [HOLDS, HOLDS, FAILS, UNDECIDED]
    assert part(found, "as large: ReLU on h", "rise").effect == pytest.approx(0.3)
    assert finding(found, "rises before it falls: fourth power").shown["T=200"] == pytest.approx(0.6, abs=1e-4)
    asked = part(found, "not tied", "rise")
    assert asked.effect == pytest.approx(0.1) and asked.least == -np.inf
    assert found.headline == {"variants": 5, "variants_with_bump": 4}


def test_decay_and_steps_are_compared_each_at_the_other_s_usual_value() -> None:
    cells = [curve(height, weight_decay=decay) for decay, height in ((1e-3, 0.5), (1e-2, 0.3), (1.0, 0.0))]
    cells += [curve(height, steps=steps) for steps, height in ((10, 0.1), (1000, 0.4))]
    texts = ("a weight decay of 1 removes", "less weight decay", "more steps")
    found = judged(regularization, pd.concat(cells))
    assert [verdict(found, text) for text in texts] == [HOLDS, HOLDS, HOLDS]
    cells[2] = curve(0.4, weight_decay=1.0)
    cells[3] = curve(0.5, steps=10)
    found = judged(regularization, pd.concat(cells))
    assert [verdict(found, text) for text in texts] == [FAILS, FAILS, FAILS]


def test_one_knob_leads_from_large_bumps_to_none() -> None:
    heights = {1e-8: 500.0, 1e-5: 5.0, 1e-3: 0.02, 1e-1: 0.0}  # 1e-3 is .1 of 1 - S, the paper's
    cells = pd.concat([curve(height, eps=eps) for eps, height in heights.items()])
    assert verdict(judged(replication_gap, cells), KNOB) == HOLDS
    cells.loc[(cells.eps == 1e-3) & (cells["T"] == 200), "test_loss"] = 9.0
    assert verdict(judged(replication_gap, cells), KNOB) == FAILS


def test_mean_and_sum_at_the_same_eps_have_to_be_equal_bit_for_bit() -> None:
    mean, summed = curve(0.1, n=1024, reduction="mean", eps=2.0**-20), curve(0.1, n=1024, eps=2.0**-10)
    assert verdict(judged(replication_gap, pd.concat([mean, summed])), EQUAL) == HOLDS
    summed.loc[0, "digest"] = "another"
    assert verdict(judged(replication_gap, pd.concat([mean, summed])), EQUAL) == FAILS
    assert verdict(judged(replication_gap, summed), EQUAL) == UNDECIDED


def test_curves_collapse_if_only_eps_over_one_minus_S_matters() -> None:
    heights = {1e-5: 50.0, 1e-3: 0.5, 1e-1: 0.001}  # by eps / (1 - S)
    cells = [
        curve(height, n=n, S=S, eps=share * (1 - S)).assign(
            T=lambda c, S=S: (c["T"] * 0.01 / (1 - S)).round().astype(int)
        )
        for share, height in heights.items()
        for n, S in ((1000, 0.99), (500, 0.98), (2000, 0.995))
    ]
    assert verdict(judged(replication_gap, pd.concat(cells)), COLLAPSE) == HOLDS
    apart = [table.assign(test_loss=table.test_loss + 30.0 * (table.n == 500)) for table in cells]
    assert verdict(judged(replication_gap, pd.concat(apart)), COLLAPSE) == FAILS
