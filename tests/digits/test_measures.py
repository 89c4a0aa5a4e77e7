"""What is measured of one model: invariants, and cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stages.families.digits.measures.ensembles import Outputs, memorization
from stages.families.digits.measures.images import Images
from stages.families.digits.measures.misclassified import spread
from stages.families.digits.measures.models import performance_columns
from stages.families.digits.measures.scores import Answer, compared, rival_scores
from stages.families.digits.measures.spectra import spectra, spectrum_columns
from stages.families.digits.model.classifier import Classifier

RNG = np.random.default_rng(0)
SHARE = 0.05


def values(answers: list[Answer]) -> dict[tuple[str, str, str, str], float]:
    """By all that an answer's row says; no two are of the same."""
    found = {answer[:4]: answer.value for answer in answers}
    assert len(found) == len(answers)
    return found


def test_the_spectrum_sums_to_the_rank_and_marks_what_lies_outside() -> None:
    exact = RNG.integers(-9, 9, (50, 3)) @ RNG.integers(-9, 9, (3, 6))
    spectrum = spectra(exact, np.concatenate([exact[:2], RNG.normal(size=(2, 6))]))
    columns = spectrum_columns(spectrum, far=50, alone=0.5)
    assert columns["rank"] == 3 and columns["D_sum"] == pytest.approx(3) and columns["validation_outside"] == 0.5


def test_far_and_alone_are_what_is_asked_for() -> None:
    h = np.concatenate([np.ones((200, 1)), np.zeros((200, 1))], axis=1)
    h[0] = [0, 1]
    spectrum = spectra(h, h)
    found = {far: spectrum_columns(spectrum, far, 0.5)["D_far"] for far in (50, 198, 200)}
    assert found == {50: 1, 198: 1, 200: 0}  # D* is 1 against 1 / 199
    assert [spectrum_columns(spectrum, 50, alone)["D_alone"] for alone in (0.001, 0.5)] == [200, 1]


def test_a_training_image_met_again_would_share_its_direction() -> None:
    h = RNG.normal(size=(40, 5)).astype(np.float32)
    spectrum = spectra(h, h)
    np.testing.assert_allclose(spectrum.leverage, spectrum.training)
    twice = spectra(np.concatenate([h, h[:1]]), h)
    assert spectrum.validation[0] == pytest.approx(twice.training[0])  # s / (1 + s) is its D* once it is in the set


@pytest.mark.parametrize(
    ("missed", "distance", "tenths"),
    [
        (np.ones(100, bool), 0.0, [10] * 10),
        (np.arange(100) >= 90, 0.9, [0] * 9 + [10]),
        (np.arange(100) < 10, 0.9, [10] + [0] * 9),
    ],
)
def test_misclassified_images_at_one_end_are_far_from_even(
    missed: np.ndarray, distance: float, tenths: list[int]
) -> None:
    found = spread(np.arange(100.0), missed)
    assert found.distance == pytest.approx(distance)
    assert found.tenths == tenths and found.images == missed.sum()


def test_none_misclassified_has_no_distance() -> None:
    assert spread(np.arange(9.0), np.zeros(9, bool)) == (0, [0] * 10, None)


def test_a_memorised_image_is_found_by_its_own_memorisation() -> None:
    models, pool = 40, 100
    inside = RNG.random((models, pool)) < 0.7
    memorised = np.arange(pool) < 10
    log = np.where(inside, 0.0, np.where(memorised, -3.0, -np.linspace(0.01, 0.4, pool)))
    found = memorization([Outputs(*model) for model in zip(log, log > -1, inside, strict=True)])
    assert found.models == models and found.log[:10].min() > 2.5
    assert found.correct[:10].min() == 1 and found.log_reliability > 0.9
    value = values(compared({"same": found.log, "opposite": -found.log}, found, memorised, SHARE))
    assert value["all", "memorisation", "rank correlation", "same"] == pytest.approx(1)
    assert value["all", "memorisation", "rank correlation", "opposite"] == pytest.approx(-1)
    assert value["all", "wrong labels", "ROC area", "same"] == value["all", "wrong labels", "precision", "same"] == 1
    assert value["all", "wrong labels", "ROC area", "memorization"] == 1
    assert value["all", "wrong labels", "ROC area", "opposite"] == 0
    assert value["all", "most memorised", "ROC area", "same"] == 1


def test_answers_among_right_labels_are_of_these_alone() -> None:
    inside = RNG.random((40, 100)) < 0.7
    found = memorization([Outputs(*m) for m in zip(RNG.normal(size=(40, 100)), inside, inside, strict=True)])
    score, wrong = RNG.normal(size=100), np.arange(100) < 5
    changed = np.where(wrong, 1000 * RNG.normal(size=100), score)
    before, after = (values(compared({"score": s}, found, wrong, SHARE)) for s in (score, changed))
    of_right = [key for key in before if key[0] == "right"]
    assert {key[1] for key in of_right} == {"memorisation", "most memorised"}
    assert all(before[key] == after[key] for key in of_right)
    assert any(before[key] != after[key] for key in before if key[0] == "all")


def test_an_image_that_every_model_was_trained_on_is_left_out() -> None:
    inside = RNG.random((40, 50)) < 0.7
    inside[:, 0] = True
    log, correct = RNG.normal(size=(40, 50)), RNG.random((40, 50)) < 0.5
    found = memorization([Outputs(*model) for model in zip(log, correct, inside, strict=True)])
    assert np.isnan(found.log[0])
    answers = compared({"score": RNG.normal(size=50)}, found, np.arange(50) < 5, SHARE)
    assert answers and all(np.isfinite(answer.value) for answer in answers)


def test_without_wrong_labels_nothing_is_said_of_them() -> None:
    inside = RNG.random((40, 50)) < 0.7
    found = memorization([Outputs(*m) for m in zip(RNG.normal(size=(40, 50)), inside, inside, strict=True)])
    answers = compared({"score": RNG.normal(size=50)}, found, np.zeros(50, bool), SHARE)
    assert {answer.asks for answer in answers} == {"memorisation", "most memorised"}


def test_performance_and_rivals_are_of_each_image() -> None:
    x, label = RNG.random((60, 12)).astype(np.float32), RNG.integers(0, 10, 60).astype(np.uint8)
    model = Classifier(*(RNG.normal(size=shape).astype(np.float32) for shape in ((7, 12), (7,), (10, 7), (10,))))
    seen = model.logits(x).argmax(axis=1)
    images = Images(x, label, np.where(np.arange(60) < 6, (label + 1) % 10, label))
    columns = performance_columns(model, images, Images(x, seen.astype(np.uint8), seen.astype(np.uint8)))
    assert columns["train_accuracy"] == (seen == label).mean() and columns["validation_accuracy"] == 1
    assert columns["wrong_fitted"] == (seen == label)[:6].mean()
    scores = rival_scores(model, images)
    assert all(score.shape == (60,) and np.isfinite(score).all() for score in scores.values())
    for name in ("D_after", "D_before", "D_x", "unit_share"):
        assert scores[name].min() >= 0 and scores[name].max() <= 1 + 1e-9
    assert (scores["unit_share"] <= scores["D_after"] + 1e-9).all()  # a unit is one of the directions of the supremum
