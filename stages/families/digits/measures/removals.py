"""What can be taken out of a classifier after training, and what that does to wrong labels and to the rest.

Three kinds of removal, each by an amount. *Directions* of the hidden layer: their span is projected out.
*Units*: their output is 0. *Low curvature*: with the mean A of x x^T of a weight matrix's inputs and that G of g g^T of
gradients by its output, entry (i, j) of the matrix in their eigenbases has the curvature g_i a_j (K-FAC, Martens &
Grosse 2015); the entries of lowest curvature are set to 0 (Merullo et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.digits.measures.images import Images
from stages.families.digits.model.classifier import Classifier
from stages.statistics.leverage import leverage, whitening

Floats = NDArray[np.float64]
BLOCK = 1000  # images at a time


class Removal(NamedTuple):
    """A way to take something out, and the edited model for each amount."""

    name: str
    amount: float  # directions or units, or share of the entries
    edited: Classifier


class Targets(NamedTuple):
    """Which training images a removal is told of, and which wrong labels it is not."""

    told: NDArray[np.bool_]  # (T,)
    untold: NDArray[np.bool_]  # (T,)


def halves(wrong: NDArray[np.bool_], rng: np.random.Generator) -> Targets:
    """Half of the wrong labels, drawn at random, and the other half."""
    which = rng.permutation(np.flatnonzero(wrong))
    told, untold = np.zeros((2, len(wrong)), dtype=bool)
    told[which[: len(which) // 2]] = True
    untold[which[len(which) // 2 :]] = True
    return Targets(told, untold)


def directions(
    model: Classifier, images: Images, told: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Floats]:
    """{name: (hidden, rank)} directions of the hidden layer, those to be taken out first in front.

    `own`: those of which the told images together have the largest share of all, sup_v sum_told (v . h)^2 /
    sum (v . h)^2, then the next; and as a control those of as many images with the right label. `highest D*`: those at
    which the images of highest D* have it, v = M^+ h. `least variance`: the last principal directions. `random`:
    uniform where hidden vectors are white.
    """
    h = model.after(images.x).astype(np.float64)
    of = whitening(h)
    white = h @ of.matrix
    highest = np.argsort(-leverage(h, of), kind="stable")[: of.rank]
    right = rng.permutation(np.flatnonzero(~images.wrong))[: told.sum()]

    def own(which: NDArray[Any]) -> Floats:
        found: Floats = of.matrix @ np.linalg.eigh(white[which].T @ white[which])[1][:, ::-1]
        return found

    return {
        "own directions": own(told),
        "own directions of right labels": own(right),
        "highest D*": of.matrix @ white[highest].T,
        "least variance": np.linalg.eigh(np.cov(h.T))[1][:, h.shape[1] - of.rank :],
        "random directions": of.matrix @ rng.standard_normal((of.rank, of.rank)),
    }


def units(
    model: Classifier, images: Images, told: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """{name: (hidden,)} order in which units are taken out.

    By margin: first those whose removal costs the told images most of their margin and images with the right label
    least (after Maini et al. 2023, who search again after each unit).
    """
    cost = margin_costs(model, images)
    more = cost[told].mean(axis=0) - cost[~images.wrong].mean(axis=0)
    return {"units by margin": np.argsort(-more, kind="stable"), "random units": rng.permutation(len(more))}


def margin_costs(model: Classifier, images: Images) -> Floats:
    """(T, hidden) what the label's logit loses against the highest other without each unit: logits are linear in h."""
    z, rows = model.logits(images.x), np.arange(len(images.x))
    z[rows, images.label] = -np.inf
    V = model.V.T.astype(np.float64)
    against: Floats = (V[:, images.label] - V[:, z.argmax(axis=1)]).T
    return against * model.after(images.x)


def without_directions(model: Classifier, span: Floats) -> Classifier:
    """The model whose output does not see the span of (hidden, k) directions; of none, the model itself."""
    if not span.shape[1]:
        return model
    q = np.linalg.qr(span)[0]
    V = model.V.astype(np.float64)
    return model._replace(V=(V - (V @ q) @ q.T).astype(np.float32))


def without_units(model: Classifier, which: NDArray[np.int64]) -> Classifier:
    """The model whose output does not see these units."""
    V = model.V.copy()
    V[:, which] = 0
    return model._replace(V=V)


class Curvature(NamedTuple):
    """A weight matrix in the eigenbases of its two covariances, and the curvature of each entry."""

    output: Floats  # (k, k) eigenvectors of G
    input: Floats  # (l, l) eigenvectors of A
    entries: Floats  # (k, l)
    of: Floats  # (k, l) g_i a_j

    def without(self, order: NDArray[np.int64], count: int) -> NDArray[np.float32]:
        """The weight matrix without the first `count` entries of that order."""
        kept = self.entries.copy()
        kept.ravel()[order[:count]] = 0
        return (self.output @ kept @ self.input.T).astype(np.float32)

    @property
    def lowest_first(self) -> NDArray[np.int64]:
        """Entries by curvature, the lowest first."""
        return np.argsort(self.of, axis=None, kind="stable")


