"""Variants by name, on cells made up to be known."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.claims import judged
from stages.core.tables import Tables
from stages.experiments.variants import claims
from stages.experiments.variants.claims import relative
from tests.conftest import MEASURE, ROOT

CELL = {"power": 2, "hidden": "linear", "tied": True, "importance": 1.0, "eps": 1e-6, "selected": True}
LOSSES = {"test_loss": 3.0, "test_loss_se": 1.0, "zero_loss": 2.0}


def _names(*changes: dict[str, Any]) -> list[str]:
    return list(relative(pd.DataFrame([CELL | LOSSES | change for change in changes])).variant)


def test_the_paper_s_model_is_first_and_its_eps_is_the_one_that_no_name_says() -> None:
    other = {"power": 1, "eps": 1e-8}
    assert _names(other, other, other, {"power": 1}, {}) == [
        "the paper's",
        "absolute error, eps 1e-8",
        "absolute error, eps 1e-8",
        "absolute error, eps 1e-8",
        "absolute error",
    ]
    assert _names({}, {}, {"eps": 1e-8}) == ["the paper's", "the paper's", "the paper's, eps 1e-8"]
    assert _names({}, {"eps": 2.5e-6})[1] == "the paper's, eps 2.5e-6"
    assert _names(other, {"hidden": "relu", "tied": False, "importance": 0.9}) == [
        "absolute error, eps 1e-8",
        "ReLU on h, untied weights, falling importance, eps 1e-6",
    ]


def test_losses_are_those_of_selected_cells_over_an_output_of_0() -> None:
    cells = relative(pd.DataFrame([CELL | LOSSES, CELL | LOSSES | {"selected": False}]))
    assert list(cells.test_loss) == [1.5] and list(cells.test_loss_se) == [0.5]
    assert relative(cells[:0]).empty


def test_what_is_judged_and_asked_is_in_the_grid() -> None:
    cells = pd.read_parquet(ROOT / "data/tables/laptop/variants/cells.parquet")
    found = judged(claims, Tables(cells=cells.assign(selected=True)), MEASURE)
    findings = [finding for _, finding in (*found.claims, *found.questions)]
    assert all(finding.parts for finding in findings)
    assert [finding.parts[0].sets for finding in findings[:3]] == [96, 16, 24]
