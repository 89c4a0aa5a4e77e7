"""Fetch the four files of MNIST; what is there already and right is not fetched again."""

from __future__ import annotations

import sys

from stages import paths
from stages.errors import UserError
from stages.grid.bundle import write_bytes
from stages.mnist import digits, sources

if __name__ == "__main__":
    try:
        files = sources.fetch(kept=paths.MNIST)
        digits.read(files)
        for name, content in files.items():
            write_bytes(paths.MNIST / name, content)
    except (UserError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
