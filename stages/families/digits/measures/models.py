"""All that the tables say of one cell's models: a job for a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.digits.data.spec import Measure
from stages.families.digits.measures.ensembles import Memorization, memorization_columns
from stages.families.digits.measures.images import Images, Labelled
from stages.families.digits.measures.misclassified import spread
from stages.families.digits.measures.rivals import (
    input_curvatures,
    largest_unit_shares,
    losses,
    margins,
    nearest_neighbours,
)
from stages.families.digits.measures.scores import Answer, Scores, compared, rival_scores, wrong_labels
from stages.families.digits.measures.spectra import Spectra, spectra, spectrum_columns
from stages.families.digits.model.classifier import Classifier
from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import ascended, gaussian_surprise
from stages.statistics.memorization import spearman

Columns = dict[str, NDArray[Any]]
OwnRows = Callable[[Classifier, Images, Images], Mapping[str, Sequence[Mapping[str, Any]]]]
PAIRED = 10_000  # images up to which all are compared in pixels
ASCENDED = 1000  # images whose D* is also looked for step by step
TOP = 0.01  # share of the images that is those of highest D*, or of lowest


class Moment(NamedTuple):
    """What is measured of a model as it was after so many epochs."""

    columns: dict[str, Any]
    answers: list[Answer]  # of scores, where there is something to tell
    tenths: list[int]  # misclassified training images by tenth of the ranks of D*


class Measures(NamedTuple):
    """Of one cell: at each epoch, at the end, of each training and validation image, and the experiment's own rows."""

    moments: list[Moment]
    last: dict[str, Any]
    training: Columns
    validation: Columns
    own: Mapping[str, Sequence[Mapping[str, Any]]]


class _Model(NamedTuple):
    """A model of the cell and what all measures of it start from."""

    epoch: int
    classifier: Classifier
    spectra: Spectra  # after the ReLU
    memorization: Memorization | None  # of the training images, at that epoch
    scores: Scores  # of the training images, where their memorisation is known


def measure_models(
    arrays: Columns,
    training: Labelled,
    validation: Labelled,
    memorized: dict[int, Memorization],
    asked: Measure,
    own_rows: OwnRows,
) -> Measures:
    """All that the tables say of one cell's models.

    Args:
        arrays: what training kept: weights at each epoch. training, validation: images.
        memorized: the training images' memorisation by epoch, where it is known. asked: what to measure.
        own_rows: what the experiment measures beside, of the last model.
    """
    inside, outside = Images.from_bytes(training), Images.from_bytes(validation)
    neighbours = {"nearest_neighbour": nearest_neighbours(inside.x)} if memorized or len(inside.x) <= PAIRED else {}
    models: list[_Model] = []
    curved = np.zeros(len(inside.x))
    for k, epoch in enumerate(arrays["epoch"].tolist()):
        classifier = Classifier(*(arrays[name][k] for name in Classifier._fields))
        after = spectra(classifier.after(inside.x), classifier.after(outside.x))
        scores = {}
        if epoch in memorized:
            curved += input_curvatures(classifier, inside.x)
            averaged = {"input_curvature": curved / (k + 1)}  # over the models kept so far
            scores = rival_scores(classifier, inside) | averaged | neighbours
        models.append(_Model(epoch, classifier, after, memorized.get(epoch), scores))
    moments = [_moment(model, inside, outside, asked) for model in models]
    last = models[-1]
    before = spectra(last.classifier.before(inside.x), last.classifier.before(outside.x))
    of_training = _training_columns(last, before, inside)
    of_validation = _image_columns(last.classifier, outside, last.spectra.validation, before.validation)
    of_validation["leverage"] = last.spectra.leverage
    of_last = _last_columns(before, of_training, asked.alone) | _by_other_means(last, inside, neighbours)
    return Measures(moments, of_last, of_training, of_validation, own_rows(last.classifier, inside, outside))


