"""What dictionaries learned from a model's activations find, against what is known to be in superposition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.core.random import generator
from stages.core.tables import Column
from stages.experiments.dictionary import METHODS, SOURCES, SPARSITIES, TARGETS, WAYS, Way
from stages.families.toy.data.drawing import stream
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Measure
from stages.families.toy.measures import Own
from stages.families.toy.model.iteration import dense, outputs
from stages.families.toy.model.model import Model, point_losses
from stages.grid.cells import Cell
from stages.statistics.dictionary import Dictionary, autoencoders, chance, factors, recovered, sparse_coding
from stages.statistics.dimensionality import dimensionality

INPUTS = 2000  # at most, that a dictionary is learned from
ATOMS = 8  # times the hidden dimensions
MOST = 200  # targets of a kind, at most
ALIKE = {"trained": 0.99, "fresh": 0.99, "outputs": 0.8}  # cosine from which an atom is a target
REPRODUCED = 0.36  # of |x|^2, at most, is left: as of an output at cosine .8

COLUMNS = {f"known_{target}": Column(int, f"{words}, looked for at most 200") for target, words in TARGETS.items()}
FOUND = {
    "source": Column(str, "; ".join(f"{name}: {words}" for name, words in SOURCES.items())),
    "method": Column(str, "; ".join(f"{name}: {words}" for name, words in METHODS.items())),
    "sparsity": Column(float, "weight of the L1 penalty, of vectors of root mean square length 1"),
    "atoms": Column(int, "in use, of 8 a hidden dimension"),
    "per_vector": Column(float, "atoms that a vector takes"),
    "left": Column(float, "share of the vectors' squared length that is not explained"),
    "target": Column(str, "; ".join(f"{name}: {words}" for name, words in TARGETS.items())),
    "recovered": Column(float, "share of these that an atom is at cosine above .99 with (.8 of outputs)"),
    "chance": Column(float, "the same of as many random directions"),
    "on_target": Column(float, "share of the atoms that are"),
}


def across(
    cells: Sequence[Cell], points: Sequence[Points], models: Mapping[int, Model], measure: Measure
) -> dict[int, dict[str, Any]]:
    """What each way of learning finds in each trained model."""
    return {i: _searched(cells[i], points[i], model, measure) for i, model in models.items()}


def known(cell: Cell, points: Points, model: Model) -> dict[str, NDArray[np.int64]]:
    """Which points and features are in superposition."""
    D_f, repeated = dimensionality(model.W.T), cell.data.repeated
    once = points.part(repeated, points.T)
    stored = repeated + np.flatnonzero(point_losses(model, once) < REPRODUCED)
    planted = points.part(0, repeated)
    return {
        "points": stored[:MOST],
        "features": np.flatnonzero(D_f >= D_f.max() / 2)[:MOST],
        "planted": np.flatnonzero(point_losses(model, planted) < 0.5) if repeated else np.empty(0, dtype=np.int64),
    }


def _searched(cell: Cell, points: Points, model: Model, measure: Measure) -> dict[str, Any]:
    seed = " ".join(f"{name}={value!r}" for name, value in cell.axes.items())
    vectors = activations(cell, points, model, measure, generator(seed))
    targets = known(cell, points, model)
    own = model.hidden(points)
    rows = []
    dictionaries = learned(vectors, ATOMS * model.m)
    for way in WAYS:
        found = dictionaries[way]
        for target, which in targets.items():
            if not len(which):
                continue
            looked_for = _targets(target, which, way.source, points, model, own)
            share, on_target = recovered(looked_for, found.atoms, ALIKE[way.source])
            rows.append(
                {
                    "source": way.source,
                    "method": way.method,
                    "sparsity": way.sparsity,
                    "atoms": len(found.atoms),
                    "per_vector": found.per_vector,
                    "left": found.left,
                    "target": target,
                    "recovered": share,
                    "chance": chance(looked_for, len(found.atoms), ALIKE[way.source], generator(seed + target)),
                    "on_target": on_target,
                }
            )
    return {f"known_{target}": len(which) for target, which in targets.items()} | {"scores": rows}


def activations(
    cell: Cell, points: Points, model: Model, measure: Measure, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """What dictionaries are learned from, by source: a random INPUTS where there are more."""
    copies = np.ones(points.T, dtype=np.int64) if points.weight is None else points.weight.astype(np.int64)
    every = np.repeat(np.arange(points.T), copies)
    chosen = points.take(np.sort(rng.permutation(every)[:INPUTS]))
    fresh = next(stream(points.n, cell.data.S, INPUTS, measure.test_seed + 1, INPUTS))
    h = model.hidden(chosen)
    return {"trained": h, "fresh": model.hidden(fresh), "outputs": outputs(model, h)}


def learned(vectors: Mapping[str, NDArray[np.float64]], count: int) -> dict[Way, Dictionary]:
    """The dictionary of so many atoms at most that each way finds."""
    found: dict[Way, Dictionary] = {}
    for source in ("trained", "fresh"):
        of = autoencoders(vectors[source], count, SPARSITIES)
        found |= {Way(source, "autoencoder", s): one for s, one in zip(SPARSITIES, of, strict=True)}
        found |= {Way(source, "coding", s): sparse_coding(vectors[source], count, s) for s in SPARSITIES}
    return found | {Way("outputs", "factors", 0.0): factors(vectors["outputs"], count)}


def _targets(
    target: str, which: NDArray[np.int64], source: str, points: Points, model: Model, own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What an atom would be: among hidden vectors (k, m), among outputs (k, n)."""
    if source == "outputs":
        return np.eye(points.n)[which] if target == "features" else dense(points.take(which))
    of: NDArray[np.float64] = model.W.T[which].astype(np.float64) if target == "features" else own[which]
    return of


def shown(items: pd.DataFrame) -> pd.Series:
    """None: figures and claims are of scores."""
    return pd.Series(False, index=items.index)


OWN = Own(columns=COLUMNS, across=across, tables={"scores": FOUND}, shown=shown)
