"""Fetch what a family's data are made from; what is there already and right is not fetched again."""

from __future__ import annotations

import hashlib

from stages.core import paths
from stages.core.bundle import write_bytes
from stages.core.command import main
from stages.core.rooms import room

SUMS = "SHA256SUMS"


def fetch(family: str) -> None:
    """Fill the family's folder of raw data, and write the sha256 of each file there, as `sha256sum` prints it."""
    folder = paths.raw(family)
    folder.mkdir(parents=True, exist_ok=True)
    room(family, "data").fetch(folder)
    files = sorted(path for path in folder.glob("*") if path.name != SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    write_bytes(folder / SUMS, "".join(lines).encode())


if __name__ == "__main__":
    main(fetch, "family", "folder of stages/families")
