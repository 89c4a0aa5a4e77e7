"""Settings and spreads on runs made up to be known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.core.claims import Summary
from stages.core.tables import Tables
from stages.experiments.sensitivity.claims import p_value, spreads, summary, with_setting
from stages.experiments.sensitivity.measure import OWN
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import verdict

SPREADS = ("sensitive to hyperparameters", "more consistent results")
HANGS = ("whether features have appeared", "whether few points form")


def cells(settings: dict[int, float], seeds: dict[int, float]) -> pd.DataFrame:
    """Two runs of three settings; by m, how far test loss moves with the setting and with the seed."""
    usual = {"init": "xavier_normal", "init_scale": 1.0, "lr": 1e-3, "eps": 1e-6}
    turned = [{}, {"lr": 1e-2}, {"init": "xavier_uniform"}]
    rows = [
        {"T": T, "m": m, "status": "trained", "test_loss": 1 + settings[m] * k + seeds[m] * seed}
        | {"features_learned": 5 - settings[m] * 10 * k, "regular": k != 1 if m == 2 else None}
        | (usual | changes)
        for T in (6, 200)
        for m in settings
        for k, changes in enumerate(turned)
        for seed in (0, 1)
        for _ in range(1 if changes else 2)  # so that the usual ones are the most frequent
    ]
    return pd.DataFrame(rows)


def judged(cells: pd.DataFrame) -> Summary:
    return summary(Tables({"cells": cells}), MEASURE)


def test_settings_are_named_by_what_is_turned_and_the_usual_comes_first() -> None:
    named = with_setting(cells({2: 0.1}, {2: 0.0}))
    assert list(dict.fromkeys(named.setting)) == ["usual", "init uniform", "lr 0.01"]


def test_spread_over_settings_is_what_seeds_do_not_explain() -> None:
    of = spreads(with_setting(cells({2: 0.1, 4: 0.0}, {2: 0.0, 4: 0.2})), "test_loss")
    assert of.settings[200, 2] == pytest.approx(0.1) and of.seeds[200, 2] == pytest.approx(0)
    assert of.settings[200, 4] == 0 and of.seeds[200, 4] > 0.1


def test_a_permutation_tells_settings_from_chance() -> None:
    setting = pd.Series(list("aaaabbbbcccc"))
    assert p_value(pd.Series([0.0] * 4 + [1.0] * 4 + [2.0] * 4), setting) < 0.01
    assert p_value(pd.Series([0.0, 1.0] * 6), setting) > 0.5
    assert p_value(pd.Series([3.0] * 12), setting) == 1


def test_claims_hold_where_small_models_move_more() -> None:
    wide = cells({2: 0.2, 4: 0.01}, {2: 0.1, 4: 0.01})
    narrow = cells({2: 0.01, 4: 0.2}, {2: 0.01, 4: 0.1}).assign(regular=True)
    one_seed = wide.drop_duplicates(["T", "m", "lr", "init"])
    for runs, expected in ((wide, True), (narrow, False), (wide[wide.m == 2], None), (one_seed, None)):
        assert [verdict(judged(runs), text) for text in SPREADS] == [expected] * 2


def test_what_hangs_on_the_settings_is_told_from_what_does_not() -> None:
    hangs = pd.concat([cells({2: 0.2}, {2: 0.0})] * 2)
    same = hangs.assign(features_learned=0, regular=True)
    one = same[(same.lr == 1e-3) & (same.init == "xavier_normal")]
    for runs, expected in ((hangs, True), (same, False), (one, None)):
        assert [verdict(judged(runs), text) for text in HANGS] == [expected] * 2


def test_a_regular_polygon_is_told_where_there_can_be_one() -> None:
    points = sample(drawn(n=300, S=0.98, T=6, supports="disjoint"))
    exact = Model(*(a.astype(np.float32) for a in polygon_model(points)))
    assert OWN.cell(exact, points, MEASURE) == {"regular": True}
    assert OWN.cell(exact._replace(b=0 * exact.b, W=np.ones_like(exact.W)), points, MEASURE) == {"regular": False}
    assert OWN.cell(exact, points.part(0, 2), MEASURE) == {"regular": None}
    assert OWN.cell(exact._replace(W=np.ones((3, 300), np.float32)), points, MEASURE) == {"regular": None}
