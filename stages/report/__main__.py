"""Write figures/index.html, which opens from disk: `python -m stages.report --scale laptop`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import altair
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages import paths
from stages.errors import UserError
from stages.grid.bundle import write_bytes
from stages.params import SCALES
from stages.report import content, explorer

bundle: Any = vl_convert.javascript_bundle  # its stub asks for a snippet, which it does without


def page(scale: str) -> str:
    """The whole page of a scale, self-contained, with the other scale's claims beside its own."""
    experiments = content.experiments(scale)
    if not experiments:
        raise UserError(f"{paths.metrics('X', scale).parent}: holds no X.json; run the stages before this one first")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        scale=scale,
        other=content.OTHER[scale],
        experiments=experiments,
        pictures=content.pictures(scale),
        scorecard=content.scorecard(experiments),
        explorer=explorer.explorer(scale),
        film=explorer.film(scale),
        vega=bundle(vl_version=".".join(altair.VEGALITE_VERSION.strip("v").split(".")[:2])),
    )


def main() -> None:
    """Read the command line, and end in one line on what a user can mend."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="laptop")
    try:
        write_bytes(paths.PAGE, page(parser.parse_args().scale).encode())
    except (UserError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
