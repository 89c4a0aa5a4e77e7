"""Bundles: one safetensors file of records, each a JSON description and named arrays, checked when read.

Datasets, trained cells and assembled models are all bundles. Same records, same bytes; written to a temporary
name and moved into place, so that no reader ever sees half a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from stages.core.errors import UserError


class Record(NamedTuple):
    """A JSON description and the arrays that go with it."""

    about: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    def digest(self) -> str:
        """Sha256 of the description and of every array's name, type, shape and bytes."""
        sha = hashlib.sha256(json.dumps(self.about, sort_keys=True).encode())
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name])
            sha.update(f"{name} {array.dtype.str} {array.shape};".encode())
            sha.update(array.tobytes())
        return sha.hexdigest()


class BundleError(UserError):
    """A bundle is missing, torn, edited or not a bundle; the message names the file."""


def write(path: Path, records: Sequence[Record]) -> None:
    """Write the records, in their order, atomically."""
    arrays = {f"{i}/{name}": np.ascontiguousarray(a) for i, r in enumerate(records) for name, a in r.arrays.items()}
    index = [{"about": r.about, "digest": r.digest()} for r in records]
    # one metadata key only: safetensors does not promise an order among several
    write_bytes(path, save(arrays, metadata={"records": json.dumps(index, sort_keys=True)}))


def read(path: Path) -> list[Record]:
    """All records of a bundle.

    Raises:
        BundleError: the file is not there or cannot be read, or a record's bytes are not those that were written.
    """
    if not path.exists():
        raise BundleError(f"{path}: no such file; run the stages before this one first")
    try:
        with safe_open(path, framework="numpy") as file:
            index = json.loads(file.metadata()["records"])
            arrays: list[dict[str, NDArray[Any]]] = [{} for _ in index]
            for name in file.keys():  # noqa: SIM118 (not a dict)
                i, _, key = name.partition("/")
                arrays[int(i)][key] = file.get_tensor(name)
        records = [Record(entry["about"], a) for entry, a in zip(index, arrays, strict=True)]
        intact = all(r.digest() == entry["digest"] for r, entry in zip(records, index, strict=True))
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path}: cannot be read: {error}") from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BundleError(f"{path}: is no bundle of records, or was cut short; delete it") from error
    if not intact:
        raise BundleError(f"{path}: its bytes are not those that were written")
    return records


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in place in one move, durable before it shows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
