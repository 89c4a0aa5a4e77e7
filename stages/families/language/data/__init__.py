"""Training sets of text: which documents, and which of them a model sees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.bundle import Record, write_bytes
from stages.families.language.data import documents, sources, texts
from stages.families.language.data.documents import Pool
from stages.families.language.data.sources import TextsError
from stages.families.language.data.spec import Data
from stages.families.language.data.subsets import choose
from stages.families.language.data.texts import Texts

__all__ = ["Dataset", "Raw", "fetch", "read", "restore", "sample", "whole"]


class Raw:
    """The texts, and pools of documents from them, each made once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.texts = Texts(list(texts.units(files)))
        self.digest = hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()
        self._pools: dict[Data, Pool] = {}

    def pool(self, data: Data) -> Pool:
        """The pool that the subset is drawn from: one for all subsets."""
        key = whole(data)
        if key not in self._pools:
            self._pools[key] = documents.pool(key, self.texts)
        return self._pools[key]


class Dataset(NamedTuple):
    """A training set: the pool, and which of its documents a model is trained on."""

    pool: Pool
    chosen: NDArray[np.bool_]  # (D,)
    tokenizer: str  # sha256


def fetch(folder: Path) -> None:
    """Put the texts into the folder; what is there already and right is not fetched again.

    Raises:
        TextsError: no source has one of them.
    """
    for name, content in sources.fetch(kept=folder).items():
        write_bytes(folder / name, content)


def read(folder: Path) -> Raw:
    """The texts that `fetch` left."""
    return Raw({name: (folder / name).read_bytes() for name in sources.HASHES})


def sample(data: Data, raw: Raw) -> Record:
    """A training set as it is kept on disk: which documents of its pool, and the digest of the texts."""
    return Record(data.axes | {"raw": raw.digest}, {"chosen": choose(data, raw.pool(data))})


def restore(record: Record, raw: Raw) -> Dataset:
    """A training set as it is trained on.

    Raises:
        TextsError: it was drawn from other texts.
    """
    if record.about["raw"] != raw.digest:
        raise TextsError("the training sets are not of the texts in data/raw/language; generate them again")
    about = {name: record.about[name] for name in Data.model_fields}
    return Dataset(raw.pool(Data(**about)), record.arrays["chosen"], raw.texts.digest)


def whole(data: Data) -> Data:
    """What all subsets of one pool share."""
    return data.model_copy(update={"subset": 1.0, "subset_seed": 0})
