"""What the page says, read from files: claims from the metrics, figures, sections of params.yaml, docstrings."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from stages.claims import SOURCES, VERDICTS
from stages.claims.ledger import HELD_OUT, SCALES, decided, measured, verdicts
from stages.claims.words import words
from stages.core import paths
from stages.core.errors import UserError
from stages.report.drawings import address, files
from stages.report.stories import listed, story

PARAMS, RUNS = Path("params.yaml"), Path("stages/runs.yaml")
EXPERIMENTS = Path("stages/experiments")


class Drawing(NamedTuple):
    """A figure as the page holds it."""

    name: str
    source: str  # a data: address
    alt: str


class Bar(NamedTuple):
    """A part of a claim drawn to scale: where its interval, its effect and the range it needs lie, in percent."""

    what: str
    low: float
    high: float
    effect: float
    least: float
    most: float


class Row(NamedTuple):
    """A claim at this scale, and at the other one where it was run; a question has no id, source, says and verdicts."""

    id: str
    source: str  # whose claim it is
    text: str
    says: str
    measured: str
    shown: str
    verdict: str
    note: str
    other_measured: str
    other_verdict: str  # empty where nothing was measured there
    held_out: str  # the verdict on held-out training sets where it is another one
    overall: str  # the verdict of both scales and of those sets, as README counts it
    bars: list[Bar]
    other_bars: list[Bar]


class Experiment(NamedTuple):
    """All that the page has of one experiment."""

    name: str
    question: str
    story: str  # HTML
    caption: str
    images: list[Drawing]
    other_images: list[Drawing]
    parameters: str
    claims: list[Row]
    questions: list[Row]


class Outcomes(NamedTuple):
    """Verdicts by (id, claim)."""

    held_out: Mapping[tuple[str, str], str]
    overall: Mapping[tuple[str, str], str]  # of the laptop's and the paper's scale, and of held-out training sets


class Group(NamedTuple):
    """Experiments on one question."""

    title: str
    experiments: list[Experiment]


def experiments(scale: str) -> list[Experiment]:
    """Every experiment that has claims at the scale, in the order of stages/runs.yaml."""
    runs, outcomes = YAML(typ="safe").load(RUNS).get(scale, {}), Outcomes(verdicts(HELD_OUT), decided())
    return [_experiment(name, scale, outcomes) for name in runs if paths.summary(f"{scale}/{name}").exists()]


def require(scale: str) -> None:
    """Raise UserError where the scale has no results."""
    folder = paths.summary(scale).with_suffix("")
    if not any(folder.glob("*.json")):
        raise UserError(f"{folder}: holds no X.json; run the stages before this one first")


def other(scale: str) -> str:
    """The scale whose claims stand beside a scale's own."""
    return "laptop" if scale == "paper" else "paper"


def drawing(path: Path) -> Drawing:
    """A figure of several experiments, with what the module of its name in this folder says of it."""
    return Drawing(path.stem, address(path), _docstring(Path(__file__).with_name(f"{path.stem}.py")))


def scorecard(of: list[Experiment]) -> dict[str, dict[str, int]]:
    """By whose claims they are, and of all: how many there are, and how many came out how overall."""
    found = [(row.source, row.overall) for experiment in of for row in experiment.claims]
    return {
        source: {"all": len(outcomes)} | {verdict: outcomes.count(verdict) for verdict in VERDICTS}
        for source in (*dict.fromkeys(SOURCES.values()), "all")
        if (outcomes := [outcome for whose, outcome in found if source in (whose, "all")])
    }


def groups(of: list[Experiment]) -> list[Group]:
    """Experiments by question, as stages/experiments/README.md has them."""
    by_name = {experiment.name: experiment for experiment in of}
    found = [Group(title, [by_name.pop(name) for name in rows if name in by_name]) for title, rows in listed().items()]
    return [group for group in (*found, Group("Others", list(by_name.values()))) if group.experiments]


