"""Draw the training sets of a run."""

from __future__ import annotations

from stages.core import bundle, paths
from stages.core.command import main
from stages.core.rooms import room
from stages.grid import cells


def generate(run: str) -> None:
    """Write every training set of the grid, one record each."""
    family, specs = cells.read_data(run)
    data = room(family, "data")
    raw = data.read(paths.raw(family))
    bundle.write(paths.datasets(run), [data.sample(spec, raw) for spec in specs])


if __name__ == "__main__":
    main(generate)
