"""stages/mnist/measures.py: invariants, and cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stages.mnist.classifier import Classifier
from stages.mnist.measures import (
    Images,
    comparison_columns,
    memorization,
    misclassified_columns,
    performance_columns,
    rival_scores,
    spectra,
    spectrum_columns,
)

RNG = np.random.default_rng(0)


def test_the_spectrum_sums_to_the_rank_and_marks_what_lies_outside() -> None:
    exact = RNG.integers(-9, 9, (50, 3)) @ RNG.integers(-9, 9, (3, 6))
    columns = spectrum_columns(spectra(exact, np.concatenate([exact[:2], RNG.normal(size=(2, 6))])))
    assert columns["rank"] == 3 and columns["D_sum"] == pytest.approx(3) and columns["validation_outside"] == 0.5


def test_a_training_image_met_again_would_share_its_direction() -> None:
    h = RNG.normal(size=(40, 5)).astype(np.float32)
    of = spectra(h, h)
    np.testing.assert_allclose(of.leverage, of.training)
    twice = spectra(np.concatenate([h, h[:1]]), h)
    assert of.validation[0] == pytest.approx(twice.training[0])  # s / (1 + s) is its D* once it is in the set


@pytest.mark.parametrize(
    ("missed", "distance"), [(np.ones(100, bool), 0.0), (np.arange(100) >= 90, 0.9), (np.arange(100) < 10, 0.9)]
)
def test_misclassified_images_at_one_end_are_far_from_even(missed: np.ndarray, distance: float) -> None:
    columns = misclassified_columns(np.arange(100.0), missed)
    assert columns["misclassified_distance"] == pytest.approx(distance)
    assert sum(columns[f"misclassified_{k}"] for k in range(10)) == columns["misclassified"] == missed.sum()
    if missed[-1] and not missed[0]:
        assert columns["misclassified_9"] == 10


def test_none_misclassified_has_no_distance() -> None:
    columns = misclassified_columns(np.arange(9.0), np.zeros(9, bool))
    assert columns["misclassified"] == 0 and "misclassified_distance" not in columns


def test_a_memorised_image_is_found_by_its_own_memorisation() -> None:
    models, pool = 40, 100
    inside = RNG.random((models, pool)) < 0.7
    memorised = np.arange(pool) < 10
    log = np.where(inside, 0.0, np.where(memorised, -3.0, -np.linspace(0.01, 0.4, pool)))
    of = memorization(log, log > -1, inside)
    assert of.models == models and of.log[:10].min() > 2.5 and of.correct[:10].min() == 1 and of.log_reliability > 0.9
    columns = comparison_columns({"same": of.log, "opposite": -of.log}, of, memorised)
    assert columns["rho_same"] == pytest.approx(1) and columns["rho_opposite"] == pytest.approx(-1)
    assert columns["wrong_area_same"] == columns["wrong_precision_same"] == columns["wrong_area_memorization"] == 1
    assert columns["wrong_area_opposite"] == 0 and columns["memorized_area_same"] == 1


def test_an_image_that_every_model_was_trained_on_is_left_out() -> None:
    inside = RNG.random((40, 50)) < 0.7
    inside[:, 0] = True
    of = memorization(RNG.normal(size=(40, 50)), RNG.random((40, 50)) < 0.5, inside)
    assert np.isnan(of.log[0])
    columns = comparison_columns({"score": RNG.normal(size=50)}, of, np.arange(50) < 5)
    assert all(np.isfinite(value) for value in columns.values())


def test_performance_and_rivals_are_of_each_image() -> None:
    x, label = RNG.random((60, 12)).astype(np.float32), RNG.integers(0, 10, 60).astype(np.uint8)
    model = Classifier(*(RNG.normal(size=shape).astype(np.float32) for shape in ((7, 12), (7,), (10, 7), (10,))))
    seen = model.logits(x).argmax(axis=1)
    images = Images(x, label, np.arange(60) < 6)
    columns = performance_columns(model, images, Images(x, seen.astype(np.uint8), np.zeros(60, bool)))
    assert columns["train_accuracy"] == (seen == label).mean() and columns["validation_accuracy"] == 1
    assert columns["wrong_fitted"] == (seen == label)[:6].mean()
    scores = rival_scores(model, images)
    assert all(score.shape == (60,) and np.isfinite(score).all() for score in scores.values())
    for name in ("D_after", "D_before", "D_x", "unit_share"):
        assert scores[name].min() >= 0 and scores[name].max() <= 1 + 1e-9
    assert (scores["unit_share"] <= scores["D_after"] + 1e-9).all()  # a unit is one of the directions of the supremum
