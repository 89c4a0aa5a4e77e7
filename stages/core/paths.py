"""Where each stage's files are; dvc.yaml declares the same, and a test holds the two together.

A run is an experiment at a scale, `laptop/geometry`, and has its place under that name in every folder.
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path("figures/index.html")
LEDGER = Path("figures/ledger.svg")


def grid(run: str) -> Path:
    """Folder of the run's resolved parameters: data.json, training.json and measure.json."""
    return Path("data/grids", run)


def raw(family: str) -> Path:
    """Folder of what a family fetches."""
    return Path("data/raw", family)


def datasets(run: str) -> Path:
    """Bundle of training sets, one record each."""
    return Path("data/datasets", f"{run}.safetensors")


def models(run: str) -> Path:
    """Bundle of trained cells in grid order."""
    return Path("data/models", f"{run}.safetensors")


def tables(run: str) -> Path:
    """Folder of tables for git: cells, history, items and others as Parquet, curves.csv for `dvc plots`."""
    return Path("data/tables", run)


def items(run: str) -> Path:
    """Table of every feature, point or image that was measured, for DVC's cache."""
    return Path("data/items", f"{run}.parquet")


def summary(run: str) -> Path:
    """Headline numbers and claims."""
    return Path("data/metrics", f"{run}.json")


def figures(run: str) -> Path:
    """Folder of figures."""
    return Path("figures", run)