def curvatures(model: Classifier, x: NDArray[np.float32]) -> dict[str, Curvature]:
    """Of W and V by name, over (T, 784) inputs: the Fisher information, labels as the model predicts them.

    The gradient of -log p_c by the logits is p - e_c, with probability p_c, so that no label is drawn.
    """
    h = model.after(x).astype(np.float64)
    p = np.exp(model.log_probabilities(x))
    V, count = model.V.astype(np.float64), len(x)
    G = {"V": (np.diag(p.sum(axis=0)) - p.T @ p) / count, "W": np.zeros((h.shape[1], h.shape[1]))}
    for first in range(0, count, BLOCK):
        rows = slice(first, first + BLOCK)
        for c in range(V.shape[0]):
            below = ((p[rows] - np.eye(V.shape[0])[c]) @ V) * (h[rows] > 0) * np.sqrt(p[rows, c : c + 1])
            G["W"] += below.T @ below / count
    A = {"V": h.T @ h / count, "W": x.T.astype(np.float64) @ x.astype(np.float64) / count}
    return {name: _curvature(getattr(model, name).astype(np.float64), G[name], A[name]) for name in ("W", "V")}


def _curvature(weights: Floats, G: Floats, A: Floats) -> Curvature:
    (g, output), (a, of_input) = np.linalg.eigh(G), np.linalg.eigh(A)
    return Curvature(output, of_input, output.T @ weights @ of_input, np.outer(np.maximum(g, 0), np.maximum(a, 0)))


class Amounts(NamedTuple):
    """How much is taken out."""

    counts: tuple[int, ...]  # of directions, or units
    shares: tuple[float, ...]  # of a matrix's entries, or of its singular values


def removals(model: Classifier, images: Images, told: NDArray[np.bool_], amounts: Amounts) -> Iterator[Removal]:
    """Every removal by every amount, and nothing taken out.

    Args:
        told: (T,) the training images that `own directions` and `units by margin` are told of. No other is told any.
    """
    yield Removal("nothing", 0, model)
    rng = generator("removals")
    for name, span in directions(model, images, told, rng).items():
        for k in (k for k in amounts.counts if k <= span.shape[1]):
            yield Removal(name, k, without_directions(model, span[:, :k]))
    for name, order in units(model, images, told, rng).items():
        for k in (k for k in amounts.counts if k <= len(order)):
            yield Removal(name, k, without_units(model, order[:k]))
    yield from _of_weights(model, images, amounts.shares)


def _of_weights(model: Classifier, images: Images, shares: tuple[float, ...]) -> Iterator[Removal]:
    """Removals from the weight matrices, of either layer or both."""
    for name in ("W", "V"):
        for share in shares:
            yield Removal(
                f"small singular values, {name}",
                share,
                model._replace(**{name: without_small(getattr(model, name), share)}),
            )
    found = curvatures(model, images.x)
    lowest = {name: of.lowest_first for name, of in found.items()}
    small = {"W": np.argsort(np.abs(found["W"].entries), axis=None, kind="stable")}
    for kind, layers, orders in (
        ("low curvature", ("W",), lowest),
        ("low curvature", ("V",), lowest),
        ("low curvature", ("W", "V"), lowest),
        ("small entries", ("W",), small),
    ):
        for share in shares:
            count = {name: round(share * found[name].of.size) for name in layers}
            edited = {name: found[name].without(orders[name], count[name]) for name in layers}
            yield Removal(f"{kind}, {' and '.join(layers)}", share, model._replace(**edited))


def without_small(weights: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """A matrix without that share of its singular values, the smallest."""
    u, s, vt = np.linalg.svd(weights.astype(np.float64), full_matrices=False)
    kept = len(s) - round(share * len(s))
    return np.asarray((u[:, :kept] * s[:kept]) @ vt[:kept], dtype=np.float32)


def units_to_flip(model: Classifier, images: Images) -> NDArray[np.int64]:
    """(T,) units to take out until an image's label is predicted no more.

    0 if it never is, hidden + 1 if none are enough. Units in the order of what they cost that image's margin.
    """
    fewest = np.empty(len(images.x), dtype=np.int64)
    for first in range(0, len(images.x), BLOCK):
        rows = slice(first, first + BLOCK)
        block = Images(images.x[rows], images.label[rows], images.true_label[rows])
        h, label, own = model.after(block.x).astype(np.float64), block.label.astype(np.int64), np.arange(len(block.x))
        order = np.argsort(-margin_costs(model, block), axis=1, kind="stable")
        z = model.logits(block.x)
        fewest[rows] = np.where(z.argmax(axis=1) == label, h.shape[1] + 1, 0)
        for k in range(h.shape[1]):
            unit = order[:, k]
            z -= h[own, unit, None] * model.V.T[unit]
            flipped = (z.argmax(axis=1) != label) & (fewest[rows] > h.shape[1])
            fewest[rows][flipped] = k + 1
    return fewest


class Effects:
    """What models recall of wrong labels, and what they do otherwise; hidden vectors are kept while W is the same."""

    def __init__(self, images: Images, validation: Images, of: Targets) -> None:
        self._sets, self._of = (images, validation), of
        self._W: NDArray[np.float32] | None = None
        self._h: list[NDArray[np.float32]] = []

    def __call__(self, model: Classifier) -> dict[str, Any]:
        """Shares, by the name of what they are of."""
        if model.W is not self._W:
            self._W, self._h = model.W, [model.after(images.x) for images in self._sets]
        images, validation = self._sets
        predicted, seen = ((h @ model.V.T + model.c).argmax(axis=1) for h in self._h)
        as_trained = predicted == images.label
        return {
            "recalled_told": as_trained[self._of.told].mean() if self._of.told.any() else None,
            "recalled_untold": as_trained[self._of.untold].mean() if self._of.untold.any() else None,
            "corrected": (predicted == images.true_label)[images.wrong].mean() if images.wrong.any() else None,
            "right_kept": as_trained[~images.wrong].mean(),
            "validation": (seen == validation.label).mean(),
        }
