"""Draw an experiment's training sets."""

from __future__ import annotations

from stages import datasets
from stages.command import main
from stages.params import Experiment
from stages.toy.data import sample


def generate(name: str, scale: str, experiment: Experiment) -> None:
    """Write every training set of the grid."""
    datasets.write(name, scale, {cell.data: sample(cell.data) for cell in experiment.cells})


if __name__ == "__main__":
    main(generate)
