"""Trained cells, kept by key: what a run has trained, no later run trains again.

The store lies outside DVC's outputs, in `.cells/` of the repository (the parent repository during `dvc exp run --temp`
and `--queue`: DVC names it in DVC_ROOT), so that a killed run, an experiment and a longer grid all find it. It is a
cache: deleting it costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from stages.grid import bundle
from stages.grid.bundle import BundleError, Record
from stages.toy.spec import SINCE_VERSION_4, Training
from stages.toy.training import VERSION, engine_name


def cell_key(dataset: str, training: Training, parent: str = "") -> str:
    """Sha256 of all that decides a cell's bytes.

    Its data's digest, its spec, its engine, the code's version, and the key of the cell that it starts from.
    """
    later = SINCE_VERSION_4.items()
    spec = {name: value for name, value in training.model_dump().items() if (name, value) not in later}
    spec |= {"engine": engine_name(training), "version": VERSION, "dataset": dataset}
    if parent:
        spec["parent"] = parent
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


class Store:
    """Records by key, each its own file, with a side file of what differs from run to run (seconds, host)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get("DVC_ROOT", ".")) / ".cells"

    def tidy(self) -> None:
        """Remove what killed writes left behind: temporary files of more than an hour."""
        for path in self.folder.glob("*/.*"):
            with contextlib.suppress(FileNotFoundError):  # another run has just moved it into place
                if path.stat().st_mtime < time.time() - 3600:
                    path.unlink()

    def get(self, key: str) -> Record | None:
        """The record of that key, or None. A file that is torn, edited or another's is reported and not used."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            (record,) = bundle.read(path)
            if record.about.get("key") != key:
                raise BundleError(f"{path}: holds another cell")
        except (BundleError, ValueError) as error:
            print(f"warning: {error}; the cell is trained again", file=sys.stderr)
            return None
        return record

    def put(self, record: Record, side: dict[str, Any]) -> None:
        """Keep a record under record.about["key"]."""
        path = self._path(record.about["key"])
        bundle.write_bytes(path.with_suffix(".json"), json.dumps(side, sort_keys=True).encode())
        bundle.write(path, [record])

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"
