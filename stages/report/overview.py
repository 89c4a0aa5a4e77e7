"""The ledger as one figure: every claim, how far inside the range that it needs its number is, or outside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.claims import FAILS, HOLDS, SOURCES, UNDECIDED
from stages.claims.ledger import read

COLORS = {HOLDS: "#2f8f4e", FAILS: "#c3312f", UNDECIDED: "#8a8a8a"}
SCALES = {"laptop": ("o", "laptop scale"), "paper": ("D", "the paper's size")}  # and any other that is asked for
FAR = 6.0  # half-widths of an interval: the end of the axis
LONG = 72  # characters of a claim


class Row(NamedTuple):
    """A claim, and where it stands at each scale: half-widths inside of its range, and the verdict."""

    id: str
    text: str
    at: dict[str, tuple[float | None, str]]


def rows(scale: str) -> list[Row]:
    """Every claim of that scale and of SCALES that has been judged, by source and id."""
    found: dict[tuple[str, str], Row] = {}
    for name in dict.fromkeys((*SCALES, scale)):
        for _, summary in read(name):
            for one in summary["claims"]:
                row = found.setdefault((one["id"], one["claim"]), Row(one["id"], one["claim"], {}))
                row.at[name] = inside(one["parts"]), one["verdict"]
    order = list(SOURCES)
    return sorted(found.values(), key=lambda row: (order.index(row.id[0]), int(row.id[1:])))


def inside(parts: list[Mapping[str, Any]]) -> float | None:
    """How far the worst of a claim's numbers is inside its range, in half-widths of its 99 % interval; or outside.

    From 1 on all intervals are inside; at -1 one is outside, which refutes a claim of one number, and at somewhat less
    one of several. None where a number has no interval.
    """
    if any(part[name] is None for part in parts for name in ("effect", "low", "high")):
        return None
    return min((depth for part in parts for depth in _depths(part)), default=None)


def _depths(part: Mapping[str, Any]) -> list[float]:
    """Of one number, from each bound that its claim sets."""
    effect, low, high = part["effect"], part["low"], part["high"]
    found = []
    for bound, sign in ((part["least"], 1), (part["most"], -1)):
        if bound is not None:
            beyond = sign * (effect - bound)
            half = (effect - low if sign * beyond > 0 else high - effect) or 1e-12  # towards the bound
            found.append(math.copysign(min(abs(beyond) / half, FAR), beyond))
    return found


def draw(scale: str) -> Figure:
    """Two columns of claims."""
    of, marks = rows(scale), {scale: ("s", f"{scale} scale")} | SCALES
    half = -(-len(of) // 2)
    figure = Figure(figsize=(15, 1.2 + 0.185 * half), layout="constrained")
    for axes, part in zip(figure.subplots(1, 2, sharex=True), (of[:half], of[half:]), strict=True):
        _column(axes, part, half, marks)
    legend = [
        figure.get_axes()[0].scatter([], [], marker=marker, color=COLORS[HOLDS], label=words)
        for marker, words in marks.values()
    ]
    figure.legend(handles=legend, loc="outside lower center", ncols=2, fontsize=8)
    figure.suptitle("Every claim: how far inside the range that it needs the measured number is, or outside")
    return figure


def _column(axes: Axes, part: list[Row], length: int, marks: Mapping[str, tuple[str, str]]) -> None:
    axes.axvspan(-1, 1, color="#f1f1f1", zorder=-1, linewidth=0)
    axes.axvline(0, color="#bbbbbb", linewidth=0.7, zorder=0)
    for k, row in enumerate(part):
        known = sum(depth is not None for depth, _ in row.at.values())
        for shift, (scale, (marker, _)) in zip((-0.16, 0.16, 0.0), marks.items(), strict=False):
            depth, verdict = row.at.get(scale, (None, UNDECIDED))
            if depth is not None:
                y = k + shift * (known > 1)
                axes.plot([max(-FAR, depth - 1), min(FAR, depth + 1)], [y, y], color=COLORS[verdict], linewidth=0.8)
                axes.scatter([depth], [y], s=14, marker=marker, color=COLORS[verdict], linewidths=0)
    labels = [f"{row.text if len(row.text) <= LONG else row.text[: LONG - 1] + '…'}   {row.id}" for row in part]
    axes.set_yticks(range(len(part)), labels=labels, fontsize=7)
    axes.set(xlim=(-FAR - 0.3, FAR + 0.3), ylim=(length - 0.4, -0.6), xlabel="half-widths of the 99 % interval")
    axes.text(-FAR, -0.9, "does not hold", color=COLORS[FAILS], fontsize=8)
    axes.text(0, -0.9, "cannot tell", color=COLORS[UNDECIDED], fontsize=8, ha="center")
    axes.text(FAR, -0.9, "holds", color=COLORS[HOLDS], fontsize=8, ha="right")
    axes.grid(axis="y", alpha=0.15)
