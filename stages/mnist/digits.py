"""The IDX files as arrays."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.errors import UserError


class IdxError(UserError):
    """A file is not an IDX file of unsigned bytes."""


class Digits(NamedTuple):
    """Images as their pixels, 0 to 255, and what they show."""

    image: NDArray[np.uint8]  # (T, 28, 28)
    label: NDArray[np.uint8]  # (T,)


class Mnist(NamedTuple):
    """Both sets, each in the order of its files."""

    train: Digits
    validation: Digits  # the file calls it t10k


def read(files: Mapping[str, bytes]) -> Mnist:
    """The four files, by name.

    Raises:
        IdxError: one is no IDX file, or images and labels differ in number.
    """
    sets = []
    for name in ("train", "t10k"):
        image, label = (
            idx(f"{name}-{kind}", files[f"{name}-{kind}"]) for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
        )
        if image.ndim != 3 or label.ndim != 1 or len(image) != len(label):
            raise IdxError(
                f"{name}: images of shape {image.shape} and labels of shape {label.shape} do not go together"
            )
        sets.append(Digits(image, label))
    return Mnist(*sets)


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
