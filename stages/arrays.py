"""What is measured here, on your own activations, scores and points, from a script or a notebook.

Functions take NumPy arrays, PyTorch tensors of any device and real type, lists, and sparse arrays of scipy. They
measure in float64; `fit` trains in float32. The maths is in `stages.statistics` and the toy family. No stage imports
this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from stages.core.errors import UserError
from stages.families.toy.fit import Fitted
from stages.families.toy.fit import fit as _fit
from stages.families.toy.model import iteration
from stages.families.toy.model.iteration import Ends
from stages.families.toy.model.model import Model
from stages.statistics import dictionary, leverage, memorization
from stages.statistics.dictionary import Dictionary
from stages.statistics.dimensionality import dimensionality as _dimensionality
from stages.statistics.polygon import Polygon
from stages.statistics.polygon import polygon as _polygon

Array = NDArray[np.float64]


class ArrayError(UserError):
    """Which argument is wrong, what it is, and what is allowed."""


def dimensionality(vectors: Any) -> Array:
    """(k,) the paper's dimensionality of k vectors, (k, m): each in [0, 1], their sum at most m.

    Columns of W, as rows, give its D_f; hidden vectors give its D_x.

    Raises:
        ArrayError: `vectors` is no table of finite numbers.
    """
    return _dimensionality(_table("vectors", vectors))


def maximal_dimensionality(H: Any) -> Array:
    """(T,) D*, the maximal data dimensionality of (T, m) hidden vectors: each in [0, 1], their sum the rank of H.

    Raises:
        ArrayError: H is no table of finite numbers.
    """
    h = _table("H", H)
    return leverage.leverage(h, leverage.whitening(h))


def polygon(T: int) -> Polygon:
    """The exact solution that stores T orthonormal points in two hidden dimensions, as a regular T-gon.

    Raises:
        ArrayError: T is not an integer from 3.
    """
    return _polygon(_integer("T", T, 3))


def counterfactual(score: Any, trained_on: Any) -> Array:
    """(N,) counterfactual memorisation: the mean score of models trained on an example, less that of the others.

    Args:
        score: (K, N), of each of K models on each of N examples; a higher one is better.
        trained_on: (K, N), whether the model's training set holds the example.

    Returns:
        NaN for an example that all models were trained on, or none.

    Raises:
        ArrayError: the two have not one shape, or hold what they cannot.
    """
    return memorization.counterfactual(*_scores(score, trained_on))


def split_half(score: Any, trained_on: Any) -> float:
    """How reliable `counterfactual` is: the rank correlation of what the even and the odd models say.

    NaN where one half says the same of all examples, or fewer than two are known to both.

    Raises:
        ArrayError: as `counterfactual`, or there are fewer than four models.
    """
    s, held = _scores(score, trained_on)
    if len(s) < 4:
        raise ArrayError(f"score has {len(s)} rows; allowed: 4 models or more, two in each half")
    return memorization.split_half(s, held)


def sparse_coding(H: Any, count: int, sparsity: float, seed: int = 0) -> Dictionary:
    """A dictionary of (T, m) vectors H: directions (atoms) whose sparse non-negative sums give them.

    Args:
        H: vectors, scaled to a root mean square length of 1 first.
        count: atoms to learn. Those that are not in use are left out of what is returned.
        sparsity: weight of the L1 penalty, above 0.
        seed: of what is random.

    Returns:
        atoms, (k, m), of unit length; how many of them a vector takes; the share of the vectors' squares that is left.

    Raises:
        ArrayError: an argument is not allowed.
    """
    atoms, weight = _integer("count", count, 1), _between("sparsity", sparsity, 0, np.inf)
    return dictionary.sparse_coding(_table("H", H), atoms, weight, _integer("seed", seed, 0))


def recovered(targets: Any, atoms: Any, cosine: float) -> tuple[float, float]:
    """Two shares: of the (k, m) targets that some atom is near, and of the (l, m) atoms that some target is near.

    Both are in [0, 1]. Near: their cosine is above `cosine`. There may be no atom.

    Raises:
        ArrayError: an argument is not allowed.
    """
    wanted, found = _table("targets", targets), _table("atoms", atoms, least=0)
    if wanted.shape[1] != found.shape[1]:
        raise ArrayError(f"targets have {wanted.shape[1]} columns and atoms {found.shape[1]}; allowed: the same number")
    return dictionary.recovered(wanted, found, _between("cosine", cosine, -1, 1))


def fit(X: Any, seed: int = 0, **training: Any) -> Fitted:
    """The toy model trained on (T, n) points of your own, and its train loss.

    Args:
        X: non-negative values, used as they are; the paper's points have length 1.
        seed: of the initial weights.
        training: keys of the section `toy` of params.yaml that say how a model is trained: m, steps, lr, ...

    Raises:
        ArrayError: X is no table of finite numbers.
        FitError: the points or a parameter are not allowed, or training diverged.
    """
    return _fit(X if sparse.issparse(X) else _table("X", X), seed, **training)


def hidden(model: Model, X: Any) -> Array:
    """(T, m) hidden vectors of (T, n) inputs of a toy model.

    Raises:
        ArrayError: X is no table of finite numbers, or has not the model's n.
    """
    x = _table("X", X)
    if x.shape[1] != model.n:
        raise ArrayError(f"X has {x.shape[1]} columns; allowed: the model's {model.n} features")
    return iteration.hidden(model, x)


def iterate(model: Model, X: Any, most: int = 1000) -> Ends:
    """Where (T, n) inputs of a toy model end: its output, scaled to length 1, is its input again, up to `most` times.

    Returns:
        x (T, n), where they end; first, where they are after one step; settled, (T,), whether the last changed nothing.

    Raises:
        ArrayError: an argument is not allowed.
    """
    return iteration.iterate(model, hidden(model, X), _integer("most", most, 1))


def _numpy(values: Any) -> NDArray[Any]:
    """As a NumPy array; of a tensor without its gradient, and in float64, as NumPy has no bfloat16."""
    if isinstance(values, torch.Tensor):
        dense = values.detach().cpu().to_dense()
        return (dense.double() if dense.is_floating_point() else dense).numpy(force=True)
    if isinstance(values, list | tuple) and any(isinstance(row, torch.Tensor) for row in values):
        return np.asarray([_numpy(row) for row in values])
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


def _table(name: str, values: Any, least: int = 1) -> Array:
    """(k, m) finite numbers in float64, of k >= `least` rows."""
    try:
        table = _numpy(values)
        if table.dtype.kind in "cSUMm":  # complex, text, dates: what NumPy would take for numbers
            raise TypeError
        table = table.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ArrayError(f"{name} is no table of real numbers; allowed: rows of one length") from None
    if table.ndim != 2 or len(table) < least or not table.shape[1]:
        raise ArrayError(f"{name} has shape {table.shape}; allowed: two axes, each of length 1 or more")
    if wrong := int((~np.isfinite(table).all(axis=1)).sum()):
        raise ArrayError(f"{name} has {wrong} of {len(table)} rows with NaN or inf; allowed: finite numbers")
    return table


def _scores(score: Any, trained_on: Any) -> tuple[Array, NDArray[np.bool_]]:
    """Scores, and which training set holds which example, of one shape."""
    s, held = _table("score", score), _table("trained_on", trained_on)
    if s.shape != held.shape:
        raise ArrayError(
            f"score has shape {s.shape} and trained_on {held.shape}; allowed: one shape, (models, examples)"
        )
    if len(wrong := held[(held != 0) & (held != 1)]):
        raise ArrayError(f"trained_on holds {wrong[0]:g}; allowed: True and False, or 1 and 0")
    return s, held.astype(bool)


def _integer(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ArrayError(f"{name} is {value!r}; allowed: integers from {least}")
    return int(value)


def _between(name: str, value: Any, low: float, high: float) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.integer | np.floating)
        or not low < value < high
    ):
        raise ArrayError(f"{name} is {value!r}; allowed: numbers between {low:g} and {high:g}")
    return float(value)
