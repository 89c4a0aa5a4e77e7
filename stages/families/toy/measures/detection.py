"""Scores of inputs by their hidden vectors: the larger, the more an input looks like a special case.

Two of them know what is in superposition, `angle_to_candidate` and `sparse_code`: the directions of the main features,
and those of candidate points. Candidates are training points whose dimensionality, all copies together, stands out:
that uses how often the training set holds each point, and not which were planted.

Below, h is an input's hidden vector, H_t that of training point t, and averages are over the training set, in which
point t is `weight_t` times.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.toy.data.points import Points
from stages.families.toy.model.iteration import outputs
from stages.families.toy.model.model import Model, point_losses
from stages.statistics.dictionary import coded, factors, prevalence
from stages.statistics.dimensionality import dimensionality
from stages.statistics.leverage import leverage_if_included, whitening

STANDS_OUT = 3  # times the 99th percentile of points' D, all copies together: a candidate for a special case
ALONG = 0.95  # cosine from which a vector points where a feature does
ATOMS, SAMPLE = 8, 2000  # of the dictionary: a hidden dimension, and outputs it is learned from
LEADING = 0.95  # share of the training set's variance that its leading directions explain

Vectors = NDArray[np.float64]


class Known(NamedTuple):
    """What is in superposition: unit directions of the main features (k, m), and of candidate points (l, m)."""

    features: Vectors
    candidates: Vectors
    items: NDArray[np.int64]  # (l,) which training points these are


def structure(model: Model, points: Points) -> Known:
    """What a look at the trained model shows: its main features, and points that are stored beside them."""
    h, D_f = model.hidden(points), dimensionality(model.W.T)
    D = dimensionality(h, points.weight) * _weight(points)
    items = np.flatnonzero(np.quantile(D, 0.99) * STANDS_OUT < D)
    candidates, features = _unit(h[items]), _unit(model.W.T.astype(np.float64)[D_f > D_f.max() / 2])
    stored = (features @ candidates.T > ALONG).any(axis=1)  # a stored point's own feature points where the point does
    return Known(features[~stored], candidates, items)


class Learned(NamedTuple):
    """A dictionary learned from outputs: (k, n) atoms, and how rare each is in training, -log of its prevalence."""

    atoms: Vectors
    rarity: Vectors


def dictionary(model: Model, points: Points) -> Learned:
    """Learned from outputs for training points, as often as each is there, and told nothing.

    Prevalence is among different points: of an atom that one point takes, however many copies it has, it is 1 / T.
    """
    x = outputs(model, model.hidden(points))
    copies = np.repeat(np.arange(points.T), _weight(points).astype(int))
    atoms = factors(x[generator("outputs").permutation(copies)[:SAMPLE]], ATOMS * model.m).atoms
    return Learned(atoms, -np.log(np.maximum(prevalence(coded(x, atoms)), 1 / points.T)))


class Trained(NamedTuple):
    """Hidden vectors of T training points."""

    H: Vectors  # (T, m)
    weight: Vectors  # (T,) how often the training set holds each

    @property
    def mean(self) -> Vectors:
        """(m,) mean of H."""
        mean: Vectors = np.average(self.H, axis=0, weights=self.weight)
        return mean

    @property
    def covariance(self) -> Vectors:
        """(m, m) covariance of H."""
        m = self.H.shape[1]
        return np.cov(self.H.T, aweights=self.weight).reshape(m, m)


def scores(model: Model, training: Points, inputs: Points, known: Known, learned: Learned) -> dict[str, Vectors]:
    """{name: (k,)} every score of k inputs, by a model of (m, n) weights and its T training points."""
    h, trained = model.hidden(inputs), Trained(model.hidden(training), _weight(training))
    return {
        "D_star": leverage_among(h, trained),
        "D_x": dimensionality_among(h, trained),
        "mahalanobis": mahalanobis(h, trained),
        "explained": explained(model, inputs),
        "nearest": nearness(h, trained),
        "unexplained": unexplained_variance(h, trained),
        "nearest_point": angle_to_candidate(h, known),
        "code": sparse_code(h, known),
        "learned": rare_atoms(model, inputs, learned),
    }


def rare_atoms(model: Model, inputs: Points, learned: Learned) -> Vectors:
    """How rare the atoms are that the outputs for k inputs are made of: a mean of their rarity; 0 of output 0."""
    code = coded(outputs(model, model.hidden(inputs)), learned.atoms)
    total = code.sum(axis=1)
    rare: Vectors = np.divide(code @ learned.rarity, total, out=np.zeros(len(code)), where=total > 0)
    return rare


def leverage_among(h: Vectors, trained: Trained) -> Vectors:
    """D* of (k, m) vectors, each as one more training point: D* = q / (1 + q) with q = h (sum_t H_t H_t^T)^-1 h."""
    copies = np.repeat(np.arange(len(trained.H)), trained.weight.astype(int))
    return leverage_if_included(h, whitening(trained.H[copies]))


def dimensionality_among(h: Vectors, trained: Trained) -> Vectors:
    """D_x of (k, m) vectors among the training points: |h|^4 / sum_t (h . H_t)^2; 0 where nothing is shared."""
    M = (trained.H * trained.weight[:, None]).T @ trained.H
    square, shared = _square(h), np.einsum("km,mn,kn->k", h, M, h)
    D: Vectors = np.divide(square**2, shared, out=np.zeros_like(square), where=shared > 0)
    return D


def mahalanobis(h: Vectors, trained: Trained) -> Vectors:
    """Squared Mahalanobis distance of (k, m) vectors: (h - mean) C^+ (h - mean), with the covariance C of H."""
    centred = h - trained.mean
    distance: Vectors = np.einsum("km,mn,kn->k", centred, np.linalg.pinv(trained.covariance), centred)
    return distance


def explained(model: Model, inputs: Points) -> Vectors:
    """Minus the reconstruction error of k inputs: -|x - x'|^2."""
    return -point_losses(model, inputs)