def numbers(scale: str) -> list[tuple[str, str]]:
    """The two that a first look is for, and what they are, where they were measured."""
    bump, gap = _summary("dataset_size", scale), _summary("replication_gap", scale)
    found = []
    if "bump" in bump:
        found.append((f"+{bump['bump']:.3f}", f"rise of mean test loss, to its peak at {bump['bump_T']:,} points"))
    if "peak_smallest_eps" in gap:
        found.append(
            (f"{gap['peak_smallest_eps']:.0f}", "peak test loss if errors are summed, at the smallest eps of Adam")
        )
    return found


def _experiment(name: str, scale: str, outcomes: Outcomes) -> Experiment:
    questions = {row: question for rows in listed().values() for row, question in rows.items()}
    return Experiment(
        name,
        questions.get(name, name),
        story(name),
        _docstring(EXPERIMENTS / name / "figure.py"),
        _images(name, scale),
        _images(name, other(scale))[-1:],  # one is enough beside all of this scale
        section(name),
        _rows(name, scale, "claims", outcomes),
        _rows(name, scale, "questions", outcomes),
    )


def _rows(name: str, scale: str, kind: str, outcomes: Outcomes) -> list[Row]:
    there = {_text(one): one for one in _found(name, other(scale), kind)}
    rows = []
    for one in _found(name, scale, kind):
        key, verdict = (one.get("id", ""), _text(one)), one.get("verdict", "")
        held_out = outcomes.held_out.get(key, verdict) if scale == SCALES[0] else verdict  # they are of its grids
        beside = there.get(_text(one), {"parts": []})
        found = measured(beside)
        says = f"{one['says']} ({one['source']})" if "says" in one else one["source"]
        rows.append(
            Row(
                key[0],
                SOURCES[one["id"][0]] if "id" in one else "",
                key[1],
                says,
                measured(one),
                words(one["shown"]) if one["shown"] else "",
                verdict,
                one["note"],
                found,
                beside.get("verdict", "") if found else "",
                "" if held_out == verdict else held_out,
                outcomes.overall.get(key, verdict),
                _bars(one),
                _bars(beside),
            )
        )
    return rows


def _bars(one: Mapping[str, Any]) -> list[Bar]:
    """The parts that have an interval and a range, each on an axis that holds both and a tenth more."""
    bars = []
    for part in one["parts"]:
        bounds = [part[name] for name in ("least", "most") if part[name] is not None]
        if part["low"] is None or part["high"] is None or not bounds:
            continue
        first, last = min(part["low"], *bounds), max(part["high"], *bounds)
        room = 0.1 * (last - first) or 1.0
        first, last = first - room, last + room

        def place(value: float | None, beyond: float, first: float = first, last: float = last) -> float:
            return beyond if value is None else round(100 * (value - first) / (last - first), 1)

        bars.append(
            Bar(
                part["what"],
                place(part["low"], 0),
                place(part["high"], 100),
                place(part["effect"], 0),
                place(part["least"], 0),
                place(part["most"], 100),
            )
        )
    return bars


def _summary(name: str, scale: str) -> dict[str, Any]:
    path = paths.summary(f"{scale}/{name}")
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _found(name: str, scale: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _summary(name, scale).get(kind, [])
    return found


def _text(one: dict[str, Any]) -> str:
    return str(one.get("claim") or one["question"])


def _images(name: str, scale: str) -> list[Drawing]:
    alt = _docstring(EXPERIMENTS / name / "figure.py")
    size = "" if scale == "laptop" else f", {scale} scale"
    return [Drawing(f.stem, address(f), f"{name}, {f.stem.replace('_', ' ')}{size}. {alt}") for f in files(name, scale)]


def section(name: str) -> str:
    """An experiment's section of params.yaml as it stands there, comments included."""
    block = re.search(rf"^{name}:.*\n(?:(?: .*)?\n)*", PARAMS.read_text(), re.MULTILINE)
    return "\n".join(line for line in block[0].splitlines() if line.strip()) if block else ""


def _docstring(path: Path) -> str:
    """The first paragraph of a module's docstring, without running it."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split())
