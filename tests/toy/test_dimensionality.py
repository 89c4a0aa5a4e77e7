"""stages/statistics/dimensionality.py against the double loop of the definition, and its invariants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import whitening

vectors = arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 6)), elements=st.floats(-10, 10, width=32))


def by_definition(v: np.ndarray) -> np.ndarray:
    D = np.zeros(len(v))
    for i, vi in enumerate(v):
        length = np.linalg.norm(vi)
        if length > 0:
            D[i] = length**2 / sum(((vi / length) @ vj) ** 2 for vj in v)
    return D


@given(vectors)
@settings(deadline=None, max_examples=100, derandomize=True)
def test_it_is_the_definition_lies_in_0_1_and_sums_to_at_most_m(v: np.ndarray) -> None:
    v = np.where(abs(v) < 1e-3, 0, v)
    D = dimensionality(v)
    np.testing.assert_allclose(D, by_definition(v), rtol=1e-9)
    assert (D >= 0).all() and (D <= 1 + 1e-12).all() and D.sum() <= v.shape[1] + 1e-9


def test_it_follows_permutations_and_ignores_rotations_and_scale() -> None:
    rng = np.random.default_rng(0)
    v = rng.normal(size=(20, 3))
    rotation, order = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.permutation(20)
    np.testing.assert_allclose(dimensionality(7 * v @ rotation), dimensionality(v), rtol=1e-12)
    np.testing.assert_allclose(dimensionality(v[order]), dimensionality(v)[order], rtol=1e-12)


@pytest.mark.parametrize("T", [3, 4, 5, 8])
def test_corners_of_a_regular_polygon_have_two_over_T(T: int) -> None:
    angle = 2 * np.pi * np.arange(T) / T
    np.testing.assert_allclose(dimensionality(np.stack([np.cos(angle), np.sin(angle)], axis=1)), 2 / T)


def test_a_vector_of_length_zero_has_none_and_takes_none() -> None:
    np.testing.assert_allclose(dimensionality([[0, 0], [1, 0], [0, 2]]), [0, 1, 1])


def test_a_weight_is_as_many_copies() -> None:
    v, weight = np.random.default_rng(0).normal(size=(6, 3)), np.array([1, 2, 1, 5, 1, 3])
    copies = np.repeat(np.arange(6), weight)
    np.testing.assert_allclose(dimensionality(v, weight)[copies], dimensionality(v[copies]), rtol=1e-12)


@pytest.mark.parametrize("of", [dimensionality, whitening], ids=["D", "D*"])
def test_what_is_not_finite_or_no_table_is_refused(of: Callable[[Any], Any]) -> None:
    v = np.ones((4, 2))
    v[1, 0], v[3] = np.nan, np.inf
    with pytest.raises(ValueError, match="2 of 4 vectors hold a number that is not finite; allowed: finite numbers"):
        of(v)
    with pytest.raises(ValueError, match=r"vectors have shape \(3,\); allowed: \(k, m\), a row a vector"):
        of([1.0, 2.0, 3.0])
