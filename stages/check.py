"""Check the whole of params.yaml before any other stage runs.

DVC clears a stage's outputs away before it runs the stage, so that a stage which found a wrong parameter itself would
have cost its old results. Every stage depends on the file that is written here; its content never changes.
"""

from __future__ import annotations

import sys

from stages import paths
from stages.errors import UserError
from stages.grid.bundle import write_bytes
from stages.params import load_all

if __name__ == "__main__":
    try:
        load_all()
    except UserError as error:
        sys.exit(f"error: {error}")
    write_bytes(paths.CHECKED, b"every section of params.yaml is valid\n")
