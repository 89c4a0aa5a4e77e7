"""The one look of all figures, and how they are saved: same tables, same bytes."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from stages.claims import FAILS, HOLDS
from stages.claims.regimes import MIDDLE
from stages.core.bundle import write_bytes

FEATURE = "#1f62b4"  # blue: columns of W
POINT = "#c3312f"  # red: hidden vectors of data points
LAW = "#8a8a8a"  # grey: what theory says
INK = "#222222"
SERIES = (POINT, INK, "#e08214", "#35978f", FEATURE, "#8f5aa8")  # runs to be told apart
SHADE = "#f3efe4"  # the middle regime
MARKS = 4000  # a figure of so many marks is saved as pixels

_RC: dict[Any, Any] = {
    "svg.hashsalt": "superposition",  # else element ids differ from run to run
    "svg.fonttype": "path",
    "figure.dpi": 100,
    "savefig.dpi": 170,
    "savefig.facecolor": "white",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
}


@contextlib.contextmanager
def applied() -> Iterator[None]:
    """Draw in this project's style, without a display."""
    mpl.use("Agg")
    with mpl.rc_context(_RC):
        yield


class Film(NamedTuple):
    """A figure that moves: `draw(k)` makes it the k-th of its frames."""

    figure: Figure
    frames: int
    draw: Callable[[int], Iterable[Artist]]


def save(drawn: Figure | Film, stem: Path) -> None:
    """Write `stem`.gif of a film, `stem`.svg of a figure, or its `stem`.png if it has MARKS marks or more.

    What was there under that name in another format goes.
    """
    if isinstance(drawn, Film):
        film = FuncAnimation(drawn.figure, drawn.draw, frames=drawn.frames, init_func=lambda: [])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film.gif"
            film.save(path, writer=PillowWriter(fps=8), dpi=70)
            write_bytes(stem.with_suffix(".gif"), path.read_bytes())
        for other in (".svg", ".png"):
            stem.with_suffix(other).unlink(missing_ok=True)
        return
    figure = drawn
    kind, metadata = ("png", {"Software": None}) if _marks(figure) >= MARKS else ("svg", {"Date": None})
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches="tight", pad_inches=0.08)
    write_bytes(stem.with_suffix(f".{kind}"), buffer.getvalue())
    for other in {".svg", ".png", ".gif"} - {f".{kind}"}:
        stem.with_suffix(other).unlink(missing_ok=True)


def arrows(axes: Axes, x: Any, y: Any, color: str, limit: float, *, spokes: bool) -> None:
    """Vectors in the plane as dots, with spokes from the origin where they are few; no axes, equal scales."""
    tips = np.column_stack([x, y])
    if spokes:
        lines = np.stack([np.zeros_like(tips), tips], axis=1)
        axes.add_collection(LineCollection(list(lines), colors=color, linewidths=0.7, alpha=0.6))
    axes.scatter(tips[:, 0], tips[:, 1], s=11 if spokes else 4, color=color, linewidths=0, zorder=3)
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def plain_log_y(axes: Axes) -> None:
    """A log scale of y with numbers written out: 1, 2, 5, 10; powers of ten only where there are more than two."""
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 300 else (1,)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def log_T(axes: Axes, T: pd.Series, S: float | None = None) -> None:
    """A log axis of the training-set sizes T, with the paper's middle regime shaded if S says where it is."""
    low, high = T.min() / 1.25, T.max() * 1.25
    ticks = [t for t in (1, 3, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000) if low <= t <= high]
    if len(ticks) < 3:
        ticks = [t for t in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700) if low <= t <= high]
    axes.set(xscale="log", xlim=(low, high), xlabel="training points T")
    axes.set_xticks(ticks, labels=[f"{t:,}" for t in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    if S is not None:
        axes.axvspan(*(share / (1 - S) for share in MIDDLE), color=SHADE, zorder=-1, linewidth=0)


def curve(axes: Axes, cells: pd.DataFrame, column: str, color: Any, label: str | None = None, x: str = "T") -> None:
    """The mean of a column over x as a line, and every run as a point."""
    mean = cells.groupby(x)[column].mean()
    axes.plot(mean.index, mean, color=color, label=label)
    axes.scatter(cells[x], cells[column], s=9, color=color, alpha=0.4, linewidths=0)


def title(summary: dict[str, Any], statement: str, question: str, containing: str = "") -> str:
    """The statement where some of the claims with that in their text hold and none fails; else the question."""
    found = {claim["verdict"] for claim in summary.get("claims", []) if containing in claim["claim"]}
    return statement if HOLDS in found and FAILS not in found else question


def ramp(count: int) -> list[Any]:
    """So many colours in order, dark to light, that the colour-blind can tell apart."""
    return [mpl.colormaps["viridis"](0.9 * k / max(1, count - 1)) for k in range(count)]


def circle(axes: Axes, radius: float) -> None:
    """A faint circle about the origin: where theory puts the vectors."""
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=LAW, linewidth=0.8, alpha=0.8, zorder=0)


def _marks(figure: Figure) -> int:
    count = 0
    for axes in figure.get_axes():
        for collection in axes.collections:
            if isinstance(collection, PathCollection):
                count += len(np.asarray(collection.get_offsets()))
            elif isinstance(collection, LineCollection):
                count += len(collection.get_segments())
    return count
