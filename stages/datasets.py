"""An experiment's training sets on disk: a bundle of one record each, in the grid's order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stages import paths
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.toy.data import Points
from stages.toy.spec import Data


def write(experiment: str, scale: str, sets: Mapping[Data, Points]) -> None:
    """Write the training sets, each under what it was drawn from."""
    records = [
        Record(data.model_dump(), {name: a for name, a in points._asdict().items() if isinstance(a, np.ndarray)})
        for data, points in sets.items()
    ]
    bundle.write(paths.datasets(experiment, scale), records)


def read(experiment: str, scale: str) -> dict[Data, Points]:
    """Every training set by what it was drawn from."""
    records = bundle.read(paths.datasets(experiment, scale))
    return {Data(**record.about): Points(record.about["n"], **record.arrays) for record in records}
