"""Draw an experiment's figures from its tables."""

from __future__ import annotations

import importlib
import json

import pandas as pd

from stages import paths
from stages.command import main
from stages.experiments import style
from stages.experiments.style import Tables
from stages.params import Experiment


def render(name: str, scale: str, experiment: Experiment) -> None:
    """Write every figure that the experiment's `figure.py` draws, one file each: pictures and films."""
    figure = importlib.import_module(f"stages.experiments.{name}.figure")
    tables = Tables(*(pd.read_parquet(path(name, scale)) for path in (paths.cells, paths.history, paths.vectors)))
    summary = json.loads(paths.metrics(name, scale).read_text())
    paths.figures(name, scale).mkdir(parents=True, exist_ok=True)  # also where nothing can be drawn
    with style.applied():
        for title, drawn in figure.draw(tables, summary).items():
            style.save(drawn, paths.figures(name, scale) / title)


if __name__ == "__main__":
    main(render)
