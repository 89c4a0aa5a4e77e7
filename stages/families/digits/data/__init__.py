"""Training sets of handwritten digits: which images of MNIST, with which labels."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.bundle import Record, write_bytes
from stages.families.digits.data import idx, sources
from stages.families.digits.data.idx import Mnist
from stages.families.digits.data.selection import Selection, select
from stages.families.digits.data.sources import DigitsError
from stages.families.digits.data.spec import Data


class Dataset(NamedTuple):
    """A training set: its selection, and the images that this selects from.

    All training sets of one pool share its images in memory; a job takes along these and not the whole file.
    """

    selection: Selection
    pool: NDArray[np.uint8]  # (pool, 28, 28) the images of `selection.image`
    pixels: str  # sha256 of the training file's images


def fetch(folder: Path) -> None:
    """Put the four files of MNIST into the folder; what is there already and right is not fetched again.

    Raises:
        DigitsError: no source has them.
    """
    files = sources.fetch(kept=folder)
    idx.read(files)
    for name, content in files.items():
        write_bytes(folder / name, content)


def read(folder: Path) -> Mnist:
    """Both sets, from the files that `fetch` left."""
    return idx.read({name: (folder / name).read_bytes() for name in sources.HASHES})


def sample(data: Data, raw: Mnist) -> Record:
    """A training set as it is kept on disk: indices, labels, and the digest of the files that it selects from."""
    return Record(data.axes | {"raw": raw.digest}, select(data, raw.train.label)._asdict())


def restore(record: Record, raw: Mnist) -> Dataset:
    """A training set as it is trained on.

    Raises:
        DigitsError: it was selected from other files.
    """
    if record.about["raw"] != raw.digest:
        raise DigitsError("the training sets are not of the images in data/raw/digits; generate them again")
    selection = Selection(**record.arrays)
    return Dataset(selection, raw.pool(record.about["data_seed"], selection.image), raw.pixels)
