"""Claims that others published, questions of our own, and what a run says to them.

A claim is a function of an experiment's tables, marked with who made it and what it says:

    @claim("P10", "many points: the norm of W is near sqrt 5", source="Figure 4", says="about 2.2")
    def norm(tables, measure): return Finding([intervals.mean("norm of W", cells.norm_W, least=2, most=2.5)])

What it returns decides: a `Finding` has numbers with their 99 % intervals over independent training sets, and the range
that the claim needs each of them in. An interval inside its range says yes, and one outside no (where there are several
numbers, a wider one). One across its edge says that this run cannot tell. A question of our own (`@question`) has an
answer, the same numbers without a range, and no verdict.

`python -m stages.claims SCALE` prints all of a scale as data/metrics/README.md holds them, and without a scale how
many came out how, by source, as the README does. `python -m stages.claims held_out` compares verdicts with those on
held-out training sets, and `python -m stages.claims more` says what more training sets would decide. Looking again
after sets were added makes a wrong verdict a little more likely than 1 in 100.
"""

from __future__ import annotations

import inspect
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import pandas as pd

from stages.claims.words import part_in_words
from stages.core.bundle import write_bytes
from stages.core.tables import Tables

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "cannot tell"
VERDICTS = (HOLDS, FAILS, UNDECIDED)
NOTHING: Mapping[str, Any] = MappingProxyType({})
ELSEWHERE = "under other settings"  # among what is shown: the parts of cells that are not under the source's
# whose claims have ids that begin so (the paper's text and figures, its appendix, comments printed with it, ...)
SOURCES = {
    "P": "the paper",
    "A": "its appendix",
    "C": "its appendix",
    "J": "Jermyn's comments",
    "H": "Hobbhahn's comment",
    "O": "Olah's comment",
    "N": "the follow-up of July 2023",
    "D": "the discussion",
    "R": "replications",
    "L": "laws derived here",
}


class Part(NamedTuple):
    """A number that was measured, its 99 % interval, and the range in which a claim needs it."""

    what: str
    effect: float
    low: float
    high: float
    sets: int  # independent training sets that the interval is over
    least: float = -math.inf
    most: float = math.inf
    refutes: int = 0  # how many parts a claim may have for this one alone to refute it
    would_take: float = math.inf  # training sets, about, that would decide at the same effect and spread

    @property
    def holds(self) -> bool:
        """Whether the interval is inside the range."""
        return self.low > self.least and self.high < self.most

    @property
    def inside(self) -> bool:
        """Whether the effect itself is in the range."""
        return self.least < self.effect < self.most


class Finding(NamedTuple):
    """What tables say to a claim or question: nothing, or the parts that decide; what else was seen; and how."""

    parts: Sequence[Part] = ()
    shown: Mapping[str, Any] | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """A claim holds if all its parts do. It does not if one is outside, at a 99 % divided among all of them.

        To be wrong in one of 100 cases at most, the first needs 99 % intervals. The second needs wider ones, as one
        part of several is soon outside by chance (Bonferroni).
        """
        if any(part.refutes >= len(self.parts) for part in self.parts):
            return FAILS
        return HOLDS if self.parts and all(part.holds for part in self.parts) else UNDECIDED

    @property
    def would_take(self) -> int | None:
        """About how many training sets would decide what is undecided; None where that is not known."""
        outside = [part.would_take for part in self.parts if not part.inside]
        sets = min(outside) if outside else max((part.would_take for part in self.parts), default=math.inf)
        more = sets > min((part.sets for part in self.parts), default=0)
        return int(sets) if self.verdict == UNDECIDED and math.isfinite(sets) and more else None


Judge = Callable[[Any, Any], Finding]  # of an experiment's tables, and its section `measure`


class Claim(NamedTuple):
    """What a source says, by the ledger's id, what judges it, and the settings of the source that it is about."""

    id: str
    text: str
    source: str
    says: str
    judge: Judge
    under: Mapping[str, Any] = NOTHING


