"""stages/statistics/memorization.py against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stages.statistics.memorization import counterfactual, roc, spearman, split_half


def test_memorisation_is_mean_in_minus_mean_out() -> None:
    score = np.array([[1.0, 0.0, 5.0], [0.5, 1.0, 5.0], [0.0, 1.0, 5.0]])
    inside = np.array([[True, False, True], [True, True, True], [False, True, True]])
    np.testing.assert_allclose(counterfactual(score, inside), [0.75, 1.0, np.nan])


def test_reliability_is_one_where_models_agree_and_about_none_where_it_is_noise() -> None:
    rng = np.random.default_rng(0)
    inside = rng.random((40, 300)) < 0.7
    effect = rng.normal(size=300)
    assert split_half(np.where(inside, effect, 0), inside) == pytest.approx(1)
    assert abs(split_half(rng.normal(size=(40, 300)), inside)) < 0.2


def test_rank_correlation_of_orders_that_are_known() -> None:
    assert spearman([1, 2, 3], [10, 100, 1000]) == pytest.approx(1) and spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(
        -1
    )
    assert spearman([1, 2, 2, 4], [1, 3, 2, 4]) == pytest.approx(0.9486833)  # ties share their mean rank
    assert spearman([1, 2, np.nan, 4], [1, 2, 9, 4]) == pytest.approx(1) and np.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_area_is_the_share_of_pairs_in_order_and_that_under_the_curve() -> None:
    rng = np.random.default_rng(1)
    score, hit = rng.integers(0, 8, 60), rng.random(60) < 0.3  # many ties
    found = roc(score, hit)
    pairs = score[hit][:, None] - score[~hit][None, :]
    assert found.area == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert found.area == pytest.approx(np.trapezoid(found.true_positive, found.false_positive))
    assert (found.false_positive[0], found.true_positive[-1]) == (0, 1)


def test_precision_is_at_as_many_as_there_are_positives() -> None:
    assert roc([5, 4, 3, 2, 1], [True, False, True, False, False]).precision == pytest.approx(0.5)
    assert roc([1, 1, 1, 1], [True, False, False, False]).precision == pytest.approx(0.25)
    with pytest.raises(ValueError, match="0 positives and 2 others"):
        roc([1, 2], [False, False])
