"""The IDX files as arrays."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.errors import UserError


class IdxError(UserError):
    """A file is not an IDX file of unsigned bytes."""


class Digits(NamedTuple):
    """Images as their pixels, 0 to 255, and what they show."""

    image: NDArray[np.uint8]  # (T, 28, 28)
    label: NDArray[np.uint8]  # (T,)


@dataclass(frozen=True, eq=False)
class Mnist:
    """Both sets, each in the order of its files."""

    train: Digits
    validation: Digits  # the file calls it t10k
    _pools: dict[tuple[int, int], NDArray[np.uint8]] = field(default_factory=dict, repr=False)

    @cached_property
    def pixels(self) -> str:
        """Sha256 of the training file's images."""
        return hashlib.sha256(self.train.image.tobytes()).hexdigest()

    @cached_property
    def digest(self) -> str:
        """Sha256 of all images and labels."""
        digest = hashlib.sha256()
        for array in (*self.train, *self.validation):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def pool(self, seed: int, index: NDArray[np.int32]) -> NDArray[np.uint8]:
        """(pool, 28, 28) the images of a pool: one array, however many training sets are drawn from it.

        Args:
            seed: of the order of the training file, of which (pool,) `index` is the beginning.
        """
        key = seed, len(index)
        if key not in self._pools:
            self._pools[key] = self.train.image[index]
        return self._pools[key]


def read(files: Mapping[str, bytes]) -> Mnist:
    """The four files, by name.

    Raises:
        IdxError: one is no IDX file, or images and labels differ in number.
    """
    return Mnist(_digits("train", files), _digits("t10k", files))


def idx(name: str, content: bytes) -> NDArray[np.uint8]:
    """The array of an IDX file: two zero bytes, 8 for unsigned bytes, the number of axes, their lengths, the values."""
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise IdxError(f"{name}: not an IDX file of unsigned bytes")
    axes = content[3]
    if len(content) < 4 + 4 * axes:
        raise IdxError(f"{name}: ends in its header")
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if len(values) != np.prod(shape):
        raise IdxError(f"{name}: {len(values):,} values, where its header says {' x '.join(map(str, shape))}")
    return values.reshape(shape)


def _digits(name: str, files: Mapping[str, bytes]) -> Digits:
    image, label = (
        idx(f"{name}-{kind}", files[f"{name}-{kind}"]) for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    if image.ndim != 3 or label.ndim != 1 or len(image) != len(label):
        raise IdxError(f"{name}: images of shape {image.shape} and labels of shape {label.shape} do not go together")
    return Digits(image, label)
