"""Check the whole of params.yaml; every other stage does so too, before it computes anything."""

from __future__ import annotations

import sys

from stages.params import ParamsError, load_all

if __name__ == "__main__":
    try:
        load_all()
    except ParamsError as error:
        sys.exit(f"error: {error}")
