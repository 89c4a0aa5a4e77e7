"""Settings and spreads on runs made up to be known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stages.claims import Summary, judged
from stages.core.tables import Tables
from stages.experiments.sensitivity import claims
from stages.experiments.sensitivity.claims import moved, spreads, with_setting
from stages.experiments.sensitivity.figure import draw
from stages.experiments.sensitivity.measure import OWN
from stages.families.toy.data.drawing import sample
from stages.families.toy.model.model import Model
from stages.families.toy.model.polygons import polygon_model
from tests.conftest import MEASURE, drawn
from tests.experiments.verdicts import finding, part

LOSS, FEATURES, POLYGONS = EVERY = "How far does", "features have appeared", "polygon?"


def cells(settings: dict[int, float], seeds: dict[int, float], sets: int = 2) -> pd.DataFrame:
    """Runs of three settings; by m, how far test loss moves with the setting and with the training set."""
    usual = {"init": "xavier_normal", "init_scale": 1.0, "lr": 1e-3, "eps": 1e-6}
    turned = [{}, {"lr": 1e-2}, {"init": "xavier_uniform"}]
    rows = [
        {"T": T, "m": m, "status": "trained", "test_loss": 1 + settings[m] * k + seeds[m] * (seed % 2 + 0.01 * seed)}
        | {"features_learned": 5 - settings[m] * 10 * k, "regular": k != 1 if m == 2 else None}
        | {"D_x_ratio_median": 1.0, "data_seed": seed, "init_seed": init}
        | (usual | changes)
        for T in (6, 200)
        for m in settings
        for k, changes in enumerate(turned)
        for seed in range(sets)
        for init in range(1 if changes else 2)  # so that the usual ones are the most frequent
    ]
    return pd.DataFrame(rows)


def judge(cells: pd.DataFrame) -> Summary:
    return judged(claims, Tables({"cells": cells}), MEASURE)


def test_settings_are_named_by_what_is_turned_and_the_usual_comes_first() -> None:
    named = with_setting(cells({2: 0.1}, {2: 0.0}))
    assert list(dict.fromkeys(named.setting)) == ["usual", "init uniform", "lr 0.01"]


def test_spread_over_settings_is_what_seeds_do_not_explain() -> None:
    of = spreads(with_setting(cells({2: 0.1, 4: 0.0}, {2: 0.0, 4: 0.2})), "test_loss")
    assert of.settings[200, 2] == pytest.approx(0.1) and of.seeds[200, 2] == pytest.approx(0)
    assert of.settings[200, 4] == 0 and of.seeds[200, 4] > 0.1


def test_the_settings_that_move_most_are_read_off_the_other_training_sets() -> None:
    of = with_setting(cells({2: 0.1}, {2: 0.0}, sets=3))
    assert moved(of, "test_loss").tolist() == pytest.approx([0.2] * 3)
    noise = of.assign(test_loss=((of.data_seed == 0) & (of.setting == "usual")).astype(float))
    assert moved(noise, "test_loss").tolist() == [0, 0, 0]
    assert not len(moved(of[of.data_seed == 0], "test_loss"))


def test_questions_say_how_far_settings_move_what_is_measured() -> None:
    found = judge(cells({2: 0.2, 4: 0.01}, {2: 0.1, 4: 0.01}, 4))
    assert part(found, LOSS, "m = 2").effect == pytest.approx(0.2)
    assert part(found, FEATURES, "m = 2").effect == pytest.approx(4) and part(found, FEATURES, "m = 4").sets == 4
    assert part(found, POLYGONS, "regular").effect == 1
    assert found.headline.keys() == {"sd_settings_m2", "sd_settings_m4"}


def test_any_part_of_the_grid_is_judged_and_drawn() -> None:
    runs = cells({2: 0.2, 4: 0.01}, {2: 0.1, 4: 0.01})
    for of in (runs, runs[runs.data_seed == 0], runs[runs.m == 4], runs[runs["T"] == 6]):
        assert finding(judge(of), LOSS).parts
        assert draw(Tables({"cells": of}), {}).keys() == {"sensitivity"}
    none = runs.assign(status="failed")
    assert draw(Tables({"cells": none}), {}) == {}
    assert not any(finding(judge(none), text).parts for text in EVERY)
    one = judge(runs[runs.data_seed == 0])  # there are no other sets to read off which settings are farthest apart
    assert finding(one, FEATURES).shown and not finding(one, FEATURES).parts and not finding(one, POLYGONS).parts


def test_a_regular_polygon_is_told_where_there_can_be_one() -> None:
    points = sample(drawn(n=300, S=0.98, T=6, supports="disjoint"))
    exact = Model(*(a.astype(np.float32) for a in polygon_model(points)))
    assert OWN.cell(exact, points, MEASURE) == {"regular": True}
    assert OWN.cell(exact._replace(b=0 * exact.b, W=np.ones_like(exact.W)), points, MEASURE) == {"regular": False}
    assert OWN.cell(exact, points.part(0, 2), MEASURE) == {"regular": None}
    assert OWN.cell(exact._replace(W=np.ones((3, 300), np.float32)), points, MEASURE) == {"regular": None}