def nearness(h: Vectors, trained: Trained) -> Vectors:
    """Minus the squared distance of (k, m) vectors to the nearest training point: -min_t |h - H_t|^2."""
    return -np.array([np.min(np.sum((trained.H - vector) ** 2, axis=1)) for vector in h])


def unexplained_variance(h: Vectors, trained: Trained) -> Vectors:
    """Share of (k, m) vectors outside the training set's leading directions: 1 - |P (h - mean)|^2 / |h - mean|^2.

    P projects on the fewest eigenvectors of the covariance that explain LEADING of it; 0 where they span everything.
    """
    values, directions = np.linalg.eigh(trained.covariance)
    share = np.cumsum(values[::-1]) / values.sum()
    leading = directions[:, ::-1][:, : int(np.searchsorted(share, LEADING) + 1)]
    centred = h - trained.mean
    left = _square(centred) - np.sum((centred @ leading) ** 2, axis=1)
    left *= leading.shape[1] < h.shape[1]  # else they span everything, and rounding would be left
    unexplained: Vectors = left / np.maximum(_square(centred), 1e-30)
    return unexplained


def angle_to_candidate(h: Vectors, known: Known) -> Vectors:
    """Cosine of (k, m) vectors with the nearest candidate c: max_c h . c / |h|; 0 where there is no candidate."""
    cosine: Vectors = (_unit(h) @ known.candidates.T).max(axis=1) if len(known.items) else np.zeros(len(h))
    return cosine


def sparse_code(h: Vectors, known: Known) -> Vectors:
    """How much less of |h|^2 a code leaves if a candidate may be in it: |h|^2 (L(f, f') - min(L(f, f'), L(c, f))).

    L(a, b) is the share of |h|^2 that no non-negative sum of one of a and one of b reaches, over main features f, f'
    and candidates c.
    """
    unit = _unit(h)
    plain = _left(unit, known.features, known.features)
    less = plain - np.minimum(plain, _left(unit, known.candidates, known.features))
    return less * _square(h)


def _left(h: Vectors, first: Vectors, second: Vectors) -> Vectors:
    """(k,) squared length of h that no non-negative sum of one of `first` and one of `second` reaches."""
    best = np.ones(len(h))
    for e in first:
        a = h @ e
        best = np.minimum(best, 1 - np.maximum(a, 0) ** 2)
        for f in second:
            c = e @ f
            if abs(c) > 1 - 1e-9:
                continue
            b = h @ f
            u, v = (a - c * b) / (1 - c * c), (b - c * a) / (1 - c * c)
            inside = (u > 0) & (v > 0)
            best = np.minimum(best, np.where(inside, 1 - (u * a + v * b), 1.0))
    for f in second:
        best = np.minimum(best, 1 - np.maximum(h @ f, 0) ** 2)
    left: Vectors = np.maximum(best, 0)
    return left


def _weight(points: Points) -> Vectors:
    return np.ones(points.T) if points.weight is None else points.weight.astype(np.float64)


def _square(vectors: Vectors) -> Vectors:
    square: Vectors = np.einsum("km,km->k", vectors, vectors)
    return square


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
