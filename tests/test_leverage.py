"""stages/statistics/leverage.py: against the supremum itself, and what follows from the closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import ascended, gaussian_surprise, leverage, leverage_if_included, whitening
from tests.conftest import few_fast

cases = given(T=st.integers(1, 40), m=st.integers(1, 12), rank=st.integers(1, 12), seed=st.integers(0, 1000))
quickly = settings(deadline=None, max_examples=60, derandomize=True)


def hidden(T: int, m: int, rank: int, seed: int) -> np.ndarray:
    """(T, m) of at most this rank, on scales that differ."""
    rng = np.random.default_rng(seed)
    r = min(T, m, rank)
    return (rng.normal(size=(T, r)) * 10 ** rng.uniform(-2, 2, (T, 1))) @ rng.normal(size=(r, m))


def supremum(H: np.ndarray, i: int) -> float:
    """The largest (v . h_i)^2 / sum_j (v . h_j)^2 by ascent from many directions: no formula for the best v."""
    rng = np.random.default_rng(i)
    v = np.vstack([rng.normal(size=(30, H.shape[1])), H[i]])
    best, step = np.zeros(len(v)), np.full(len(v), 1.0)

    def ratio(v: np.ndarray) -> np.ndarray:
        p = v @ H.T
        total = (p**2).sum(axis=1)
        return np.divide(p[:, i] ** 2, total, out=np.zeros(len(v)), where=total > 0)

    best = ratio(v)
    for _ in range(4000):
        p = v @ H.T
        total = (p**2).sum(axis=1, keepdims=True)
        gradient = 2 * p[:, [i]] / total * H[i] - 2 * p[:, [i]] ** 2 / total**2 * (p @ H)
        moved = v + step[:, None] * gradient
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        new = ratio(moved)
        better = new > best
        v[better], best[better] = moved[better], new[better]
        step = np.where(better, 1.5 * step, 0.5 * step)
    return float(best.max())


@pytest.mark.parametrize("seed", few_fast(range(6), 0))
def test_it_is_the_supremum_over_directions(seed: int) -> None:
    H = np.random.default_rng(seed).normal(size=(12, 3))
    D = leverage(H, whitening(H))
    assert [supremum(H, i) for i in range(12)] == pytest.approx(D.tolist(), abs=1e-6)


@cases
@quickly
def test_it_lies_between_the_dimensionality_and_one_and_sums_to_the_rank(T: int, m: int, rank: int, seed: int) -> None:
    H = hidden(T, m, rank, seed)
    of = whitening(H)
    D = leverage(H, of)
    assert of.rank == np.linalg.matrix_rank(H) and D.sum() == pytest.approx(of.rank)
    assert (dimensionality(H) - 1e-9 <= D).all() and (D <= 1 + 1e-9).all()


@cases
@quickly
def test_invertible_maps_of_hidden_space_change_nothing(T: int, m: int, rank: int, seed: int) -> None:
    H = hidden(T, m, rank, seed)
    rng = np.random.default_rng(seed + 1)
    Q, P = (np.linalg.qr(rng.normal(size=(m, m)))[0] for _ in range(2))
    turned = H @ (Q * rng.uniform(0.3, 3, m)) @ P
    np.testing.assert_allclose(leverage(turned, whitening(turned)), leverage(H, whitening(H)), atol=1e-7)


@pytest.mark.parametrize("R", [2, 5, 20])
def test_copies_share_what_one_could_have(R: int) -> None:
    H = np.random.default_rng(0).normal(size=(30, 4))
    several = np.vstack([H, np.repeat(H[:1], R - 1, axis=0)])
    D = leverage(several, whitening(several))
    copies = D[[0, *range(30, 29 + R)]]
    assert (copies <= 1 / R + 1e-12).all() and np.ptp(copies) < 1e-12


def test_of_a_point_outside_it_is_what_it_would_be_inside() -> None:
    rng = np.random.default_rng(0)
    H, z = rng.normal(size=(20, 5)), rng.normal(size=5)
    both = np.vstack([H, z])
    assert leverage_if_included(z[None], whitening(H))[0] == pytest.approx(leverage(both, whitening(both))[-1])
    flat = H * [1, 1, 1, 0, 0]  # spans three dimensions, and the point has more
    assert leverage_if_included(z[None], whitening(flat))[0] == 1
    assert leverage_if_included(flat[:1], whitening(flat))[0] < 1


def test_few_points_have_all_their_dimensions_to_themselves() -> None:
    H = np.random.default_rng(0).normal(size=(5, 8))
    np.testing.assert_allclose(leverage(H, whitening(H)), 1)
    assert whitening(np.zeros((4, 3))).rank == 0 and not leverage(np.zeros((4, 3)), whitening(np.zeros((4, 3)))).any()


def test_what_lies_in_the_span_of_many_is_never_outside_of_it() -> None:
    h = np.maximum(np.random.default_rng(0).normal(size=(600, 40)), 0)
    h[:, :3] = 0
    of = whitening(h)
    assert of.rank == 37 and (leverage_if_included(h, of) < 1).all()
    h[:, 0] = 1e-6
    assert (leverage_if_included(h, of) == 1).all()


def test_ascent_starts_from_D_x_and_ends_at_the_supremum() -> None:
    H = hidden(40, 5, 5, 0)
    H[7] = 0
    D, rows = leverage(H, whitening(H)), np.array([3, 7, 30])
    np.testing.assert_allclose(ascended(H, rows, steps=0), dimensionality(H)[rows])
    found = ascended(H, rows, steps=3000)
    assert (found <= D[rows] + 1e-12).all() and found[1] == 0
    np.testing.assert_allclose(found, D[rows], rtol=1e-3)


def test_a_fitted_gaussian_s_surprise_is_scipy_s_and_without_a_mean_that_of_D_star() -> None:
    H = np.random.default_rng(0).normal(size=(50, 4)) @ np.random.default_rng(1).normal(size=(4, 4)) + 2
    log_p = stats.multivariate_normal(H.mean(axis=0), np.cov(H.T, bias=True)).logpdf(H)
    apart = gaussian_surprise(H) + 2 * log_p
    np.testing.assert_allclose(apart, apart[0])
    both = np.vstack([H, -H])  # of mean 0
    np.testing.assert_allclose(gaussian_surprise(both), 100 * leverage(both, whitening(both)))
