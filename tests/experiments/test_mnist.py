"""Claims of mnist, on tables made up to be known. Figures: tests/digits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.mnist import claims as mnist_claims
from stages.experiments.mnist.figure import draw
from tests.experiments.verdicts import finding, part, verdict

ASKED = SimpleNamespace(far=50.0, alone=0.5)
ALIKE, TAILS, EVENLY, ODD, GAUSSIAN, EARLY = CLAIMS = (
    "about the same D*",
    "some 100 times the typical",
    "spread evenly",
    "are odd ones",
    "under a Gaussian",
    "has converged",
)
VALIDATION, WRONG = "validation images look like", "wrong labels stand out"


def cells(inits: int, **columns: Any) -> pd.DataFrame:
    """Initialisations on 60,000 images, with a spectrum of both tails, and some images far above the median.

    As many training sets of 10,000, whose images of highest D* are odd.
    """
    base = {"cell": 0, "T": 60_000, "hidden": 512, "wrong": 0.0, "epochs": 20, "epoch": 20, "status": "trained"}
    base |= {"D_min": 1e-3, "D_median": 8e-3, "D_p99": 2e-2, "D_p999": 3e-2, "D_max": 1.0, "D_far": 10, "D_alone": 2}
    base |= {"rank": 500, "D_sum": 500.0, "D_before_max": 0.1, "D_before_median": 7e-3, "validation_accuracy": 0.98}
    base |= {"alone_unit_share": 1.0, "typical_unit_share": 0.03, "validation_outside": 0.0, "selected": False}
    base |= {"validation_D_median": 8e-3, "validation_D_p99": 1.9e-2}
    base |= {"oddness_top": 0.9, "oddness_bottom": 0.1, "likelihood_rho": 0.99, "ascent_rho": 0.95, "ascent_share": 0.4}
    rows = [base | {"cell": seed, "init_seed": seed, "data_seed": 0} for seed in range(inits)]
    own = {"T": 10_000, "epochs": 100, "init_seed": 0}
    rows += [base | own | {"cell": inits + seed, "data_seed": seed} for seed in range(inits)]
    return pd.DataFrame(rows).assign(**columns)


def tables(inits: int = 8, distance: float = 0.02, area: float = 0.5, **columns: Any) -> Tables:
    runs = cells(inits, **columns)
    moments = pd.concat([runs.assign(epoch=epoch) for epoch in (1, 2)])
    spread = distance + 1e-3 * (moments.data_seed % 2)
    scores = runs[["cell", "epoch", "init_seed", "data_seed", "T", "hidden", "wrong"]].assign(
        asks="wrong labels", statistic="ROC area", score="D_after", labels="all", value=area
    )
    history = moments.assign(misclassified=400, misclassified_distance=spread)
    return Tables({"cells": runs, "history": history, "scores": scores})


def judged(**columns: Any) -> Summary:
    return judge(mnist_claims, tables(**columns), ASKED)


def test_a_spectrum_of_two_tails_is_what_is_claimed() -> None:
    found = judged()
    assert [verdict(found, text) for text in CLAIMS] == [HOLDS] * 6
    assert part(found, EVENLY, "5 % point").effect == pytest.approx(0.0205 * 20 / 1.36)
    assert part(found, VALIDATION, "99th").effect == pytest.approx(0.95)
    assert part(found, WRONG, "ROC").sets == 8
    assert found.headline == pytest.approx({"validation_accuracy": 0.98, "D_p999_over_median": 3.75})


@pytest.mark.parametrize(
    ("columns", "claim"),
    [
        ({"D_p99": 0.1}, ALIKE),
        ({"D_p999": 1e-2}, ALIKE),
        ({"D_min": 6e-3}, ALIKE),
        ({"D_far": 7}, TAILS),  # 5 of 60,000 are not alone
        ({"distance": 0.2}, EVENLY),
        ({"oddness_top": 0.6}, ODD),
        ({"likelihood_rho": 0.8}, GAUSSIAN),
        ({"ascent_rho": 0.8}, EARLY),
        ({"ascent_share": 0.95}, EARLY),
    ],
)
def test_each_claim_fails_when_what_it_says_is_not_so(columns: dict[str, Any], claim: str) -> None:
    found = judged(**columns)
    assert {text: verdict(found, text) for text in CLAIMS} == dict.fromkeys(CLAIMS, HOLDS) | {claim: FAILS}


def test_one_initialisation_decides_nothing_nor_does_a_set_that_is_too_small() -> None:
    for found in (judged(inits=1), judged(T=600)):
        assert {verdict(found, text) for text in CLAIMS} == {UNDECIDED}


def test_a_moment_that_two_runs_share_and_those_with_wrong_labels_do_not_count() -> None:
    made = tables(distance=0.2)
    history = pd.concat([tables().history, made.history, made.history.assign(wrong=0.1, epoch=3)])
    found = judge(mnist_claims, Tables({"cells": made.cells, "history": history, "scores": made.scores}), ASKED)
    assert verdict(found, EVENLY) == HOLDS


def test_nothing_trained_claims_nothing_and_draws_nothing() -> None:
    made = tables(status="failed", area=0.7)
    failed = Tables({"cells": made.cells, "history": made.history.head(0), "scores": made.scores.head(0)})
    found = judge(mnist_claims, failed, ASKED)
    assert {verdict(found, text) for text in CLAIMS} == {UNDECIDED} and not found.headline
    assert not finding(found, WRONG).parts[0].sets
    assert draw(failed, {}) == {}
