"""What a cell of the map stores: features and hidden vectors of one training set's models, in a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.tables import Column
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.measures.items import listed
from stages.families.toy.model.model import Model
from stages.grid.cells import Cell

LISTED = 80  # features, and points, of a model: half of them those of largest D, half at random
PLANE = {
    "feature": Column(bool, "a feature, column of W, and not the hidden vector of a training point"),
    "item": Column(int, "which feature or point"),
    "sampled": Column(bool, "listed at random, and not for its D"),
    "D": Column("float32", "its dimensionality"),
    "norm": Column("float32", "its length, in all m dimensions"),
    "x": Column("float32", "first coordinate in the plane where W is largest"),
    "y": Column("float32", "second coordinate, along which the longest feature lies"),
}


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """Vectors of each model of the first training set and initialisation."""
    seeds = [(cell.data.data_seed, cell.training.init_seed) for cell in cells]
    return {
        i: {"plane": _rows({"cell": i} | cells[i].axes, model, points[i]) if seeds[i] == min(seeds) else []}
        for i, model in models.items()
    }


def _rows(axes: Mapping[str, Any], model: Model, points: Points) -> list[dict[str, Any]]:
    onto = plane(model.W)
    return [
        {"feature": kind == "feature", "item": item, "sampled": sampled, "D": D}
        | {"norm": float(np.linalg.norm(vector)), "x": at[0], "y": at[1]}
        for kind, of in listed(axes, model, points, LISTED).items()
        for item, sampled, D, vector, at in zip(
            of.item.tolist(), of.sampled.tolist(), of.D.tolist(), of.vector, (of.vector @ onto).tolist(), strict=True
        )
    ]


def plane(W: NDArray[np.floating]) -> NDArray[np.float64]:
    """Orthonormal axes x and y, (m, 2), of the plane that holds most of the squared length of the columns of W, (m, n).

    Turned so that the column longest in it lies along y, and mirrored so that the second longest has x of at least 0.
    """
    W = np.asarray(W, dtype=np.float64)
    widest = np.linalg.eigh(W @ W.T).eigenvectors[:, ::-1][:, :2]  # eigenvalues come smallest first
    at = widest.T @ W
    longest, second = np.argsort(-np.linalg.norm(at, axis=0), kind="stable")[:2]
    length = np.linalg.norm(at[:, longest])
    up = at[:, longest] / length if length else np.array([0.0, 1.0])
    right = np.array([up[1], -up[0]])
    if right @ at[:, second] < 0:
        right = -right
    turned: NDArray[np.float64] = widest @ np.column_stack([right, up])
    return turned


OWN = Own(across=across, tables={"plane": PLANE})
