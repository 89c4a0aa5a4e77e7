"""stages/families/toy/data: the distribution, the layout, and that one spec is one set of bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import binom, chisquare, kstest

from stages.families.toy.data.drawing import (
    batches,
    dataset_digest,
    mixtures,
    pool,
    sample,
    similarity,
    stream,
    trained_on,
)
from stages.families.toy.data.points import Points
from tests.conftest import drawn


def dense(points: Points) -> np.ndarray:
    x = np.zeros((points.T, points.n))
    x[points.row, points.feature] = points.value
    return x


@given(
    n=st.integers(1, 60),
    S=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
    T=st.integers(1, 80),
    seed=st.integers(0, 10),
)
@settings(deadline=None, max_examples=80, derandomize=True)
def test_points_are_unit_rows_of_distinct_features_none_empty(n: int, S: float, T: int, seed: int) -> None:
    points = sample(drawn(n=n, S=S, T=T, data_seed=seed))
    x = dense(points)
    assert x.shape == (T, n) and points.start[0] == 0 and points.start[-1] == len(points.feature)
    assert (np.diff(points.start) > 0).all() and (points.value > 0).all()
    assert all((np.diff(points.feature[a:z]) > 0).all() for a, z in zip(points.start, points.start[1:], strict=False))
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-6)


def test_features_are_present_with_probability_one_minus_S() -> None:
    n, S, T = 200, 0.95, 20_000
    points = sample(drawn(n=n, S=S, T=T, data_seed=3))
    nonempty = 1 - S**n
    share = np.bincount(points.feature, minlength=n) / T
    expected = (1 - S) / nonempty  # empty rows were drawn again
    error = np.sqrt(expected * (1 - expected) / T)
    assert abs(share - expected).max() < 5 * error
    assert abs(share.mean() - expected) < 5 * error / np.sqrt(n)


def test_number_of_features_of_a_point_is_a_binomial_without_zero() -> None:
    n, S, T = 100, 0.98, 40_000
    counts = np.diff(sample(drawn(n=n, S=S, T=T, data_seed=0)).start)
    for k in range(1, 6):
        expected = np.exp(np.log(np.arange(n - k + 1, n + 1)).sum() - np.log(np.arange(1, k + 1)).sum())
        expected *= (1 - S) ** k * S ** (n - k) / (1 - S**n)
        assert abs((counts == k).mean() - expected) < 5 * np.sqrt(expected / T)


def test_values_are_uniform_before_scaling() -> None:
    points = sample(drawn(n=1000, S=0.5, T=400, data_seed=0))
    # the largest of some 500 uniforms is close to 1, so dividing by it undoes the scaling to unit length
    x = np.concatenate([v / v.max() for v in np.split(points.value, points.start[1:-1])])
    assert abs(x.mean() - 0.5) < 0.01 and abs((x < 0.25).mean() - 0.25) < 0.01


def test_disjoint_supports_are_exactly_orthonormal() -> None:
    x = dense(sample(drawn(n=1000, S=0.99, T=100, supports="disjoint", data_seed=1)))
    np.testing.assert_allclose(x @ x.T, np.eye(100), atol=1e-6)
    assert np.count_nonzero((x > 0).sum(axis=0) > 1) == 0


def test_more_disjoint_supports_than_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="allow T <= 100 at n = 1000"):
        drawn(n=1000, S=0.99, T=101, supports="disjoint", data_seed=0)


def test_one_spec_one_set_of_bytes_and_every_field_changes_them() -> None:
    spec = drawn(n=100, S=0.9, T=20, data_seed=0)
    digest = sample(spec).digest()
    assert sample(spec).digest() == digest
    for change in ({"n": 101}, {"S": 0.91}, {"T": 21}, {"data_seed": 1}):
        assert sample(spec.model_copy(update=change)).digest() != digest


def test_digest_sees_every_byte() -> None:
    points = sample(drawn(n=100, S=0.9, T=20, data_seed=0))
    value = points.value.copy()
    value[-1] = np.nextafter(value[-1], 2)
    assert points._replace(value=value).digest() != points.digest()
    assert points._replace(n=101).digest() != points.digest()


def test_stream_gives_the_number_asked_for_in_independent_chunks() -> None:
    chunks = list(stream(50, 0.9, 25, seed=0, chunk=10))
    assert [c.T for c in chunks] == [10, 10, 5]
    assert chunks[0].digest() != chunks[1].digest()


def test_hidden_vectors_are_W_x() -> None:
    points = sample(drawn(n=30, S=0.8, T=12, data_seed=0))
    W = np.random.default_rng(0).normal(size=(3, 30))
    np.testing.assert_allclose(points.hidden(W), dense(points) @ W.T, rtol=1e-12, atol=1e-14)


def test_repeated_points_weigh_as_often_as_they_are_there() -> None:
    once, often = sample(drawn(n=60, S=0.9, T=9)), sample(drawn(n=60, S=0.9, T=9, repeated=2, copies=5))
    assert often.weight is not None and often.weight.tolist() == [5, 5, 1, 1, 1, 1, 1, 1, 1]
    assert once.weight is None and often.value.tobytes() == once.value.tobytes() and once.digest() != often.digest()
    assert (once.total_weight, often.total_weight) == (9, 17)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"repeated": 10, "copies": 2}, "10 repeated points allow T >= 10"),
        ({"fresh": True, "repeated": 1}, "fresh points are allowed with trained_on all and first_of 0 only"),
        ({"fresh": True, "first_of": 9}, "fresh points are allowed with trained_on all and first_of 0 only"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        drawn(n=60, S=0.9, T=5, **changes)


def test_batches_are_the_same_points_however_many_are_drawn_at_once() -> None:
    data = drawn(n=60, S=0.9, T=4, fresh=True)
    several = batches(data, 0, 6)
    assert sample(data).digest() == several.part(0, 4).digest()
    assert batches(data, 2, 4).digest() == several.part(8, 16).digest()
    assert len({several.part(4 * s, 4 * s + 4).digest() for s in range(6)}) == 6


@pytest.mark.parametrize(("n", "S"), [(60, 0.5), (1000, 0.99), (50, 0.999)])
def test_fresh_points_are_drawn_like_all_others(n: int, S: float) -> None:
    points = batches(drawn(n=n, S=S, T=2000, fresh=True), 0, 10)
    count, expected = np.bincount(np.diff(points.start), minlength=n + 1), binom(n, 1 - S).pmf(np.arange(n + 1))
    expected[0] = 0  # a point without any feature is drawn again
    expected *= points.T / expected.sum()
    often = expected > 8
    shares = expected[often] / expected[often].sum()
    assert count[0] == 0 and chisquare(count[often], shares * count[often].sum()).pvalue > 1e-3
    assert chisquare(np.bincount(points.feature, minlength=n)).pvalue > 1e-3
    within = np.setdiff1d(np.arange(1, len(points.feature)), points.start)
    assert (points.feature[within] > points.feature[within - 1]).all()
    np.testing.assert_allclose(np.add.reduceat(points.value.astype(float) ** 2, points.start[:-1]), 1, rtol=1e-6)


def test_values_of_fresh_points_are_uniform() -> None:
    points = batches(drawn(n=1000, S=0.998, T=2000, fresh=True), 0, 5)
    pairs = points.take(np.flatnonzero(np.diff(points.start) == 2)).value.reshape(-1, 2)
    low, high = np.sort(pairs, axis=1).T
    assert kstest(low / high, "uniform").pvalue > 1e-3  # as it is of two numbers that are uniform on (0, 1]


def test_fresh_points_of_no_sparsity_hold_every_feature() -> None:
    points = batches(drawn(n=5, S=0.0, T=3, fresh=True), 0, 2)
    assert points.feature.tolist() == [*range(5)] * 6


def test_fresh_points_are_the_same_on_every_machine() -> None:
    points = batches(drawn(n=300, S=0.99, T=20, fresh=True), 0, 3)
    assert points.digest()[:16] == "b29cb89e93c40851"


def test_points_in_another_order_keep_their_rows_weights_and_masks() -> None:
    points = sample(drawn(n=30, S=0.8, T=7))._replace(weight=np.arange(7, dtype=np.float32), masked=np.arange(7) > 3)
    order = np.array([3, 0, 6, 5, 1, 2, 4])
    moved = points.take(order)
    np.testing.assert_array_equal(dense(moved), dense(points)[order])
    assert moved.weight is not None and moved.masked is not None
    assert moved.weight.tolist() == order.tolist() and moved.masked.tolist() == (order > 3).tolist()


def test_the_first_points_of_a_larger_set_are_that_set_s() -> None:
    whole, first = sample(drawn(n=80, S=0.9, T=50)), sample(drawn(n=80, S=0.9, T=20, first_of=50))
    np.testing.assert_array_equal(dense(first), dense(whole)[:20])
    assert first.digest() != sample(drawn(n=80, S=0.9, T=20)).digest()
    assert sample(drawn(n=80, S=0.9, T=50, first_of=50)).digest() == whole.digest()


def test_points_alike_share_ever_fewer_features_with_the_first_of_their_group() -> None:
    points = sample(drawn(n=2000, S=0.98, T=12, alike=4))
    x = dense(points)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-6)
    assert (np.diff(points.start) == np.repeat(np.diff(points.start)[::4], 4)).all()
    for first in (0, 4, 8):
        shared = ((x[first : first + 4] > 0) & (x[first] > 0)).sum(axis=1) / (x[first] > 0).sum()
        np.testing.assert_allclose(shared, [1, 0.75, 0.5, 0.25], atol=0.03)
        np.testing.assert_allclose(similarity(points, first), x @ x[first], atol=1e-6)
    assert abs(x[0] @ x[4]) < 0.2


def test_a_subset_and_what_is_left_out_are_of_the_same_points() -> None:
    shape = {"n": 300, "S": 0.95, "T": 40, "alike": 5}
    whole = drawn(**shape)
    everything = dense(pool(whole))
    np.testing.assert_array_equal(everything, dense(sample(whole)))
    for change, count in (({"subset": 0.7, "subset_seed": 3}, 28), ({"left_out": 4}, 36)):
        data = drawn(**shape, **change)
        held = trained_on(data, pool(data))
        assert held.sum() == count
        np.testing.assert_array_equal(dense(sample(data)), everything[held])
    chosen = [trained_on(drawn(**shape, subset=0.7, subset_seed=seed), pool(whole)) for seed in (3, 4)]
    assert (chosen[0] != chosen[1]).any()


def test_the_most_similar_points_are_left_out_after_the_first() -> None:
    shape = {"n": 2000, "S": 0.98, "T": 20, "alike": 5, "left_out": 5}
    data = drawn(**shape)
    assert not trained_on(data, pool(data))[:5].any()  # its group
    chance = drawn(**shape, left_out_by="random")
    held = trained_on(chance, pool(chance))
    assert (~held).sum() == 5 and not held[0] and held[1:5].any()


def test_transposed_points_are_the_features_of_the_others() -> None:
    original = sample(drawn(n=80, S=0.9, T=7, data_seed=2))
    transposed = sample(drawn(n=7, S=0.9, T=80, data_seed=2, transposed=True))
    x, y = dense(original), dense(transposed)
    held = x.any(axis=0)
    assert 0 < held.sum() < 80 and y.shape == (held.sum(), 7)
    np.testing.assert_allclose(y / y.max(), x.T[held] / x.max(), rtol=1e-6)
    assert (y**2).sum() == pytest.approx(len(y))


def test_mixtures_are_sums_of_points_of_unit_length() -> None:
    points = sample(drawn(n=200, S=0.97, T=6, supports="disjoint"))
    of = mixtures(points, 1.5, 6000, 0)
    x, factors = dense(of), dense(of) @ dense(points).T  # orthonormal: what each point is taken times
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(factors @ dense(points), x, atol=1e-6)
    taken = (factors > 0).sum(axis=1)
    assert taken.min() == 2 and 0 < of.T < 6000  # a table of the training points would explain mixtures of one
    share = {k: math.comb(6, k) * 0.25**k * 0.75 ** (6 - k) for k in range(1, 7)}
    assert pytest.approx(1 - share[1] / sum(share.values()), abs=0.03) == of.T / 6000  # of draws that hold any
    assert taken.mean() == pytest.approx(
        sum(k * share[k] for k in range(2, 7)) / sum(share[k] for k in range(2, 7)), abs=0.05
    )


def test_mixtures_of_a_single_point_are_none() -> None:
    with pytest.raises(ValueError, match="none holds two"):
        mixtures(sample(drawn(n=20, S=0.9, T=1)), 1.5, 100, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"points": {"alike": 1}},
        {"trained_on": {"masked": True}},
        {"trained_on": {"left_out": 1, "subset": 0.5}},
        {"left_out": 5},
        {"subset": 0.01},
        {"transposed": True, "repeated": 1},
        {"fresh": True, "subset": 0.5},
    ],
)
def test_points_that_cannot_be_chosen_so_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        drawn(n=100, S=0.9, T=5, **changes)


def test_keys_of_fresh_points_do_not_hang_on_what_came_later() -> None:
    data = drawn(n=20, S=0.5, T=4, fresh=True)
    later = '{"n":20,"S":0.5,"T":4,"supports":"random","fresh":true,"repeated":0,"copies":1,"data_seed":0}'
    assert dataset_digest(data, sample(data)) == f"{sample(data).digest()} data_seed=0 {later}"
