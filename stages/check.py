"""Check the whole of params.yaml, and write what it says of every run: the cells, one file for each kind of stage.

DVC clears a stage's outputs away before it runs the stage, so that a stage which found a wrong parameter itself would
have cost its old results. Every other stage depends on what is written here, so none starts before all is valid.
"""

from __future__ import annotations

from stages import params
from stages.core.command import end_in_one_line
from stages.grid import cells


def check() -> None:
    """Write data/grids/<run>/ for each run of stages/runs.yaml."""
    grids = params.load_all()
    for run in params.listed():
        cells.write(run, grids[run])


if __name__ == "__main__":
    end_in_one_line(check)
