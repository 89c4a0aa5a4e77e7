"""The table of images: every one of a set, and those that git keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.core.random import generator
from stages.core.tables import Column, Table
from stages.families.digits.data.idx import Digits
from stages.families.digits.model.classifier import pixels

SHEET = 30  # images of highest, middle and lowest D* whose pixels the table holds


class Labelled(NamedTuple):
    """A set of k images as bytes, with labels."""

    image: NDArray[np.uint8]  # (k, 28, 28)
    label: NDArray[np.uint8]  # (k,) as trained on
    true_label: NDArray[np.uint8]  # (k,) what they show


class Images(NamedTuple):
    """A set of k images as a model meets them."""

    x: NDArray[np.float32]  # (k, 784) pixels
    label: NDArray[np.uint8]  # (k,) as trained on
    true_label: NDArray[np.uint8]  # (k,) what they show

    @classmethod
    def from_bytes(cls, images: Labelled) -> Images:
        """Pixels in [0, 1]."""
        return cls(pixels(images.image), images.label, images.true_label)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(k,) whether an image is trained as another digit than it shows."""
        wrong: NDArray[np.bool_] = self.label != self.true_label
        return wrong


class ImageSet(NamedTuple):
    """The images of one kind that a model was measured on."""

    kind: str  # training or validation
    file: Digits  # where they are from
    image: NDArray[np.integer]  # (k,) which of it
    columns: Mapping[str, NDArray[Any]]  # (k,) each

    def frame(self, axes: Mapping[str, Any]) -> pd.DataFrame:
        """A row an image; axes: what the model was made from."""
        columns = {
            name: array.astype(np.int64) if array.dtype.kind in "ui" else array for name, array in self.columns.items()
        }
        given = {**axes, "set": self.kind, "image": self.image, "true_label": self.file.label[self.image]}
        return pd.DataFrame({**columns, **given})

    def listed(self, every: pd.DataFrame, limit: int, seed: str) -> pd.DataFrame:
        """The rows of `every` that git may keep, with pixels and whether they were drawn at random.

        All up to the limit, and of a pool whose memorisation is known, as figures go through all of it; beyond the
        limit half of them those of largest D*, half a random choice of the rest. And the sheet's.
        """
        order = np.argsort(self.columns["rank_D"])
        k = len(order)
        sheet = np.unique(np.concatenate([order[:SHEET], order[(k - SHEET) // 2 :][:SHEET], order[-SHEET:]]))
        sampled, kept = np.zeros(k, dtype=bool), np.arange(k)
        if k > limit and "memorization_log" not in self.columns:
            sampled[generator(seed).permutation(order[limit // 2 :])[: limit - limit // 2]] = True
            kept = np.unique(np.concatenate([order[: limit // 2], np.flatnonzero(sampled), sheet]))
            sampled[sheet] = False
        on_sheet = np.isin(kept, sheet)
        shown = [
            self.file.image[image].tobytes() if on else None
            for image, on in zip(self.image[kept].tolist(), on_sheet.tolist(), strict=True)
        ]
        return every.iloc[kept].assign(sampled=sampled[kept], pixels=pd.Series(shown, every.index[kept], dtype=object))


def table(columns: Mapping[str, Column], frames: Sequence[pd.DataFrame]) -> Table:
    """One table of several; None where one has no such column."""
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    values: dict[str, Any] = {name: whole.get(name, [None] * len(whole)) for name in columns}
    return Table(columns, values)
