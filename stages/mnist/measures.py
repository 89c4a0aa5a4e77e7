"""What is measured of a classifier: how well it does, the spectrum of its D*, and who is where in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.mnist.classifier import Classifier
from stages.mnist.leverage import leverage, leverage_if_included, whitening
from stages.mnist.memorization import counterfactual, roc, spearman, split_half
from stages.mnist.rivals import gradient_norms, largest_unit_shares, losses, mahalanobis, margins
from stages.toy.dimensionality import dimensionality

DECILES = 10
MEMORIZED = 0.05  # share of a pool that counts as memorised

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


def spectra(training: NDArray[np.float32], validation: NDArray[np.float32]) -> Spectra:
    """Of (k, m) hidden vectors of the training set and (l, m) of the validation set."""
    of = whitening(training)
    return Spectra(leverage(training, of), leverage_if_included(validation, of), leverage(validation, of), of.rank)


def spectrum_columns(of: Spectra) -> dict[str, Any]:
    """Quantiles of both, and the sum that has to be the rank."""
    quantiles = {"D_median": 0.5, "D_p99": 0.99, "D_max": 1.0}
    columns: dict[str, Any] = {"rank": of.rank, "D_sum": of.training.sum()}
    columns |= {name: np.quantile(of.training, q) for name, q in quantiles.items()}
    columns |= {f"validation_{name}": np.quantile(of.validation, q) for name, q in quantiles.items()}
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
    models. For wrong labels: ROC area, and the precision among as many images as there are wrong ones.
    """
    known = np.isfinite(of.log) & np.isfinite(of.log_even)  # not where all models were trained on it, or none
    scores, wrong, log, half = {k: s[known] for k, s in scores.items()}, wrong[known], of.log[known], of.log_even[known]
    memorized = half >= np.quantile(half, 1 - MEMORIZED)
    columns: dict[str, Any] = {}
    for name, score in scores.items():
        columns |= {f"rho_{name}": spearman(score, log), f"memorized_area_{name}": roc(score, memorized).area}
    if wrong.any():
        for name, score in (scores | {"memorization": log}).items():
            found = roc(score, wrong)
            columns |= {f"wrong_area_{name}": found.area, f"wrong_precision_{name}": found.precision}
    return columns
