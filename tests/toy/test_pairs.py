"""Passes over (point, feature) pairs: the formulas, and that no width of vectors and no grouping changes a byte."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from stages.families.toy.data.drawing import sample
from stages.families.toy.model.compiler import LANES
from stages.families.toy.model.pairs import Kind, error_pass, gradient_pass, points_at_once, tile_rows
from tests.conftest import drawn, few_fast
from tests.toy.test_data import dense

RNG = np.random.default_rng(0)


KINDS = [Kind(m) for m in (1, 2, 3, 8)]
KINDS += [Kind(2, power=1, weighted=True), Kind(3, power=4, importance=True, tied=False)]


@pytest.mark.parametrize("kind", few_fast(KINDS, KINDS[1], KINDS[-1]))
@pytest.mark.parametrize("T", [1, 7, 30])
def test_every_width_and_grouping_gives_the_formula_in_the_same_bytes(kind: Kind, T: int) -> None:
    m, L, tiles, rows = kind.m, 3 * LANES, 2, tile_rows(kind)
    P, H = normal(tiles * rows * L), normal(T, m)
    importance, weight = np.abs(normal(tiles * rows * L)), np.abs(normal(T))
    results = set()
    for vector, points in [(4, 1), (8, 1), (8, 3), (16, 1), (16, 2), (16, 5)]:
        G, GH, block = np.zeros_like(P), np.zeros_like(H), np.zeros((m + 1) * L, dtype=np.float32)
        gradient_pass(kind, L, vector, points)(P, G, importance, H, GH, weight, block)
        results.add(G.tobytes() + GH.tobytes())
        assert not block.any()
    assert len(results) == 1

    def by_row(flat: np.ndarray) -> np.ndarray:
        return flat.reshape(tiles, rows, L).swapaxes(0, 1).reshape(rows, -1)

    U, h = by_row(P).astype(np.float64), H.astype(np.float64)
    z = h @ U[:m] + U[m]
    slope = np.where(z > 0, np.abs(z) ** (kind.power - 1), 0) * (by_row(importance)[0] if kind.importance else 1)
    weighted = slope * (weight[:, None] if kind.weighted else 1)
    np.testing.assert_allclose(
        by_row(G)[: m + 1], np.vstack([h.T @ weighted, weighted.sum(axis=0)]), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(GH, slope @ U[:m].T, rtol=1e-4, atol=1e-4)
    assert not by_row(G)[m + 1 :].any()


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    "kind", [*map(Kind, (1, 2, 8)), Kind(2, power=1), Kind(2, power=4, relu=True, importance=True)]
)
def test_every_width_sums_the_same_errors(kind: Kind) -> None:
    n, T = 5 * LANES, 6
    W, U, b, importance = normal(kind.m, n), normal(kind.m, n), normal(n), np.abs(normal(n))
    points = sample(drawn(n=n, S=0.9, T=T, data_seed=0))
    start, feature = points.start.astype(np.uint64), points.feature.astype(np.uint32)
    results = []
    for vector in (4, 8, 16):
        losses = np.empty(T)
        error_pass(kind, vector)(W, U, b, importance, start, feature, points.value, np.zeros(0, dtype=bool), losses)
        results.append(losses)
    assert len({losses.tobytes() for losses in results}) == 1
    h = np.maximum(points.hidden(W), 0) if kind.relu else points.hidden(W)
    error = np.abs(dense(points) - np.maximum(h @ U + b, 0)) ** kind.power
    np.testing.assert_allclose(results[0], (error * (importance if kind.importance else 1)).sum(axis=1), rtol=1e-5)


def test_only_float32_in_c_order_is_read_as_bare_memory() -> None:
    P, H = np.zeros(3 * LANES, dtype=np.float32), np.zeros((2, 2), dtype=np.float32)
    for wrong in (H.astype(np.float64), np.asfortranarray(H)):
        with pytest.raises(numba.TypingError, match="needs a float32 array in C order"):
            gradient_pass(Kind(2), LANES)(P, P.copy(), P, wrong, H.copy(), P, P.copy())


@pytest.mark.parametrize("vector", [4, 8, 16])
def test_points_at_once_is_defined_for_every_m(vector: int) -> None:
    assert all(points_at_once(m, vector) >= 1 for m in range(1, 9))


def test_float32_holds_the_sum_over_very_many_equal_points() -> None:
    """A plain running sum of 500,000 equal terms is off by 5 parts in 1,000."""
    T, L = 500_000, LANES
    P, H = normal(2 * L), np.ones((T, 1), dtype=np.float32)
    P[L:] += 1
    G = np.zeros_like(P)
    gradient_pass(Kind(1), L)(P, G, P, H, np.zeros_like(H), P, np.zeros_like(P))
    a = np.maximum(P[:L].astype(np.float64) + P[L:], 0)
    np.testing.assert_allclose(G, np.tile(a * T, 2), rtol=3e-5)
