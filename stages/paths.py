"""Where each stage's files are; dvc.yaml declares the same, and a test holds the two together."""

from __future__ import annotations

from pathlib import Path

CHECKED = Path("data/params.checked")  # says that params.yaml is valid
MNIST = Path("data/mnist")  # its four files
PAGE = Path("figures/index.html")


def datasets(experiment: str, scale: str) -> Path:
    """Bundle of training sets, one record each."""
    return Path("data/datasets", scale, f"{experiment}.safetensors")


def models(experiment: str, scale: str) -> Path:
    """Bundle of trained cells in grid order."""
    return Path("data/models", scale, f"{experiment}.safetensors")


def cells(experiment: str, scale: str) -> Path:
    """Table of one row a cell."""
    return Path("data/metrics", scale, f"{experiment}.parquet")


def curves(experiment: str, scale: str) -> Path:
    """CSV of means over seeds, for `dvc plots`, which reads no Parquet."""
    return Path("data/metrics", scale, f"{experiment}.csv")


def history(experiment: str, scale: str) -> Path:
    """Table of one row a snapshot."""
    return Path("data/metrics", scale, f"{experiment}.history.parquet")


def vectors(experiment: str, scale: str) -> Path:
    """Table of one row a feature or data point."""
    return Path("data/metrics", scale, f"{experiment}.vectors.parquet")


def images(experiment: str, scale: str) -> Path:
    """Table of one row an image, of digits."""
    return Path("data/images", scale, f"{experiment}.parquet")


def metrics(experiment: str, scale: str) -> Path:
    """Headline numbers and claims."""
    return Path("data/metrics", scale, f"{experiment}.json")


def figures(experiment: str, scale: str) -> Path:
    """Folder of figures."""
    return Path("figures", scale, experiment)
