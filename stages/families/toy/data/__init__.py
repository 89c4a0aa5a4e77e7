"""Synthetic sparse points: drawn, never fetched."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stages.core.bundle import Record
from stages.families.toy.data import drawing
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Data


def fetch(folder: Path) -> None:
    """Nothing: points are drawn."""


def read(folder: Path) -> None:
    """What `fetch` left: nothing."""


def sample(data: Data, raw: None) -> Record:
    """A training set as it is kept on disk; the same bytes for the same spec."""
    points = drawing.sample(data)
    arrays = {name: array for name, array in points._asdict().items() if isinstance(array, np.ndarray)}
    return Record(data.axes, arrays)


def restore(record: Record, raw: None) -> Points:
    """A training set as it is trained on."""
    return Points(record.about["n"], **record.arrays)
