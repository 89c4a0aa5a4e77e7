"""Judge a run's claims and draw its figures, from its tables alone."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

from stages import claims
from stages.core import paths, tables
from stages.core.command import main
from stages.experiments import style


def render(run: str) -> None:
    """Write the summary, then every picture and film that the experiment's `figure.py` draws, one file each."""
    experiment = f"stages.experiments.{run.partition('/')[2]}"
    measure = json.loads((paths.grid(run) / "measure.json").read_text())["measure"]
    found = tables.read(paths.tables(run))
    summary = claims.judged(importlib.import_module(f"{experiment}.claims"), found, SimpleNamespace(**measure))
    claims.write(paths.summary(run), summary)
    paths.figures(run).mkdir(parents=True, exist_ok=True)  # also where nothing can be drawn
    figure = importlib.import_module(f"{experiment}.figure")
    with style.applied():
        for title, drawn in figure.draw(found, json.loads(paths.summary(run).read_text())).items():
            style.save(drawn, paths.figures(run) / title)


if __name__ == "__main__":
    main(render)
