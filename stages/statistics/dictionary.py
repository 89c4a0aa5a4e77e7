"""Overcomplete dictionaries learned from vectors alone: directions of which each vector is a sparse, non-negative sum.

Vectors are scaled to a root mean square length of 1 first, so that `sparsity` means the same for all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import NMF, MiniBatchDictionaryLearning, non_negative_factorization

STEPS, BATCH, RATE = 3000, 512, 3e-3  # of the autoencoder
PASSES = 20  # over the vectors, of dictionary learning
FACTOR_STEPS = 100  # of non-negative factorisation
USED = 1e-3  # share of vectors in which an atom that counts is found

Vectors = NDArray[np.float64]


class Dictionary(NamedTuple):
    """Atoms of unit length (k, m) that are in use, how many a vector takes, and the share of squares not explained."""

    atoms: Vectors
    per_vector: float
    left: float


def sparse_coding(H: Vectors, count: int, sparsity: float, seed: int = 0) -> Dictionary:
    """Dictionary learning, |h - a D|^2 / 2 + sparsity |a|_1 (Mairal et al. 2009, by scikit-learn); H is (T, m).

    Atoms that no vector uses are put in the place of vectors: with more atoms than vectors, each vector becomes one.
    """
    learner = MiniBatchDictionaryLearning(
        count,
        alpha=sparsity,
        max_iter=PASSES,
        batch_size=min(BATCH, len(H)),
        fit_algorithm="cd",
        transform_algorithm="lasso_cd",
        transform_alpha=sparsity,
        positive_code=True,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: so many passes are what was asked
        code = learner.fit(_scaled(H)).transform(_scaled(H))
    return _found(_scaled(H), code, learner.components_)


def autoencoders(H: Vectors, count: int, sparsities: Sequence[float], seed: int = 0) -> list[Dictionary]:
    """Sparse autoencoders, |h - a D|^2 + sparsity |a|_1, one a sparsity; H is (T, m).

    The code a is ReLU(E h + e), atoms have unit length, the optimiser is Adam. The error is not halved, so that a
    sparsity is half of that of `sparse_coding`.
    """
    torch.set_num_threads(1)  # so that sums have one order
    rng, several = torch.Generator().manual_seed(seed), len(sparsities)
    X = torch.tensor(_scaled(H), dtype=torch.float32)
    start = torch.randn(count, X.shape[1], generator=rng)
    decoder = start.repeat(several, 1, 1)
    encoder = (start / start.norm(dim=1, keepdim=True)).T.repeat(several, 1, 1)
    bias, penalty = torch.zeros(several, 1, count), torch.tensor(sparsities)
    for tensor in (weights := [encoder, bias, decoder]):
        tensor.requires_grad_()
    optimizer = torch.optim.Adam(weights, lr=RATE)
    for _ in range(STEPS):
        x = X[torch.randint(len(X), (min(BATCH, len(X)),), generator=rng)].expand(several, -1, -1)
        code = torch.relu(torch.baddbmm(bias, x, encoder))
        off = torch.baddbmm(x, code, decoder / decoder.norm(dim=2, keepdim=True), alpha=-1)
        loss = (off**2).sum(dim=(1, 2)) + penalty * code.sum(dim=(1, 2))
        optimizer.zero_grad()
        torch.autograd.backward(loss.sum() / x.shape[1])
        optimizer.step()
    with torch.no_grad():
        codes = torch.relu(torch.baddbmm(bias, X.expand(several, -1, -1), encoder)).double().numpy()
    return [
        _found(_scaled(H), code, _unit(atoms))
        for code, atoms in zip(codes, decoder.detach().double().numpy(), strict=True)
    ]


def factors(X: Vectors, count: int, seed: int = 0) -> Dictionary:
    """Non-negative matrix factorisation of (T, n) outputs, none of which is negative."""
    count = min(count, *X.shape)
    learner = NMF(count, init="nndsvda", max_iter=FACTOR_STEPS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = learner.fit_transform(_scaled(X))
    return _found(_scaled(X), code, learner.components_)


def coded(X: Vectors, atoms: Vectors) -> Vectors:
    """(T, k) non-negative code of (T, n) outputs by k atoms that are not negative, as of `factors`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: Vectors = non_negative_factorization(X, H=atoms, update_H=False, max_iter=FACTOR_STEPS)[0]
    return code


def prevalence(code: Vectors) -> Vectors:
    """(k,) share of the vectors that take each atom, by its participation ratio: 1 where all do alike; 0 unused."""
    square = (code**2).sum(axis=0)
    share: Vectors = np.divide(code.sum(axis=0) ** 2, len(code) * square, out=np.zeros_like(square), where=square > 0)
    return share


def recovered(targets: Vectors, atoms: Vectors, cosine: float) -> tuple[float, float]:
    """Share of (k, m) targets near an atom, and share of atoms near a target: at a cosine above that."""
    if not len(targets) or not len(atoms):
        return 0.0, 0.0
    near = _unit(targets) @ _unit(atoms).T > cosine
    return float(near.any(axis=1).mean()), float(near.any(axis=0).mean())


def chance(targets: Vectors, count: int, cosine: float, rng: np.random.Generator, draws: int = 50) -> float:
    """Share of (k, m) targets that are so near one of as many random directions."""
    shape = (count, targets.shape[1])
    return float(np.mean([recovered(targets, rng.standard_normal(shape), cosine)[0] for _ in range(draws)]))


def _found(H: Vectors, code: Vectors, atoms: Vectors) -> Dictionary:
    used = (code > 0).mean(axis=0) >= USED
    left = float(((H - code @ atoms) ** 2).sum() / max((H**2).sum(), np.finfo(np.float64).tiny))
    return Dictionary(_unit(atoms[used & atoms.any(axis=1)]), float((code > 0).sum(axis=1).mean()), left)


def _scaled(H: Vectors) -> Vectors:
    scaled: Vectors = H / max(np.sqrt((H**2).sum(axis=1).mean()), np.finfo(np.float64).tiny)
    return scaled


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
