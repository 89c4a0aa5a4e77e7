"""Write figures/index.html, which opens from disk, and figures/ledger.svg: `python -m stages.report laptop`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.claims import VERDICTS
from stages.core import paths
from stages.core.bundle import write_bytes
from stages.core.command import main
from stages.core.errors import UserError
from stages.experiments import style
from stages.report import content, explorer, overview, passages

bundle: Any = vl_convert.javascript_bundle  # its stub asks for a snippet, which it does without


def report(scale: str) -> None:
    """Write the page of a scale, and the figure of all claims."""
    write_bytes(paths.PAGE, page(scale).encode())
    with style.applied():
        style.save(overview.draw(scale), paths.LEDGER.with_suffix(""))


def page(scale: str) -> str:
    """The whole page of a scale, self-contained, with the other scale's claims beside its own.

    Raises:
        UserError: the scale has no results.
    """
    experiments = content.experiments(scale)
    if not experiments:
        folder = paths.summary(scale).with_suffix("")
        raise UserError(f"{folder}: holds no X.json; run the stages before this one first")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        scale=scale,
        other=content.other(scale),
        experiments=experiments,
        pictures=content.pictures(scale),
        scorecard=content.scorecard(experiments),
        verdicts=VERDICTS,
        explorer=explorer.explorer(scale),
        film=explorer.film(scale),
        passages=passages.passages(scale),
        vega=bundle(vl_version=".".join(altair.VEGALITE_VERSION.strip("v").split(".")[:2])),
    )


if __name__ == "__main__":
    main(report, "scale", "a list of stages/runs.yaml: laptop")
