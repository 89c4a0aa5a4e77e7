"""What the README shows of arrays of one's own runs, and points that cannot be are refused in one line."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from stages.families.toy.fit import FitError, as_points, fit
from tests.conftest import ROOT


def test_everything_that_the_page_shows_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "stages/statistics/README.md").read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    for block in blocks:
        exec(block, found)
    assert len(blocks) == 5 and found["D_star"].sum() == pytest.approx(64)
    assert ((found["D_x"] >= 0) & (found["D_x"] <= 1)).all()
    assert found["memorization"].mean() == pytest.approx(1, abs=0.1) and found["reliability"] < 0.5
    assert found["loss"] < 0.1 and found["h"].shape == (5, 2) and found["ends"].shape == (5, 200)


def test_arrays_tensors_and_sparse_arrays_are_the_same_points() -> None:
    X = np.array([[0.0, 0.6, 0.8], [1.0, 0, 0]])
    first, *others = (fit(of, m=1, steps=200) for of in (X, torch.tensor(X), sparse.csr_array(X), X.tolist()))
    for other in others:
        np.testing.assert_array_equal(first.model.W, other.model.W)
        assert first.loss == other.loss
    assert not np.array_equal(first.model.W, fit(X, seed=1, m=1, steps=200).model.W)


def test_points_are_left_as_they_are() -> None:
    X = sparse.csr_array(([0.0, 1.0, 2.0], ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
    assert as_points(X).feature.tolist() == [1, 1] and X.nnz == 3


@pytest.mark.parametrize(
    ("X", "says"),
    [
        ([1.0, 2.0], r"points have shape \(2,\); allowed: \(T, n\), a row a point"),
        (sparse.csr_array((0, 3)), r"points have shape \(0, 3\); allowed"),
        ([[1e300, 1.0]], "a feature of a point is inf; allowed: finite numbers from 0"),
        ([[1.0, -2.0]], "a feature of a point is -2; allowed: finite numbers from 0"),
        ([[1.0, np.nan]], "a feature of a point is nan; allowed: finite numbers from 0"),
        ([[1.0, 0], [0, 0]], "point 1 is 0 everywhere; allowed: points of one feature or more"),
    ],
)
def test_points_that_cannot_be_are_refused(X: Any, says: str) -> None:
    with pytest.raises(FitError, match=says):
        as_points(X)


@pytest.mark.parametrize(
    ("training", "says"),
    [
        ({"M": 3}, "M is no parameter of training; allowed: beta1, beta2, "),
        ({"m": 3}, "m is 3; allowed: m <= n, and n is 2"),
        ({"m": 1, "lr": -1.0}, "lr is -1.0: Input should be greater than 0"),
        ({"m": 1, "corners": 3}, "corners"),
        ({"m": 1, "weight_decay": 1e6, "steps": 2000}, "training diverged after .* steps; a smaller lr"),
    ],
)
def test_parameters_that_cannot_be_are_refused(training: dict[str, Any], says: str) -> None:
    with pytest.raises(FitError, match=says):
        fit([[1.0, 0.0], [0.5, 0.5]], **training)
