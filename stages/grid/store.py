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

from stages.core import bundle
from stages.core.bundle import BundleError, Record
from stages.grid.checkpoint import Checkpoint


def key_of(decides: dict[str, Any]) -> str:
    """Sha256 of all that decides a cell's bytes, by name."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


class Store:
    """Records by key, each its own file, with a side file of what differs from run to run (seconds, host)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get("DVC_ROOT", ".")) / ".cells"

    def tidy(self) -> None:
        """Remove what killed runs left behind.

        Temporary files of more than an hour; checkpoints of cells that are finished, or that no run took up in a month.
        """
        for pattern, age in (("*/.*", 3600), ("*/*.checkpoint", 30 * 86400)):
            for path in self.folder.glob(pattern):
                with contextlib.suppress(FileNotFoundError):  # another run has just moved it into place
                    finished = path.suffix == ".checkpoint" and path.with_suffix(".safetensors").exists()
                    if finished or path.stat().st_mtime < time.time() - age:
                        path.unlink()

    def checkpoint(self, key: str) -> Checkpoint:
        """Where the cell of that key keeps its state while it is not finished."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return Checkpoint(path.with_suffix(".checkpoint"), key)

    def holds(self, key: str) -> bool:
        """Whether there is a file for that key, intact or not."""
        return self._path(key).exists()

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
        self.checkpoint(record.about["key"]).remove()

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"