def performance_columns(model: Classifier, training: Images, validation: Images) -> dict[str, Any]:
    """Loss and accuracy on both sets, and the share of wrong labels that are predicted."""
    fitted = model.logits(training.x).argmax(axis=1) == training.label
    right = model.logits(validation.x).argmax(axis=1) == validation.label
    return {
        "train_loss": losses(model, training.x, training.label).mean(),
        "train_accuracy": fitted.mean(),
        "wrong_fitted": fitted[training.wrong].mean() if training.wrong.any() else None,
        "validation_loss": losses(model, validation.x, validation.label).mean(),
        "validation_accuracy": right.mean(),
    }


def _moment(model: _Model, inside: Images, outside: Images, asked: Measure) -> Moment:
    D = model.spectra.training
    missed = spread(D, model.classifier.logits(inside.x).argmax(axis=1) != inside.label)
    columns = {
        "epoch": model.epoch,
        **performance_columns(model.classifier, inside, outside),
        **spectrum_columns(model.spectra, asked.far, asked.alone),
        "misclassified": missed.images,
        "misclassified_distance": missed.distance,
    }
    answers = []
    if model.memorization:
        columns |= memorization_columns(model.memorization, inside.wrong)
        answers = compared(model.scores, model.memorization, inside.wrong, asked.memorized)
    elif inside.wrong.any():
        answers = wrong_labels({"D_after": D}, inside.wrong)
    return Moment(columns, answers, missed.tenths)


def _training_columns(last: _Model, before: Spectra, inside: Images) -> Columns:
    """Of each training image, by the last model."""
    h, found = last.classifier.after(inside.x), last.memorization
    columns = _image_columns(last.classifier, inside, last.spectra.training, before.training)
    columns |= {"leverage": columns["D_after"], "D_x": dimensionality(h), "unit_share": largest_unit_shares(h)}
    if found:
        kept = ("gradient_norm", "mahalanobis", "h_deviation", "input_curvature", "nearest_neighbour")
        columns |= {name: last.scores[name] for name in kept}
        columns |= {
            "memorization_log": found.log,
            "memorization_even": found.log_even,
            "memorization_odd": found.log_odd,
            "memorization_correct": found.correct,
        }
    return columns


def _image_columns(
    model: Classifier, images: Images, after: NDArray[np.float64], before: NDArray[np.float64]
) -> Columns:
    """Of each image of either set, with its D* after and before the ReLU."""
    return {
        "label": images.label,
        "prediction": model.logits(images.x).argmax(axis=1),
        "loss": losses(model, images.x, images.label),
        "margin": margins(model, images.x, images.label),
        "D_after": after,
        "D_before": before,
        "rank_D": np.argsort(np.argsort(-after, kind="stable"), kind="stable") + 1,
    }


def _by_other_means(last: _Model, inside: Images, neighbours: Scores) -> dict[str, Any]:
    """Of the last model: how its D* goes with what is said to be close to it, or to tell the same."""
    h, D = last.classifier.after(inside.x), last.spectra.training
    rows = generator(f"ascent {len(D)}").permutation(len(D))[:ASCENDED]
    reached = ascended(h, rows)
    found = {
        "likelihood_rho": spearman(gaussian_surprise(h), D),
        "ascent_share": np.median(reached / D[rows]),
        "ascent_rho": spearman(reached, D[rows]),
    }
    for distance in neighbours.values():
        odd = np.argsort(np.argsort(distance)) / max(1, len(D) - 1)
        order, few = np.argsort(-D, kind="stable"), max(1, round(TOP * len(D)))
        found |= {"oddness_top": odd[order[:few]].mean(), "oddness_bottom": odd[order[-few:]].mean()}
    return found


def _last_columns(before: Spectra, training: Columns, alone: float) -> dict[str, Any]:
    """Of the last model only: before the ReLU, and how far single units are single images' own."""
    D, unit_share = training["D_after"], training["unit_share"]
    share, far = unit_share / np.where(D > 0, D, 1), alone < D
    return {
        "alone_unit_share": float(np.median(share[far])) if far.any() else None,
        "typical_unit_share": float(np.median(share)),
        "rank_before": before.rank,
        "D_before_median": np.median(before.training),
        "D_before_max": before.training.max(),
        "rho_before_after": spearman(before.training, D),
        "rho_D_unit_share": spearman(unit_share, D),
        "unit_share_max": unit_share.max(),
    }
