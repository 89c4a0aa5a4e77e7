"""Select the images of an experiment's training sets, and which of their labels are wrong."""

from __future__ import annotations

from stages import selections
from stages.command import main
from stages.mnist.data import select
from stages.params import Experiment


def generate(name: str, scale: str, experiment: Experiment) -> None:
    """Write every selection of the grid."""
    label = selections.mnist().train.label
    selections.write(name, scale, {cell.data: select(cell.data, label) for cell in experiment.cells})


if __name__ == "__main__":
    main(generate)
