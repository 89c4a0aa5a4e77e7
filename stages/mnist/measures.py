"""What is measured of a classifier: how well it does, the spectrum of its D*, and who is where in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.leverage import leverage, leverage_if_included, whitening
from stages.memorization import counterfactual, roc, spearman, split_half
from stages.mnist.classifier import Classifier, pixels
from stages.mnist.rivals import (
    gradient_norms,
    largest_unit_shares,
    losses,
    mahalanobis,
    margins,
    nearest_neighbours,
)
from stages.toy.dimensionality import dimensionality

DECILES = 10
FAR = 50  # times the median D*
ALONE = 0.5  # an image of a larger D* has more of some direction than all others together
MEMORIZED = 0.05  # share of a pool that counts as memorised
SCORES = {  # of one model, whose larger values might tell what is memorised
    "D_after": "D*, hidden",
    "D_before": "D*, before the ReLU",
    "D_x": "D_x",
    "unit_share": "share of one unit",
    "loss": "loss",
    "margin": "margin",
    "gradient_norm": "gradient norm",
    "mahalanobis": "Mahalanobis",
    "nearest_neighbour": "nearest neighbour",
}

Scores = dict[str, NDArray[np.float64]]


class Images(NamedTuple):
    """A set of k images as a model meets them."""

    x: NDArray[np.float32]  # (k, 784) pixels
    label: NDArray[np.uint8]  # (k,) as trained on
    wrong: NDArray[np.bool_]  # (k,) not the true one


class Spectra(NamedTuple):
    """D* of a training set, and what images of another set would have as one more of it."""

    training: NDArray[np.float64]  # (k,)
    validation: NDArray[np.float64]  # (l,) s / (1 + s)
    leverage: NDArray[np.float64]  # (l,) s, of what lies in the training set's span
    rank: int


class Memorization(NamedTuple):
    """Counterfactual memorisation of a pool of N images by K models."""

    log: NDArray[np.float64]  # (N,) by the label's log-probability
    log_even: NDArray[np.float64]  # the same by every other model
    log_odd: NDArray[np.float64]  # and by the rest
    correct: NDArray[np.float64]  # (N,) by whether the prediction is the label
    log_reliability: float  # rank correlation of two halves
    correct_reliability: float
    models: int


class Measured(NamedTuple):
    """Of one cell: columns at each epoch, at the end, and of each training and validation image."""

    moments: list[dict[str, Any]]
    last: dict[str, Any]
    training: dict[str, NDArray[Any]]
    validation: dict[str, NDArray[Any]]


def measure(
    arrays: dict[str, NDArray[Any]],
    training: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]],
    validation: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    ensemble: dict[int, Memorization],
) -> Measured:
    """All that the tables say of one cell's models.

    Args:
        arrays: of `training.train_cell`, weights. training: images, labels, and which of these are wrong.
        validation: images and labels. ensemble: the training images' memorisation by epoch, where it is known.
    """
    inside = Images(pixels(training[0]), *training[1:])
    outside = Images(pixels(validation[0]), validation[1], np.zeros(len(validation[1]), dtype=bool))
    neighbours = {"nearest_neighbour": nearest_neighbours(inside.x)} if ensemble else {}
    moments = []
    for k, epoch in enumerate(arrays["epoch"].tolist()):
        model = Classifier(*(arrays[name][k] for name in Classifier._fields))
        after, of = spectra(model.after(inside.x), model.after(outside.x)), ensemble.get(epoch)
        columns = {"epoch": epoch} | performance_columns(model, inside, outside) | spectrum_columns(after)
        if inside.wrong.any():
            columns["wrong_area_D_after"] = roc(after.training, inside.wrong).area
        columns |= misclassified_columns(after.training, model.logits(inside.x).argmax(axis=1) != inside.label)
        if of is not None:
            scores = rival_scores(model, inside) | neighbours
            columns |= ensemble_columns(of, inside.wrong) | comparison_columns(scores, of, inside.wrong)
        moments.append(columns)

    before, h = spectra(model.before(inside.x), model.before(outside.x)), model.after(inside.x)
    of_training = _image_columns(model, inside, after.training, before.training, after.training)
    of_training |= {"D_x": dimensionality(h), "unit_share": largest_unit_shares(h)}
    if of is not None:
        of_training |= {name: scores[name] for name in ("gradient_norm", "mahalanobis", "nearest_neighbour")}
        of_training |= {"memorization_log": of.log, "memorization_even": of.log_even, "memorization_odd": of.log_odd}
        of_training["memorization_correct"] = of.correct
    alone = after.training > ALONE
    share = of_training["unit_share"] / np.where(after.training > 0, after.training, 1)
    last = {
        "alone_unit_share": float(np.median(share[alone])) if alone.any() else None,
        "typical_unit_share": float(np.median(share)),
        "rank_before": before.rank,
        "D_before_median": np.median(before.training),
        "D_before_max": before.training.max(),
        "rho_before_after": spearman(before.training, after.training),
        "rho_D_unit_share": spearman(of_training["unit_share"], after.training),
        "unit_share_max": of_training["unit_share"].max(),
    }
    of_validation = _image_columns(model, outside, after.validation, before.validation, after.leverage)
    return Measured(moments, last, of_training, of_validation)


def _image_columns(
    model: Classifier,
    images: Images,
    after: NDArray[np.float64],
    before: NDArray[np.float64],
    s: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    return {
        "label": images.label,
        "prediction": model.logits(images.x).argmax(axis=1),
        "loss": losses(model, images.x, images.label),
        "margin": margins(model, images.x, images.label),
        "D_after": after,
        "D_before": before,
        "leverage": s,
        "rank_D": np.argsort(np.argsort(-after, kind="stable"), kind="stable") + 1,
    }


def spectra(training: NDArray[np.float32], validation: NDArray[np.float32]) -> Spectra:
    """Of (k, m) hidden vectors of the training set and (l, m) of the validation set."""
    of = whitening(training)
    return Spectra(leverage(training, of), leverage_if_included(validation, of), leverage(validation, of), of.rank)


def spectrum_columns(of: Spectra) -> dict[str, Any]:
    """Quantiles of both, and the sum that has to be the rank."""
    quantiles = {"D_min": 0.0, "D_median": 0.5, "D_p99": 0.99, "D_p999": 0.999, "D_max": 1.0}
    columns: dict[str, Any] = {"rank": of.rank, "D_sum": of.training.sum()}
    columns |= {name: np.quantile(of.training, q) for name, q in quantiles.items()}
    columns |= {f"validation_{name}": np.quantile(of.validation, q) for name, q in quantiles.items()}
    columns["D_far"] = int((of.training > FAR * np.median(of.training)).sum())
    columns["D_alone"] = int((of.training > ALONE).sum())
    return columns | {"validation_outside": (of.validation == 1).mean()}


def performance_columns(model: Classifier, training: Images, validation: Images) -> dict[str, Any]:
    """Loss and accuracy on both sets, and the share of wrong labels that are predicted."""
    columns: dict[str, Any] = {}
    for name, images in (("train", training), ("validation", validation)):
        right = model.logits(images.x).argmax(axis=1) == images.label
        columns |= {f"{name}_loss": losses(model, images.x, images.label).mean(), f"{name}_accuracy": right.mean()}
        if name == "train" and images.wrong.any():
            columns["wrong_fitted"] = right[images.wrong].mean()
    return columns


def misclassified_columns(D: NDArray[np.float64], missed: NDArray[np.bool_]) -> dict[str, Any]:
    """Where in the order of D* the misclassified training images are.

    Their number, by tenth of the ranks, lowest D* first; and how far the share of them found falls from, or runs ahead
    of, the share of ranks passed, at most (the Kolmogorov-Smirnov distance): 0 where they are spread evenly.
    """
    count = int(missed.sum())
    position = np.sort(np.argsort(np.argsort(D, kind="stable"))[missed])
    tenth = np.bincount(position * DECILES // len(D), minlength=DECILES)
    columns: dict[str, Any] = {"misclassified": count} | {f"misclassified_{k}": int(tenth[k]) for k in range(DECILES)}
    if count:
        k = np.arange(count)
        ahead = (k + 1) / count - (position + 1) / len(D)
        behind = k / count - position / len(D)
        columns["misclassified_distance"] = max(np.abs(ahead).max(), np.abs(behind).max())
    return columns


def memorization(
    log_probability: NDArray[np.floating], correct: NDArray[np.bool_], trained_on: NDArray[np.bool_]
) -> Memorization:
    """Of (K, N) scores of K models, with the (K, N) mask of what each was trained on."""
    even, odd = (counterfactual(log_probability[k::2], trained_on[k::2]) for k in (0, 1))
    return Memorization(
        counterfactual(log_probability, trained_on),
        even,
        odd,
        counterfactual(correct, trained_on),
        spearman(even, odd),
        split_half(correct, trained_on),
        len(trained_on),
    )


def ensemble_columns(of: Memorization, wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """How much of a pool is memorised, and how reliable that is."""
    columns = {
        "models": of.models,
        "reliability_log": of.log_reliability,
        "reliability_correct": of.correct_reliability,
        "memorization_log": np.nanmean(of.log),
        "memorization_correct": np.nanmean(of.correct),
    }
    if wrong.any():
        columns["memorization_wrong_log"] = np.nanmean(of.log[wrong])
        columns["memorization_wrong_correct"] = np.nanmean(of.correct[wrong])
    return columns


def rival_scores(model: Classifier, images: Images) -> Scores:
    """Every score of one model that might tell memorised images, by name; D* before and after the ReLU among them."""
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
    }


def comparison_columns(scores: Scores, of: Memorization, wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """How well each score tells which images are memorised, and which have a wrong label.

    Against the log-probability's memorisation: rank correlation, and ROC area for the 5 % most memorised by half of the
    models; the same among images with the right label, as wrong labels alone can be most of those 5 %. For wrong
    labels: ROC area, and the precision among as many images as there are wrong ones.
    """
    known = np.isfinite(of.log) & np.isfinite(of.log_even)  # not where all models were trained on it, or none
    scores, wrong, log, half = {k: s[known] for k, s in scores.items()}, wrong[known], of.log[known], of.log_even[known]
    columns: dict[str, Any] = {}
    for of_labels, some in (("", np.ones(len(log), dtype=bool)), ("right_", ~wrong)):
        memorized = half[some] >= np.quantile(half[some], 1 - MEMORIZED)
        for name, score in scores.items():
            columns[f"{of_labels}rho_{name}"] = spearman(score[some], log[some])
            columns[f"{of_labels}memorized_area_{name}"] = roc(score[some], memorized).area
    if wrong.any():
        for name, score in (scores | {"memorization": log}).items():
            found = roc(score, wrong)
            columns |= {f"wrong_area_{name}": found.area, f"wrong_precision_{name}": found.precision}
    return columns
