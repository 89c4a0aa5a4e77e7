"""Scores of one model that might tell memorised images or wrong labels, and how well each does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.families.digits.measures.ensembles import Memorization
from stages.families.digits.measures.images import Images
from stages.families.digits.measures.rivals import (
    gradient_norms,
    largest_unit_shares,
    losses,
    mahalanobis,
    margins,
)
from stages.families.digits.model.classifier import Classifier
from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import leverage, whitening
from stages.statistics.memorization import roc, spearman

Scores = dict[str, NDArray[np.float64]]


class Answer(NamedTuple):
    """How well a score tells what is asked: a row of the table of scores, which says what each column is."""

    labels: str
    asks: str
    statistic: str
    score: str
    value: float


def rival_scores(model: Classifier, images: Images) -> Scores:
    """The scores that one model gives, by name; D* before and after the ReLU among them."""
    before, after = model.before(images.x), model.after(images.x)
    return {
        "D_after": leverage(after, whitening(after)),
        "D_before": leverage(before, whitening(before)),
        "D_x": dimensionality(after),
        "unit_share": largest_unit_shares(after),
        "loss": losses(model, images.x, images.label),
        "margin": margins(model, images.x, images.label),
        "gradient_norm": gradient_norms(model, images.x, images.label),
        "mahalanobis": mahalanobis(after, images.label),
        "h_deviation": after.std(axis=1, dtype=np.float64),
    }


def compared(scores: Scores, found: Memorization, wrong: NDArray[np.bool_], share: float) -> list[Answer]:
    """How well each score tells which images are memorised, and which have a wrong label.

    Against the log-probability's memorisation: rank correlation, and ROC area for the `share` most memorised by half of
    the models; the same among images with the right label, as wrong labels alone can be most of that share. For wrong
    labels: ROC area, and the precision among as many images as there are wrong ones.
    """
    known = np.isfinite(found.log) & np.isfinite(found.log_even)  # not where all models were trained on it, or none
    scores = {name: score[known] for name, score in scores.items()}
    wrong, log, half = wrong[known], found.log[known], found.log_even[known]
    return [
        *_memorised("all", scores, log, half, share),
        *_memorised("right", {name: score[~wrong] for name, score in scores.items()}, log[~wrong], half[~wrong], share),
        *(wrong_labels(scores | {"memorization": log}, wrong) if wrong.any() else []),
    ]


def wrong_labels(scores: Scores, wrong: NDArray[np.bool_]) -> list[Answer]:
    """How well each score tells the images with a wrong label, of which there are some."""
    answers = []
    for name, score in scores.items():
        found = roc(score, wrong)
        answers.append(Answer("all", "wrong labels", "ROC area", name, found.area))
        answers.append(Answer("all", "wrong labels", "precision", name, found.precision))
    return answers


def _memorised(
    labels: str, scores: Scores, log: NDArray[np.float64], half: NDArray[np.float64], share: float
) -> list[Answer]:
    most = half >= np.quantile(half, 1 - share)
    answers = []
    for name, score in scores.items():
        answers.append(Answer(labels, "memorisation", "rank correlation", name, spearman(score, log)))
        answers.append(Answer(labels, "most memorised", "ROC area", name, roc(score, most).area))
    return answers
