"""A cell's unfinished state on disk, so that a run which is killed goes on from there."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stages.core import bundle
from stages.core.bundle import BundleError, Record

SECONDS = 60.0  # between two saves of a cell

Arrays = dict[str, NDArray[Any]]


class Checkpoint:
    """Where one cell's state is kept, under the cell's key; made by who hands the cell out, used by who trains it.

    A worker on a machine without that folder trains without.
    """

    def __init__(self, path: Path, key: str, seconds: float = SECONDS) -> None:
        self.path, self.key, self.seconds = path.absolute(), key, seconds
        self._last: float | None = None

    def load(self) -> Arrays | None:
        """What was saved last, if it is intact and this cell's; else None, and the next save replaces it."""
        self._last = time.monotonic()
        if not self.path.exists():
            return None
        try:
            (record,) = bundle.read(self.path)
        except (BundleError, ValueError):
            return None
        return record.arrays if record.about == {"key": self.key} else None

    def due(self) -> bool:
        """Whether it is time to save: so many seconds after the last time, by a clock that never jumps."""
        return self._last is not None and time.monotonic() - self._last >= self.seconds

    def save(self, arrays: Arrays) -> None:
        """Replace what was saved. A full disk costs the checkpoint and not the cell."""
        with contextlib.suppress(OSError):
            if self.path.parent.is_dir():
                bundle.write(self.path, [Record({"key": self.key}, arrays)])
        self._last = time.monotonic()

    def remove(self) -> None:
        """Forget it."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
