"""What training asks of the place where an unfinished cell's state is kept: `grid/checkpoint.py` is one, on disk."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class Checkpoint(Protocol):
    """Where an unfinished cell's arrays are kept."""

    def load(self) -> dict[str, NDArray[Any]] | None:
        """What was saved last, if anything."""

    def due(self) -> bool:
        """Whether it is time to save."""

    def save(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Keep these in place of what was saved."""
