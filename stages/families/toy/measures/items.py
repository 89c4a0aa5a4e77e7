"""Features and data points of a model, as a table lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.toy.data.points import Points
from stages.families.toy.measures.columns import SPEC
from stages.families.toy.model.model import Model
from stages.statistics.dimensionality import dimensionality


class Vectors(NamedTuple):
    """Features (columns of W) or data points (hidden vectors) of one model.

    `item` says which, `D` is their dimensionality and `vector` is (k, m). All of them are listed up to a limit;
    beyond it, half of them those of largest D, after those that are there several times, and half a random choice of
    the rest, which `sampled` marks.
    """

    item: NDArray[np.int64]
    D: NDArray[np.float64]
    vector: NDArray[np.float64]
    sampled: NDArray[np.bool_]


def list_vectors(
    vectors: NDArray[np.floating],
    limit: int,
    seed: str,
    weight: NDArray[np.floating] | None = None,
    like: Vectors | None = None,
) -> Vectors:
    """The (k, m) vectors of features or points that a table lists, with each one's dimensionality among all k.

    weight: (k,) how often each is there; None: once. like: the same ones as these; None: as `Vectors` says.
    """
    D = dimensionality(vectors, weight)
    if like is not None:
        return Vectors(like.item, D[like.item], np.asarray(vectors, dtype=np.float64)[like.item], like.sampled)
    item, sampled = np.arange(len(D)), np.zeros(len(D), dtype=bool)
    if len(D) > limit:
        order = np.lexsort((-D, np.zeros(len(D)) if weight is None else -np.asarray(weight)))
        drawn = generator(seed).permutation(order[limit // 2 :])[: limit - limit // 2]
        sampled[drawn] = True
        item = np.sort(np.concatenate([order[: limit // 2], drawn]))
    return Vectors(item, D[item], np.asarray(vectors, dtype=np.float64)[item], sampled[item])


def listed(
    row: Mapping[str, Any],
    model: Model,
    points: Points,
    limit: int,
    like: dict[str, Vectors] | None = None,
    *,
    every_point: bool = False,
) -> dict[str, Vectors]:
    """A model's features and points that the table lists, at most `limit` of each, every point where asked for.

    row: the cell's axes, which decide the random choice. like: list the same features and points as these.
    """
    axes = {name: row[name] for name in SPEC}
    kinds = {"feature": (model.W.T, None, limit), "point": (model.hidden(points), points.weight, limit)}
    if every_point:
        kinds["point"] = (*kinds["point"][:2], points.T)
    return {
        kind: list_vectors(vectors, most, json.dumps([kind, axes]), weight, like[kind] if like else None)
        for kind, (vectors, weight, most) in kinds.items()
    }


def item_rows(
    row: Mapping[str, Any],
    step: int,
    vectors: dict[str, Vectors],
    own: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> Iterator[dict[str, Any]]:
    """Columns of ITEMS: one part for a model's features, one for its points with the experiment's own of all points."""
    for kind, some in vectors.items():
        k = len(some.item)
        x, y = some.vector.T if some.vector.shape[1] == 2 else ([None] * k, [None] * k)
        yield {name: [row[name]] * k for name in SPEC} | {
            "step": [step] * k,
            "kind": [kind] * k,
            "item": some.item,
            "sampled": some.sampled,
            "D": some.D,
            "norm": np.linalg.norm(some.vector, axis=1),
            "x": x,
            "y": y,
            **({name: values[some.item] for name, values in own.items()} if kind == "point" else {}),
        }
