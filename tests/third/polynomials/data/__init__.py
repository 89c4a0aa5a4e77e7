import numpy as np

from stages.core.bundle import Record
from stages.core.random import generator


def fetch(folder):
    (folder / "noise").write_text("0.1")


def read(folder):
    return float((folder / "noise").read_text())


def sample(data, raw):
    rng = generator(f"sine {data.axes}")
    x = rng.uniform(-1, 1, data.points)
    return Record(data.axes, {"x": x, "y": np.sin(3 * x) + raw * rng.normal(size=data.points)})


def restore(record, raw):
    return record.arrays
