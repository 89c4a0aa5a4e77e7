"""Draw an experiment's training sets."""

from __future__ import annotations

from typing import Any

from stages import paths
from stages.command import main
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.params import Experiment
from stages.toy.data import sample


def generate(name: str, scale: str, experiment: Experiment) -> None:
    """Write one record a dataset of the grid, in its order."""
    records = []
    for data in dict.fromkeys(cell.data for cell in experiment.cells):
        points = sample(data)
        arrays: dict[str, Any] = {"start": points.start, "feature": points.feature, "value": points.value}
        records.append(Record(data.model_dump(), arrays))
    bundle.write(paths.datasets(name, scale), records)


if __name__ == "__main__":
    main(generate)
