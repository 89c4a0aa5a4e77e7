"""What an experiment's JSON says: a few headline numbers, and each claim of the paper with what was measured.

DVC shows numbers and skips lists, so that `dvc metrics` prints the headline and not the claims' prose.
`python -m stages.core.claims SCALE` prints every claim of that scale as the table that the README holds.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stages.core.bundle import write_bytes


class Claim(NamedTuple):
    """A claim, where it is made, what it says there, what was measured with its spread, and whether it holds.

    `holds` is None where this run cannot tell. `note` says why a claim fails, where that is known.
    """

    claim: str
    source: str
    paper: Any
    measured: Any
    spread: Any
    holds: bool | None
    note: str = ""


class Summary(NamedTuple):
    """What an experiment found."""

    headline: dict[str, float | int]
    claims: Sequence[Claim]


def labelled(values: pd.Series, *names: str) -> dict[str, float]:
    """{"T=3, R=2": value} of a table's column by index, whose levels have these names."""
    return {
        ", ".join(
            f"{name}={part:g}" if isinstance(part, float) else f"{name}={part}"
            for name, part in zip(names, key, strict=True)
        ): float(value)
        for key, value in zip(values.index.to_frame().itertuples(index=False, name=None), values, strict=True)
    }


def labelled_rows(table: pd.DataFrame, *names: str) -> dict[str, dict[str, float]]:
    """The same of a whole table: {"T=3, R=2": {column: value}}."""
    columns = {str(column): labelled(table[column], *names) for column in table}
    return {key: {column: of[key] for column, of in columns.items()} for key in labelled(table.iloc[:, 0], *names)}


def write(path: Path, summary: Summary) -> None:
    """Write the summary as JSON, numbers to six digits."""
    held = sum(claim.holds is True for claim in summary.claims)
    content = _plain(summary.headline | {"held": held} | {"claims": [claim._asdict() for claim in summary.claims]})
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def table(scale: str) -> str:
    """Every committed claim of a scale as a Markdown table."""
    lines = ["| experiment | claim | paper | measured | holds |", "|---|---|---|---|---|"]
    for path in sorted(Path("data/metrics", scale).glob("*.json")):
        for claim in json.loads(path.read_text())["claims"]:
            holds = {True: "yes", False: "**no**", None: "cannot tell"}[claim["holds"]]
            paper = f"{words(claim['paper'])} ({claim['source']})"
            lines.append(f"| {path.stem} | {claim['claim']} | {paper} | {words(claim['measured'])} | {holds} |")
    return "\n".join(lines)


def words(value: Any) -> str:
    """A JSON value as a reader would write it, numbers to three digits."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {words(v)}" if "=" not in key else f"{words(v)} at {key}" for key, v in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """JSON's own types; a number that is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


if __name__ == "__main__":
    print(table(sys.argv[1]))
