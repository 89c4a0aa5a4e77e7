"""MNIST on disk, and which of its images each training set of an experiment holds."""

from __future__ import annotations

from collections.abc import Mapping

from stages import paths
from stages.grid import bundle
from stages.grid.bundle import Record
from stages.mnist import digits, sources
from stages.mnist.data import Selection
from stages.mnist.digits import Mnist
from stages.mnist.spec import Data


def mnist() -> Mnist:
    """Both sets, from the files that `stages/fetch_mnist.py` left."""
    return digits.read({name: (paths.MNIST / name).read_bytes() for name in sources.HASHES})


def write(experiment: str, scale: str, sets: Mapping[Data, Selection]) -> None:
    """Write the selections, each under what it was drawn from."""
    records = [Record(data.model_dump(), selection._asdict()) for data, selection in sets.items()]
    bundle.write(paths.datasets(experiment, scale), records)


def read(experiment: str, scale: str) -> dict[Data, Selection]:
    """Every selection by what it was drawn from."""
    records = bundle.read(paths.datasets(experiment, scale))
    return {Data(**record.about): Selection(**record.arrays) for record in records}
