"""Losses on the samples and on the sine itself."""

from typing import Any, NamedTuple

import numpy as np
from stages.families.polynomials.model import powers
from stages.families.polynomials.spec import Data, Training

from stages.core import tables
from stages.core.tables import Column, Measured, Table

SPEC = {"cell": Column(int, "position of the cell in the grid")} | Data.columns() | Training.columns()
LOSSES = {"train_loss": Column(float, "on the samples"), "test_loss": Column(float, "on the sine")}
CELLS = SPEC | {"status": Column(str, "trained or failed"), "error": Column(str, "why it failed")} | LOSSES


class Own(NamedTuple):
    shown: Any = None


def measure(cells, asked, own, raw, run):
    x = np.linspace(-1, 1, asked.test_points)
    rows = [one.cell.axes | {"cell": i} | one.record.about for i, one in enumerate(cells)]
    for row, one in zip(rows, cells, strict=True):
        if one.is_trained:
            for name, at, y in (("train", one.dataset["x"], one.dataset["y"]), ("test", x, np.sin(3 * x))):
                error = powers(at, row["degree"]) @ one.record.arrays["coefficients"] - y
                row[f"{name}_loss"] = float(np.mean(error**2))
    table = Table.of_rows(CELLS, rows)
    return Measured({"cells": table}, table)


def curves(cells):
    return tables.means(cells[cells.status == "trained"], ["degree", "points"], list(LOSSES))
