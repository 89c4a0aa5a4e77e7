"""What training is given beside its cell, and what it gives back."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray


class Checkpoint(Protocol):
    """Where an unfinished cell's arrays are kept: `grid/checkpoint.py` is one, on disk."""

    def load(self) -> dict[str, NDArray[Any]] | None:
        """What was saved last, if anything."""

    def due(self) -> bool:
        """Whether it is time to save."""

    def save(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Keep these in place of what was saved."""


class Trained(NamedTuple):
    """A trained cell: what its record says of it, its arrays, and the engine and version that made it, wherever."""

    about: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    made_by: str
