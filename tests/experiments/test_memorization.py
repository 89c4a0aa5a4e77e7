"""Claims of memorization, on tables made up to be known. Figures: tests/digits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.memorization import SCORES
from stages.experiments.memorization import claims as memorization_claims
from tests.experiments.verdicts import finding, part

ASKED = SimpleNamespace(memorized=0.05)
MEANS, BEST, WAY = "high D* mean memorised", "tell more than other scores", "some time in training"
TOP, HALVES = "highest D* memorised more", "two halves"
TASKS = (
    ("all", "memorisation", "rank correlation"),
    ("all", "most memorised", "ROC area"),
    ("right", "most memorised", "ROC area"),
    ("all", "wrong labels", "ROC area"),
)


def tables(inits: int = 4, **value: float) -> Tables:
    """Models whose answers are .5, higher by a little at the first epoch, but for these; 200 images of each."""
    cells = pd.DataFrame({"cell": range(inits), "init_seed": range(inits), "data_seed": 0, "epoch": 30})
    cells = cells.assign(models=8, reliability_log=0.9, reliability_correct=0.8)
    rows = [
        {"cell": cell, "epoch": epoch, "labels": labels, "asks": asks, "statistic": statistic, "score": score}
        | {"value": value.get(score, 0.5) + 0.001 * cell + (0.1 if epoch == 1 and score == "D_after" else 0)}
        for cell in cells.cell
        for epoch in (1, 30)
        for labels, asks, statistic in TASKS
        for score in SCORES
    ]
    image = np.arange(200.0)
    items = [
        pd.DataFrame({"cell": cell, "D_after": image}).assign(
            memorization_log=image / 100, memorization_even=image, memorization_odd=image, label=0, true_label=0
        )
        for cell in cells.cell
    ]
    return Tables({"cells": cells, "scores": pd.DataFrame(rows), "items": pd.concat(items, ignore_index=True)})


def judged(**values: Any) -> Summary:
    return judge(memorization_claims, tables(**values), ASKED)


def test_scores_are_compared_at_the_end_of_training_and_on_the_way() -> None:
    found = judged(D_before=0.6, loss=0.8)
    assert part(found, MEANS, "rank correlation").effect == pytest.approx(0.5015)
    assert [of.effect for of in finding(found, BEST).parts] == pytest.approx([-0.2] * 4)
    shown = finding(found, BEST).shown
    assert shown is not None and next(iter(shown["wrong labels"])) == SCORES["loss"]
    assert part(found, WAY, "when largest").effect == pytest.approx(-0.2)
    assert part(judged(loss=0.55), WAY, "when largest").effect == pytest.approx(0.05)  # at the first epoch
    assert found.headline == pytest.approx({"reliability": 0.9, "rho_D": 0.5015})
    assert part(found, HALVES, "log-probability").sets == 1  # of one ensemble
    assert part(found, TOP, "nats").effect == pytest.approx(1.945 - 0.945)


def test_nothing_trained_claims_nothing() -> None:
    made = tables()
    empty = Tables({name: made[name].head(0) for name in ("cells", "scores", "items")})
    found = judge(memorization_claims, empty, ASKED)
    assert not found.claims and not found.headline
    assert not any(of.sets for _, answer in found.questions for of in answer.parts)
