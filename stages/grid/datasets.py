"""A run's training sets, as they are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.core import bundle, paths
from stages.core.bundle import BundleError
from stages.core.rooms import room
from stages.grid.cells import Cell


class Datasets(dict[Any, Any]):
    """Training sets by what they are drawn from: the run's from its file, others (of parents) drawn when asked for.

    Raises:
        BundleError: the file holds other training sets than those of the cells.
    """

    def __init__(self, family: str, run: str, cells: Sequence[Cell]) -> None:
        self._room = room(family, "data")
        self.raw = self._room.read(paths.raw(family))
        path, specs = paths.datasets(run), list(dict.fromkeys(cell.data for cell in cells))
        records = bundle.read(path)
        pairs = list(zip(specs, records, strict=False))
        if len(records) != len(specs) or not all(s.axes.items() <= r.about.items() for s, r in pairs):
            raise BundleError(f"{path}: is not of params.yaml's grid; generate it first")
        super().__init__({s: self._room.restore(r, self.raw) for s, r in pairs})

    def __missing__(self, spec: Any) -> Any:
        self[spec] = self._room.restore(self._room.sample(spec, self.raw), self.raw)
        return self[spec]
