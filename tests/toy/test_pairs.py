"""stages/toy/pairs.py: the formulas, and that no width of vectors and no grouping of points changes a byte."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from stages.toy.compiler import LANES
from stages.toy.data import sample
from stages.toy.pairs import error_pass, gradient_pass, points_at_once
from stages.toy.spec import Data
from tests.toy.test_data import dense

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("m", [1, 2, 3, 8])
@pytest.mark.parametrize("T", [1, 7, 30])
def test_every_width_and_grouping_gives_the_formula_in_the_same_bytes(m: int, T: int) -> None:
    L, tiles = 3 * LANES, 2
    P, H = RNG.normal(size=tiles * (m + 1) * L).astype(np.float32), RNG.normal(size=(T, m)).astype(np.float32)
    results = set()
    for vector, points in [(4, 1), (8, 1), (8, 3), (16, 1), (16, 2), (16, 5)]:
        G, GH = np.zeros_like(P), np.zeros_like(H)
        gradient_pass(m, L, vector, points)(P, G, H, GH)
        results.add(G.tobytes() + GH.tobytes())
    assert len(results) == 1
    W = P.reshape(tiles, m + 1, L).swapaxes(0, 1).reshape(m + 1, -1).astype(np.float64)
    a = np.maximum(H.astype(np.float64) @ W[:m] + W[m], 0)
    expected = np.concatenate([H.T.astype(np.float64) @ a, a.sum(axis=0)[None]])
    np.testing.assert_allclose(G.reshape(tiles, m + 1, L).swapaxes(0, 1).reshape(m + 1, -1), expected, atol=1e-4)
    np.testing.assert_allclose(GH, a @ W[:m].T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("m", [1, 2, 8])
def test_every_width_sums_the_same_errors(m: int) -> None:
    n, T = 5 * LANES, 6
    W, b = RNG.normal(size=(m, n)).astype(np.float32), RNG.normal(size=n).astype(np.float32)
    points = sample(Data(n=n, S=0.9, T=T, supports="random", data_seed=0))
    results = []
    for vector in (4, 8, 16):
        losses = np.empty(T)
        error_pass(m, vector)(
            W, b, points.start.astype(np.uint64), points.feature.astype(np.uint32), points.value, losses
        )
        results.append(losses)
    assert len({losses.tobytes() for losses in results}) == 1
    x = dense(points)
    expected = np.sum((x - np.maximum(points.hidden(W) @ W + b, 0)) ** 2, axis=1)
    np.testing.assert_allclose(results[0], expected, rtol=1e-5)


def test_only_float32_in_c_order_is_read_as_bare_memory() -> None:
    P, H = np.zeros(3 * LANES, dtype=np.float32), np.zeros((2, 2), dtype=np.float32)
    for wrong in (H.astype(np.float64), np.asfortranarray(H)):
        with pytest.raises(numba.TypingError, match="needs a float32 array in C order"):
            gradient_pass(2, LANES)(P, P.copy(), wrong, H.copy())


@pytest.mark.parametrize("vector", [4, 8, 16])
def test_points_at_once_is_defined_for_every_m(vector: int) -> None:
    assert all(points_at_once(m, vector) >= 1 for m in range(1, 9))
