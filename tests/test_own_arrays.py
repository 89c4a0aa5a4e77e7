"""What the README shows of arrays of one's own runs, and points that cannot be are refused in one line."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from stages import arrays
from stages.arrays import ArrayError
from stages.core.errors import UserError
from stages.families.toy.fit import FitError, as_points, fit
from stages.families.toy.model.model import Model
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


RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(40, 3)).astype(np.float32)
SCORES, HELD = RNG.normal(size=(8, 30)).astype(np.float32), RNG.random((8, 30)) < 0.5
MODEL = Model(RNG.normal(size=(1, 3)).astype(np.float32), np.full(3, 0.1, dtype=np.float32))


def _tensor(values: Any) -> torch.Tensor:
    """As a network leaves it: with its gradient, where a number has one."""
    tensor = torch.tensor(values)
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


@pytest.mark.parametrize(
    "given",
    [
        _tensor,
        np.ndarray.tolist,
        sparse.csr_array,
        lambda values: _tensor(values).to_sparse(),
        lambda values: list(_tensor(values)),  # as batches are put together
    ],
)
@pytest.mark.parametrize(
    ("function", "of"),
    [
        (arrays.dimensionality, [VECTORS]),
        (arrays.maximal_dimensionality, [VECTORS]),
        (arrays.counterfactual, [SCORES, HELD]),
        (arrays.split_half, [SCORES, HELD]),
        (lambda H: arrays.sparse_coding(H, count=4, sparsity=0.1), [VECTORS]),
        (lambda H, atoms: arrays.recovered(H, atoms, cosine=0.9), [VECTORS, VECTORS[:9] + 0.1]),
        (lambda X: arrays.fit(X, m=1, steps=200).model.W, [abs(VECTORS)]),
        (lambda X: arrays.iterate(MODEL, X, most=5).x, [abs(VECTORS)]),
    ],
)
def test_tensors_lists_and_sparse_arrays_are_measured_as_arrays_are(function: Any, of: list[Any], given: Any) -> None:
    expected, found = function(*of), function(*(given(values) for values in of))
    for one, other in zip(*(of if isinstance(of, tuple) else (of,) for of in (expected, found)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bfloat16_is_measured_in_float64() -> None:
    rounded = torch.tensor(VECTORS).bfloat16()
    D = arrays.dimensionality(rounded)
    np.testing.assert_array_equal(D, arrays.dimensionality(rounded.double()))
    assert D.dtype == np.float64


def test_memorisation_is_that_of_a_direct_loop() -> None:
    expected = [
        np.mean([float(s) for s, is_in in zip(SCORES[:, k], HELD[:, k], strict=True) if is_in])
        - np.mean([float(s) for s, is_in in zip(SCORES[:, k], HELD[:, k], strict=True) if not is_in])
        for k in range(SCORES.shape[1])
    ]
    np.testing.assert_allclose(arrays.counterfactual(SCORES, HELD.astype(int)), expected, rtol=1e-6)


def test_maximal_dimensionality_is_the_diagonal_of_the_projection() -> None:
    H = VECTORS.astype(float)
    np.testing.assert_allclose(arrays.maximal_dimensionality(VECTORS), np.diag(H @ np.linalg.pinv(H)), rtol=1e-9)


def test_hidden_vectors_are_W_x() -> None:
    np.testing.assert_allclose(arrays.hidden(MODEL, VECTORS), VECTORS @ MODEL.W.T, rtol=1e-5)


def test_a_dictionary_of_which_nothing_is_in_use_recovers_nothing() -> None:
    atoms = arrays.sparse_coding(VECTORS, count=4, sparsity=100).atoms
    assert atoms.shape == (0, 3) and arrays.recovered(VECTORS, atoms, cosine=0.9) == (0, 0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: arrays.dimensionality([1.0, 2.0]), r"vectors has shape \(2,\); allowed: two axes, each of length 1"),
        (lambda: arrays.dimensionality(torch.ones(3)), r"vectors has shape \(3,\); allowed"),
        (lambda: arrays.dimensionality(np.zeros((0, 3))), r"vectors has shape \(0, 3\); allowed"),
        (
            lambda: arrays.dimensionality([["1", "2"]]),
            "vectors is no table of real numbers; allowed: rows of one length",
        ),
        (lambda: arrays.dimensionality(VECTORS * 1j), "vectors is no table of real numbers"),
        (lambda: arrays.dimensionality([[10**400]]), "vectors is no table of real numbers"),
        (lambda: arrays.dimensionality([[1.0, np.nan], [np.inf, 0]]), "vectors has 2 of 2 rows with NaN or inf"),
        (lambda: arrays.maximal_dimensionality([[1.0], [1.0, 2.0]]), "H is no table of real numbers"),
        (lambda: arrays.fit([["a", "b"]], m=1), "X is no table of real numbers"),
        (lambda: arrays.polygon(2), "T is 2; allowed: integers from 3"),
        (lambda: arrays.counterfactual(SCORES, HELD[:, :5]), r"score has shape \(8, 30\) and trained_on \(8, 5\)"),
        (
            lambda: arrays.counterfactual(SCORES, HELD * 0.5),
            "trained_on holds 0.5; allowed: True and False, or 1 and 0",
        ),
        (lambda: arrays.counterfactual(SCORES, HELD * np.nan), "trained_on has 8 of 8 rows with NaN or inf"),
        (lambda: arrays.split_half(SCORES[:3], HELD[:3]), "score has 3 rows; allowed: 4 models or more"),
        (lambda: arrays.sparse_coding(VECTORS, 0, 0.1), "count is 0; allowed: integers from 1"),
        (lambda: arrays.sparse_coding(VECTORS, True, 0.1), "count is True; allowed: integers from 1"),
        (lambda: arrays.sparse_coding(VECTORS, 3, np.nan), "sparsity is nan; allowed: numbers between 0 and inf"),
        (lambda: arrays.sparse_coding(VECTORS, 3, "0.3"), "sparsity is '0.3'; allowed: numbers between 0 and inf"),
        (lambda: arrays.sparse_coding(VECTORS, 3, 0.1, seed=-1), "seed is -1; allowed: integers from 0"),
        (lambda: arrays.recovered(VECTORS, VECTORS[:, :2], 0.9), "targets have 3 columns and atoms 2; allowed"),
        (lambda: arrays.recovered(VECTORS, VECTORS, 90), "cosine is 90; allowed: numbers between -1 and 1"),
        (lambda: arrays.hidden(MODEL, VECTORS[:, :2]), "X has 2 columns; allowed: the model's 3 features"),
        (lambda: arrays.iterate(MODEL, VECTORS, most=0), "most is 0; allowed: integers from 1"),
    ],
)
def test_arrays_that_cannot_be_are_refused_in_one_line(call: Any, says: str) -> None:
    with pytest.raises(ArrayError, match=says) as error:
        call()
    assert isinstance(error.value, UserError) and "\n" not in str(error.value)


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
