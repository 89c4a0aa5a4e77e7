import numpy as np
from stages.families.polynomials.data.spec import Data, Training
from stages.families.polynomials.model import predict

from stages.core.tables import Column, Measured, Table, means

LOSSES = {"train_loss": Column(float, "on the samples"), "test_loss": Column(float, "on the sine")}
STATUS = {"status": Column(str, "trained or failed"), "error": Column(str, "why it failed")}
CELLS = {"cell": Column(int, "position")} | Data.columns() | Training.columns() | STATUS | LOSSES


def measure(cells, asked, own, raw, run):
    x = np.linspace(-1, 1, asked.test_points)
    rows = [one.cell.axes | {"cell": i} | one.record.about for i, one in enumerate(cells)]
    for row, one in ((row, one) for row, one in zip(rows, cells, strict=True) if one.is_trained):
        for name, at, y in (("train_loss", *one.dataset.values()), ("test_loss", x, np.sin(3 * x))):
            row[name] = float(np.mean((predict(one.record.arrays["coefficients"], at) - y) ** 2))
    return Measured({"cells": Table.of_rows(CELLS, rows)}, Table.of_rows(CELLS, rows))


def curves(cells):
    return means(cells[cells.status == "trained"], ["degree", "points"], list(LOSSES))
