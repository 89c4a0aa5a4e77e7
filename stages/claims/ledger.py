"""Committed claims as Markdown tables: every one of a scale, and how many came out how."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.claims import ELSEWHERE, FAILS, SOURCES, UNDECIDED, VERDICTS
from stages.claims.words import part_in_words

SCALES, HELD_OUT = ("laptop", "paper"), "held_out"


def read(scale: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Experiment and content of every committed summary of a scale."""
    for path in sorted(Path("data/metrics", scale).glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def ledger(scale: str) -> str:
    """Every committed claim of a scale, by source, and then every question, as Markdown tables."""
    rows: dict[str, list[tuple[int, str]]] = {source: [] for source in SOURCES.values()}
    questions = []
    for experiment, summary in read(scale):
        for one in summary["claims"]:
            says = f"{one['says']} ({one['source']})"
            cells = one["id"], one["claim"], says, measured(one), verdict(one), experiment
            rows[SOURCES[one["id"][0]]].append((int(one["id"][1:]), _row(*cells)))
        questions += [_row(one["question"], measured(one), experiment) for one in summary["questions"]]
    lines = []
    for source, found in rows.items():
        if found:
            lines += [
                f"### {source[0].upper()}{source[1:]}",
                "",
                _row("", "claim", "there", "measured", "verdict", "run"),
            ]
            lines += [_rule(6), *(row for _, row in sorted(found, key=lambda one: one[0])), ""]
    return "\n".join([*lines, "### Questions of our own", "", _row("question", "answer", "run"), _rule(3), *questions])


def decided() -> dict[tuple[str, str], str]:
    """The verdict on every committed claim by (id, claim): the paper scale's where it decides, else the laptop's.

    One of the laptop's that comes out otherwise on held-out training sets decides nothing.
    """
    laptop, paper, held_out = map(verdicts, (*SCALES, HELD_OUT))
    found = {key: verdict if held_out.get(key, verdict) == verdict else UNDECIDED for key, verdict in laptop.items()}
    return found | {key: verdict for key, verdict in paper.items() if verdict != UNDECIDED or key not in found}


def verdicts(scale: str) -> dict[tuple[str, str], str]:
    """The verdict on every committed claim of a scale by (id, claim)."""
    return {(one["id"], one["claim"]): one["verdict"] for _, summary in read(scale) for one in summary["claims"]}


def held_out() -> str:
    """How many of the laptop's verdicts come out the same on held-out training sets, and a table of the others."""
    first, outcomes, rows = verdicts(SCALES[0]), Counter[str](), []
    for experiment, summary in read(HELD_OUT):
        for one in summary["claims"]:
            before, now = first.get((one["id"], one["claim"]), UNDECIDED), one["verdict"]
            if before == UNDECIDED:
                continue
            outcomes["same" if now == before else "open" if now == UNDECIDED else "opposite"] += 1
            if now != before:
                rows.append(_row(one["id"], one["claim"], before, now, measured(one), experiment))
    told = sum(verdict != UNDECIDED for verdict in first.values())
    found = (
        f"{outcomes['same']} come out the same, {outcomes['opposite']} the opposite, {outcomes['open']} cannot be told"
    )
    same = f"Of the laptop's {told} verdicts {outcomes.total()} were judged again: {found}."
    if not rows:
        return same
    heads = _row("", "claim", "first sets", "held-out sets", "measured on these", "run")
    return "\n".join([f"{same} Those that differ decide nothing:", "", heads, _rule(6), *rows])


def totals() -> str:
    """How many claims came out how, by source, as a Markdown table; and all at each scale alone."""
    both = [(SOURCES[id[0]], verdict) for (id, _), verdict in decided().items()]
    counts = {source: Counter(verdict for whose, verdict in both if whose == source) for source in SOURCES.values()}
    counts["all"] = Counter(verdict for _, verdict in both)
    for scale in SCALES:
        counts[f"all, {scale} scale alone"] = Counter(one["verdict"] for _, of in read(scale) for one in of["claims"])
    lines = [_row("source", *VERDICTS), _rule(4)]
    lines += [_row(source, *(str(count[verdict]) for verdict in VERDICTS)) for source, count in counts.items() if count]
    return "\n".join(lines)


def more() -> str:
    """Claims that a run cannot tell and that more training sets would decide, as a Markdown table."""
    lines = [_row("run", "", "claim", "sets", "would take"), _rule(5)]
    for scale in SCALES:
        for experiment, summary in read(scale):
            for one in summary["claims"]:
                sets = min((part["sets"] for part in one["parts"]), default=0)
                if one["would_take"]:
                    cells = f"{scale}/{experiment}", one["id"], one["claim"], str(sets), str(one["would_take"])
                    lines.append(_row(*cells))
    return "\n".join(lines)


def measured(one: Mapping[str, Any]) -> str:
    """The parts of a finding, as JSON has them, in words."""
    elsewhere = (one.get("shown") or {}).get(ELSEWHERE)
    words = f"not run under its settings; under others: {elsewhere}" if elsewhere else ""
    return "; ".join(map(part_in_words, one["parts"])) or words


def verdict(one: Mapping[str, Any]) -> str:
    """A claim's verdict, as JSON has it, in words."""
    if one["would_take"]:
        return f"{UNDECIDED}; about {one['would_take']} sets would"
    return f"**{FAILS}**" if one["verdict"] == FAILS else str(one["verdict"])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