class Question(NamedTuple):
    """What nobody published an answer to, who asks, and what answers it."""

    text: str
    source: str
    judge: Judge


class Summary(NamedTuple):
    """What an experiment found: a few headline numbers, claims in the order of their ids, and questions."""

    headline: Mapping[str, float | int]
    claims: Sequence[tuple[Claim, Finding]]
    questions: Sequence[tuple[Question, Finding]]


def claim(
    id: str, text: str, *, source: str, says: str, under: Mapping[str, Any] = NOTHING
) -> Callable[[Judge], Claim]:
    """Make a function the judge of a claim.

    Args:
        id: the ledger's, a letter of SOURCES and a number; claims that are parts of one share it.
        text: what is claimed, in a clause. source: where. says: the source's own numbers or words, as short.
        under: columns of cells and the source's values of them. Only such cells judge the claim; what others say to it
            is shown, and decides nothing.
    """
    return lambda judge: Claim(id, text, source, says, judge, under)


def question(text: str, *, source: str = "this project") -> Callable[[Judge], Question]:
    """Make a function the answer to a question of our own."""
    return lambda judge: Question(text, source, judge)


def judged(module: ModuleType, tables: Tables, measure: Any) -> Summary:
    """All claims and questions that a module has, judged; its `headline`, if it has one, gives the numbers.

    Claims are in the order of their ids, those that share one in the module's, as questions are.
    """
    own = list(vars(module).values())
    claims = sorted((one for one in own if isinstance(one, Claim)), key=lambda one: (one.id[0], int(one.id[1:])))
    return Summary(
        module.headline(tables, measure) if hasattr(module, "headline") else {},
        [(one, _judged(one, tables, measure)) for one in claims],
        [(one, one.judge(tables, measure)) for one in own if isinstance(one, Question)],
    )


def _judged(one: Claim, tables: Tables, measure: Any) -> Finding:
    """What the cells under the source's settings say; what the others say, if there are any, is shown beside."""
    cells = tables.cells
    own = [name for name in one.under if name in cells]
    if not own or (as_there := (cells[own] == [one.under[name] for name in own]).all(axis=1)).all():
        return one.judge(tables, measure)
    chosen, found = (one.judge(_Chosen(tables, cells[which]), measure) for which in (as_there, ~as_there))
    settings = ", ".join(f"{name} {value}" for name, value in one.under.items())
    shown = {ELSEWHERE: "; ".join(map(part_in_words, _found(found)["parts"]))} | dict(chosen.shown or {})
    return chosen._replace(shown=shown, note=f"{chosen.note or found.note} The source's settings: {settings}.")


class _Chosen(Tables):
    """The rows of some cells."""

    def __init__(self, tables: Tables, cells: pd.DataFrame) -> None:
        super().__init__()
        self._of, self._chosen = tables, cells

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name == "cells":
            return self._chosen
        table = self._of[name]
        return table[table.cell.isin(self._chosen.cell)] if "cell" in table else table


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
    """Write the summary as JSON, numbers to six digits. DVC shows its numbers and skips its lists."""
    count = Counter(finding.verdict for _, finding in summary.claims)
    content: dict[str, Any] = {
        **summary.headline,
        "held": count[HOLDS],
        "failed": count[FAILS],
        "undecided": count[UNDECIDED],
    }
    claims = [
        {"id": of.id, "claim": of.text, "source": of.source, "says": of.says}
        | {"verdict": found.verdict, "would_take": found.would_take}
        | _found(found)
        for of, found in summary.claims
    ]
    questions = [{"question": of.text, "source": of.source} | _found(found) for of, found in summary.questions]
    content |= {"claims": claims, "questions": questions}
    write_bytes(path, (json.dumps(_plain(content), indent=2, allow_nan=False) + "\n").encode())


def _found(finding: Finding) -> dict[str, Any]:
    parts = [part._asdict() for part in finding.parts if part.sets]
    return {"parts": _plain(parts), "shown": finding.shown, "note": inspect.cleandoc(finding.note).replace("\n", " ")}


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
