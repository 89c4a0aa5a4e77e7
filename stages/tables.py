"""Parquet tables with typed, documented columns, and means of them as CSV: same rows, same bytes.

The description of a column is stored in the file: `pyarrow.parquet.read_schema(path).field(name).metadata`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from stages.grid.bundle import write_bytes

_TYPES = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    "float32": pa.float32(),
}


class Column(NamedTuple):
    """Type (bool, int, float, str, bytes or "float32") and meaning of a column."""

    type: Any
    meaning: str


def spec_columns(*models: type[BaseModel]) -> dict[str, Column]:
    """A column for each field of the specs."""
    return {
        name: Column(_column_type(field.annotation), field.description or "")
        for model in models
        for name, field in model.model_fields.items()
    }


def write_means(path: Path, cells: pd.DataFrame, axes: Sequence[str], columns: Sequence[str]) -> None:
    """Write columns' means by those axes that differ between cells as CSV, numbers to six digits."""
    by = [axis for axis in axes if cells[axis].nunique() > 1] or list(axes[:1])
    means = cells.groupby(by)[list(columns)].mean().reset_index()
    write_bytes(path, means.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())


def _column_type(annotation: Any) -> Any:
    """The type of a field, or of the values that it chooses from."""
    return type(get_args(annotation)[0]) if get_origin(annotation) is Literal else annotation


def write(path: Path, columns: Mapping[str, Column], values: Mapping[str, Sequence[Any]]) -> None:
    """Write the table atomically; `values` holds a sequence for each column, None where there is no value."""
    schema = pa.schema([pa.field(name, _TYPES[c.type], metadata={"meaning": c.meaning}) for name, c in columns.items()])
    table = pa.table({name: pa.array(values[name], _TYPES[c.type]) for name, c in columns.items()}, schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=9)
    write_bytes(path, buffer.getvalue())
