"""Learned dictionaries: planted ones are recovered, and what is said of them is what it is by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.statistics.dictionary import (
    Dictionary,
    autoencoders,
    chance,
    coded,
    factors,
    prevalence,
    recovered,
    sparse_coding,
)

Vectors = NDArray[np.float64]


def planted(dimensions: int, count: int, vectors: int = 1500, *, positive: bool = False) -> tuple[Vectors, Vectors]:
    """Atoms of unit length, and vectors that are sums of one or two of them."""
    rng = np.random.default_rng(0)
    atoms = rng.normal(size=(count, dimensions))
    atoms = np.abs(atoms) * (rng.random(atoms.shape) < 0.3) if positive else atoms
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    code = np.zeros((vectors, count))
    for _ in range(2):
        code[np.arange(vectors), rng.integers(count, size=vectors)] += rng.uniform(0.5, 1.5, vectors)
    return atoms, code @ atoms


@pytest.mark.parametrize(
    "learn",
    [lambda H, k: sparse_coding(H, k, 0.3), lambda H, k: autoencoders(H, k, (0.1, 0.3))[1]],
    ids=["coding", "autoencoder"],
)
def test_more_planted_atoms_than_dimensions_are_recovered(learn: Callable[[Vectors, int], Dictionary]) -> None:
    atoms, H = planted(12, 24)
    found = learn(H, 48)
    share, _ = recovered(atoms, found.atoms, 0.95)
    assert share >= 0.8 and found.left < 0.2 and 0 < found.per_vector < 8
    np.testing.assert_allclose(np.linalg.norm(found.atoms, axis=1), 1)
    assert recovered(atoms, np.random.default_rng(1).normal(size=(48, 12)), 0.95)[0] < 0.1


def test_planted_parts_of_outputs_are_recovered() -> None:
    atoms, X = planted(60, 10, positive=True)
    found = factors(X, 10)
    assert recovered(atoms, found.atoms, 0.9)[0] >= 0.8 and found.left < 0.05
    code = coded(X, found.atoms)
    assert (code >= 0).all()
    assert ((X - code @ found.atoms) ** 2).sum() < 0.1 * (X**2).sum()


def test_scale_decides_nothing() -> None:
    _, H = planted(6, 10, 400)
    one, other = sparse_coding(H, 12, 0.3), sparse_coding(100 * H, 12, 0.3)
    np.testing.assert_allclose(one.atoms, other.atoms, atol=1e-6)
    assert one.left == pytest.approx(other.left, abs=1e-6)


def test_the_same_vectors_give_the_same_dictionary() -> None:
    _, H = planted(5, 8, 300)
    for first, second in zip(autoencoders(H, 10, (0.3,)), autoencoders(H, 10, (0.3,)), strict=True):
        np.testing.assert_array_equal(first.atoms, second.atoms)
    np.testing.assert_array_equal(factors(np.abs(H), 4).atoms, factors(np.abs(H), 4).atoms)


def test_shares_by_hand() -> None:
    targets, atoms = np.eye(3), np.array([[2.0, 0, 0], [0, 1, 1], [-1, 0, 0], [0, 0.1, 5]])
    assert recovered(targets, atoms, 0.9) == (2 / 3, 0.5)
    assert recovered(targets[:0], atoms, 0.9) == recovered(targets, atoms[:0], 0.9) == (0.0, 0.0)
    np.testing.assert_allclose(prevalence(np.array([[1.0, 3, 0], [1, 0, 0], [1, 0, 0]])), [1, 1 / 3, 0])


def test_chance_in_the_plane_is_what_arcs_cover() -> None:
    share = 2 * np.arccos(0.99) / (2 * np.pi)
    by_chance = chance(np.random.default_rng(0).normal(size=(200, 2)), 16, 0.99, np.random.default_rng(1))
    assert by_chance == pytest.approx(1 - (1 - share) ** 16, abs=0.03)
