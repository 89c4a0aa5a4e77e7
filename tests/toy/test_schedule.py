"""stages/families/toy/training/schedule.py against its formulas, evaluated with libm."""

from __future__ import annotations

import numpy as np
import pytest

from stages.families.toy.training.schedule import bias_corrections, learning_rates, recorded_steps


def test_warm_up_is_linear_and_the_rest_a_cosine_to_zero() -> None:
    rates = learning_rates(50_000, 1e-3, 0.05)
    k, j = 2500, np.arange(47_500)
    np.testing.assert_allclose(rates[:k], 1e-3 * (np.arange(k) + 1) / k, rtol=1e-14)
    np.testing.assert_allclose(rates[k:], 1e-3 * (1 + np.cos(np.pi * j / 47_500)) / 2, rtol=1e-9, atol=1e-18)


def test_the_paper_s_schedule_sums_to_25() -> None:
    assert learning_rates(50_000, 1e-3, 0.05).sum() == pytest.approx(25.0, rel=1e-4)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 1.0), (7, 0.0), (10, 1.0), (3, 0.4)])
def test_short_schedules_are_whole_finite_and_never_above_the_peak(steps: int, warmup: float) -> None:
    rates = learning_rates(steps, 0.5, warmup)
    assert len(rates) == steps and np.isfinite(rates).all() and (rates > 0).all() and rates.max() <= 0.5


def test_bias_corrections_are_one_minus_beta_to_the_s() -> None:
    s = np.arange(1, 2001)
    np.testing.assert_allclose(bias_corrections(2000, 0.999), 1 - 0.999**s, rtol=1e-10)


@pytest.mark.parametrize("steps", [1, 2, 10, 50_000])
def test_recorded_steps_ascend_from_the_first_to_the_last(steps: int) -> None:
    kept = recorded_steps(steps)
    assert kept[0] == 0 and kept[-1] == steps and (np.diff(kept) > 0).all() and len(kept) <= 257
