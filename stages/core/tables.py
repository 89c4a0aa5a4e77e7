"""Parquet tables with typed, documented columns, and means of them as CSV: same rows, same bytes.

The description of a column is stored in the file: `pyarrow.parquet.read_schema(path).field(name).metadata`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.core.bundle import write_bytes

_TYPES = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    "float32": pa.float32(),
}


Shown = Callable[[pd.DataFrame], "pd.Series | pd.DataFrame"]


class Column(NamedTuple):
    """Type (bool, int, float, str, bytes or "float32") and meaning of a column."""

    type: Any
    meaning: str


class Table(NamedTuple):
    """Columns and, for each, its values: None where there is none."""

    columns: Mapping[str, Column]
    values: Mapping[str, Sequence[Any]]

    @classmethod
    def of_rows(cls, columns: Mapping[str, Column], rows: Iterable[Mapping[str, Any]]) -> Table:
        """The table of rows, each a value by column; a column that a row lacks is None there."""
        rows = list(rows)
        return cls(columns, {name: [row.get(name) for row in rows] for name in columns})


class Measured(NamedTuple):
    """What a family's measures are: the tables that git keeps, by name, and the long one of every item, for DVC."""

    tables: Mapping[str, Table]
    every_item: Table


class Tables:
    """A run's tables by name, as its measures made them; one that the run lacks is empty."""

    def __init__(self, tables: Mapping[str, pd.DataFrame] = MappingProxyType({}), /, **more: pd.DataFrame) -> None:
        self._tables = dict(tables) | more

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._tables.get(name, pd.DataFrame())

    @property
    def cells(self) -> pd.DataFrame:
        """One row a cell of the grid."""
        return self["cells"]

    @property
    def history(self) -> pd.DataFrame:
        """One row a moment of a cell's training that was kept."""
        return self["history"]

    @property
    def items(self) -> pd.DataFrame:
        """One row a feature, point, image that figures or claims use."""
        return self["items"]

    @property
    def scores(self) -> pd.DataFrame:
        """One row a score that was compared, where a run compares some."""
        return self["scores"]


def arrow(table: Table) -> pa.Table:
    """The table with its types, and its meanings as metadata."""
    fields = [pa.field(name, _TYPES[c.type], metadata={"meaning": c.meaning}) for name, c in table.columns.items()]
    arrays = {name: pa.array(table.values[name], _TYPES[c.type]) for name, c in table.columns.items()}
    return pa.table(arrays, schema=pa.schema(fields))


def write(path: Path, table: Table) -> None:
    """Write the table atomically."""
    _write(path, arrow(table))


def write_shown(path: Path, table: Table, shown: Shown | None) -> None:
    """Write part of the table: `shown(frame)` says which rows, or by column which values. None: all of it.

    A value that is not kept is null, and a row of which nothing is kept is left out.
    """
    whole = arrow(table)
    if shown is None or not whole.num_rows:
        _write(path, whole)
        return
    kept = shown(whole.to_pandas())
    by_column = kept if isinstance(kept, pd.DataFrame) else pd.DataFrame(dict.fromkeys(whole.column_names, kept))
    rows = by_column.any(axis=1)
    part = whole.filter(pa.array(rows.to_numpy(dtype=bool)))
    for i, name in enumerate(whole.column_names):
        mask = pa.array(by_column.loc[rows, name].to_numpy(dtype=bool))
        part = part.set_column(i, part.schema.field(name), pc.if_else(mask, part[name], None))
    _write(path, part)


def _write(path: Path, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=9)
    write_bytes(path, buffer.getvalue())


def read(folder: Path) -> Tables:
    """Every table of a run's folder.

    Raises:
        FileNotFoundError: it has none.
    """
    found = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    if not found:
        raise FileNotFoundError(2, "no tables", str(folder))
    return Tables(found)


def means(cells: pd.DataFrame, axes: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Columns' means by those axes that differ between cells; by the first where none does."""
    by = [axis for axis in axes if cells[axis].nunique() > 1] or list(axes[:1])
    return cells.groupby(by)[list(columns)].mean().reset_index()


def write_curves(path: Path, curves: pd.DataFrame) -> None:
    """Write means as CSV, numbers to six digits."""
    write_bytes(path, curves.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())
