"""Write figures/index.html, which opens from disk, and figures of several experiments: `python -m stages.report X`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import altair
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.claims import VERDICTS
from stages.core import paths
from stages.core.bundle import write_bytes
from stages.core.command import main
from stages.experiments import style
from stages.report import content, explorer, overview, passages, pictures, sizes, storage, stories


def report(scale: str) -> None:
    """Write the page of a scale, and the figures that are of several experiments."""
    content.require(scale)
    with style.applied():
        style.save(overview.draw(scale), paths.LEDGER.with_suffix(""))
        style.save(storage.draw(scale), storage.PATH.with_suffix(""))
    write_bytes(paths.PAGE, page(scale).encode())


def page(scale: str) -> str:
    """The whole page of a scale, self-contained, with the other scale's claims beside its own.

    Raises:
        UserError: the scale has no results.
    """
    content.require(scale)
    experiments = content.experiments(scale)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        scale=scale,
        other=content.other(scale),
        experiments=experiments,
        groups=content.groups(experiments),
        words=stories.words(),
        numbers=content.numbers(scale),
        headline=pictures.headline(scale),
        pictures=pictures.pictures(scale),
        storage=content.drawing(storage.PATH) if storage.is_known(scale) else None,
        scorecard=content.scorecard(experiments),
        verdicts=VERDICTS,
        explorer=explorer.explorer(scale),
        sizes=sizes.sizes(scale),
        film=explorer.film(scale),
        passages=passages.passages(scale),
        vega=vega(),
    )


@functools.cache
def vega() -> str:
    """Vega-Lite as JavaScript, of the version that the charts are written for."""
    bundle: Any = vl_convert.javascript_bundle  # its stub asks for a snippet, which it does without
    text: str = bundle(vl_version=".".join(altair.VEGALITE_VERSION.strip("v").split(".")[:2]))
    return text


if __name__ == "__main__":
    main(report, "scale", "a list of stages/runs.yaml: laptop")
