"""The toy model trained on points of your own, from a script or a notebook. No stage imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError
from ruamel.yaml import YAML
from scipy import sparse

from stages.core.errors import UserError
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Data, Training
from stages.families.toy.model.model import Model
from stages.families.toy.training import loop

PARAMS = Path(__file__).parents[3] / "params.yaml"


class FitError(UserError):
    """What is wrong with the points or with a parameter, and what is allowed."""


class Fitted(NamedTuple):
    """A trained model, and its train loss: the mean over points of the error, summed over features."""

    model: Model
    loss: float


def fit(X: ArrayLike | sparse.sparray, seed: int = 0, **training: Any) -> Fitted:
    """Train on T points of n features: full-batch AdamW, with the usual values of params.yaml but for `training`.

    Args:
        X: (T, n) non-negative values: an array, a tensor, or a sparse array of scipy. Points are used as they are; the
            paper's have length 1.
        seed: of the initial weights.
        training: keys of the section `toy` that say how a model is trained: m, steps, lr, weight_decay, ...

    Raises:
        FitError: the points or a parameter are not allowed, or training diverged.
    """
    points = as_points(X)
    toy = YAML(typ="safe").load(PARAMS)["toy"]
    known = set(Training.model_fields) - {"init_seed", "parent_T"}
    if unknown := sorted(training.keys() - known):
        raise FitError(f"{unknown[0]} is no parameter of training; allowed: {', '.join(sorted(known))}")
    try:
        spec = Training(**{key: toy[key] for key in Training.model_fields} | training | {"init_seed": seed})
        data = Data(n=points.n, S=0.0, T=points.T, first_of=0, points="random", trained_on="all", data_seed=0)
        spec.check(data)
    except ValidationError as invalid:
        (first, *_) = invalid.errors()
        where = f"{first['loc'][0]} is {first['input']!r}: " if first["loc"] else ""
        raise FitError(where + first["msg"].removeprefix("Value error, ")) from None
    except ValueError as invalid:
        raise FitError(str(invalid)) from None
    done = loop.train(data, points, spec)
    if done.diverged:
        raise FitError(f"training diverged after {done.steps} steps; a smaller lr than {spec.lr:g} may not")
    return Fitted(done.model, float(done.history_loss[-1]))


def as_points(X: ArrayLike | sparse.sparray) -> Points:
    """(T, n) values as points.

    Raises:
        FitError: they are no table, not finite, negative, or 0 all along a row.
    """
    table: Any = X if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
    if len(table.shape) != 2 or 0 in table.shape:
        raise FitError(f"points have shape {table.shape}; allowed: (T, n), a row a point")
    with np.errstate(over="ignore"):
        rows: Any = sparse.csr_array(table, copy=True).astype(np.float32)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    if not np.isfinite(rows.data).all() or (rows.data < 0).any():
        wrong = rows.data[~(rows.data >= 0) | np.isinf(rows.data)][0]
        raise FitError(f"a feature of a point is {wrong:g}; allowed: finite numbers from 0")
    if len(empty := np.flatnonzero(np.diff(rows.indptr) == 0)):
        raise FitError(f"point {empty[0]} is 0 everywhere; allowed: points of one feature or more")
    start, feature = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    return Points(rows.shape[1], start, feature, rows.data)
