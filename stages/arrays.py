"""What is measured here, on your own activations, scores and points, from a script or a notebook.

Each function takes NumPy arrays, PyTorch tensors of any device and precision, or lists, and gives NumPy arrays in
float64. The maths is in `stages.statistics` and the toy family; no stage imports this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from stages.core.errors import UserError
from stages.families.toy.fit import Fitted
from stages.families.toy.fit import fit as _fit
from stages.families.toy.model import iteration
from stages.families.toy.model.model import Model
from stages.statistics import dictionary, leverage, memorization
from stages.statistics import dimensionality as of_vectors
from stages.statistics.dictionary import Dictionary
from stages.statistics.polygon import Polygon
from stages.statistics.polygon import polygon as _polygon

Array = NDArray[np.float64]


class ArrayError(UserError):
    """Which argument is wrong, what it is, and what is allowed."""


def dimensionality(vectors: ArrayLike) -> Array:
    """(k,) the paper's dimensionality of k vectors, (k, m): each in [0, 1], their sum at most m.

    Columns of W, as rows, give its D_f; hidden vectors give its D_x.
    """
    return of_vectors.dimensionality(_table("vectors", vectors))


def maximal_dimensionality(H: ArrayLike) -> Array:
    """(T,) D*, the maximal data dimensionality of (T, m) hidden vectors: each in [0, 1], their sum the rank of H."""
    h = _table("H", H)
    return leverage.leverage(h, leverage.whitening(h))


def polygon(T: int) -> Polygon:
    """The exact solution that stores T orthonormal points in two hidden dimensions, as a regular T-gon."""
    if not isinstance(T, int | np.integer) or T < 3:
        raise ArrayError(f"T is {T!r}; allowed: whole numbers from 3")
    return _polygon(int(T))


def counterfactual(score: ArrayLike, trained_on: ArrayLike) -> Array:
    """(N,) counterfactual memorisation: the mean score of models trained on an example, less that of the others.

    Args:
        score: (K, N), of each of K models on each of N examples; a higher one is better.
        trained_on: (K, N), whether the model's training set holds the example.

    Returns:
        NaN for an example that all models were trained on, or none.
    """
    return memorization.counterfactual(*_scores(score, trained_on))


def split_half(score: ArrayLike, trained_on: ArrayLike) -> float:
    """How reliable `counterfactual` is: the rank correlation of what two disjoint halves of the models say."""
    s, held = _scores(score, trained_on)
    if len(s) < 4:
        raise ArrayError(f"score is of {len(s)} models; allowed: 4 or more, two in each half")
    return memorization.split_half(s, held)


def sparse_coding(H: ArrayLike, count: int, sparsity: float, seed: int = 0) -> Dictionary:
    """A dictionary of at most `count` directions whose sparse non-negative sums give the (T, m) vectors H."""
    if not isinstance(count, int | np.integer) or count < 1:
        raise ArrayError(f"count is {count!r}; allowed: whole numbers from 1")
    if not (np.isfinite(sparsity) and sparsity > 0):
        raise ArrayError(f"sparsity is {sparsity!r}; allowed: finite numbers above 0")
    return dictionary.sparse_coding(_table("H", H), int(count), float(sparsity), seed)


def recovered(targets: ArrayLike, atoms: ArrayLike, cosine: float) -> tuple[float, float]:
    """Share of (k, m) known directions near one of the atoms, (l, m), and of atoms near a known one: above `cosine`."""
    known, found = _table("targets", targets), _table("atoms", atoms)
    if known.shape[1] != found.shape[1]:
        raise ArrayError(f"targets have {known.shape[1]} dimensions and atoms {found.shape[1]}; allowed: as many")
    return dictionary.recovered(known, found, cosine)


def fit(X: Any, seed: int = 0, **training: Any) -> Fitted:
    """The toy model trained on (T, n) points, an array, tensor or sparse array: see `stages.families.toy.fit.fit`."""
    return _fit(_numpy(X) if isinstance(X, torch.Tensor) else X, seed, **training)


def hidden(model: Model, X: Any) -> Array:
    """(T, m) hidden vectors of (T, n) inputs of a trained toy model."""
    x = _table("X", X)
    if x.shape[1] != model.n:
        raise ArrayError(f"X has {x.shape[1]} features; allowed: the model's {model.n}")
    return iteration.hidden(model, x)


def iterate(model: Model, X: Any, most: int = 1000) -> iteration.Ends:
    """Where (T, n) inputs of a toy model end when its output, scaled to length 1, is its input, `most` times over."""
    return iteration.iterate(model, hidden(model, X), most)


def _numpy(values: Any) -> NDArray[Any]:
    """As NumPy's: a tensor from where it is, without its gradient; bfloat16, which NumPy lacks, in float64."""
    if isinstance(values, torch.Tensor):
        dense = values.detach().cpu().to_dense()
        return (dense.double() if dense.is_floating_point() else dense).numpy()
    return np.asarray(values)


def _table(name: str, values: Any) -> Array:
    """(k, m) finite numbers in float64."""
    try:
        table = _numpy(values).astype(np.float64)
    except (TypeError, ValueError):
        raise ArrayError(f"{name} holds what is no number; allowed: (k, m) finite numbers") from None
    if table.ndim != 2 or 0 in table.shape:
        raise ArrayError(f"{name} has shape {table.shape}; allowed: two axes, each of length 1 or more")
    if wrong := int((~np.isfinite(table).all(axis=1)).sum()):
        raise ArrayError(f"{name} has {wrong} of {len(table)} rows with NaN or inf; allowed: finite numbers")
    return table


def _scores(score: ArrayLike, trained_on: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Scores, and which training set holds which example, of one shape."""
    s, held = _table("score", score), _table("trained_on", trained_on)
    if s.shape != held.shape:
        raise ArrayError(
            f"score has shape {s.shape} and trained_on {held.shape}; allowed: the same, (models, examples)"
        )
    if len(wrong := held[(held != 0) & (held != 1)]):
        raise ArrayError(f"trained_on holds {wrong[0]:g}; allowed: True and False, or 1 and 0")
    return s, held.astype(bool)
