"""Test loss and norms over T for each eps; the peak against eps / (1 - S) for several (n, S)."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.replication_gap.claims import PAPER, REPLICATIONS, peaks, swept, with_eps


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    cells = with_eps(tables.cells)
    if not len(cells):
        return {}
    sweep = cells[cells.n == cells.n.mode().iloc[0]]
    shares = sorted(sweep.eps_share.unique())
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for share, color in zip(shares, style.ramp(len(shares)), strict=True):
        of = sweep[sweep.eps_share == share]
        style.curve(left, of, "test_loss", color, f"{share:g}")
        style.curve(middle, of, "norm_b", color)
    left.set(yscale="log", title="test loss")
    middle.set(yscale="log", title="norm of b")
    left.set_ylim(top=30 * sweep.test_loss.max())
    left.legend(title="eps / (1 - S)", fontsize=8, title_fontsize=8, ncols=3, loc="upper center")
    for axes in (left, middle):
        style.log_T(axes, sweep["T"], sweep.S.iloc[0])
        style.plain_log_y(axes)
    _peaks(right, cells)
    figure.suptitle(
        style.title(
            summary,
            "One knob, Adam's eps, leads from the replications' double descent to the paper's",
            "What Adam's eps does to double descent",
            containing="one knob",
        )
    )
    return {"replication_gap": figure}


def _peaks(axes: Any, cells: Any) -> None:
    found = peaks(swept(cells))
    sizes = sorted(set(zip(found.n, found.S, strict=True)))
    for (n, S), marker, color in zip(sizes, "osD^vP", style.SERIES, strict=False):
        of = found[(found.n == n) & (found.S == S)].sort_values("eps_share")
        axes.plot(of.eps_share, of.test_loss, marker=marker, markersize=4, color=color, label=f"n = {n:,}, S = {S:g}")
    for published, name in ((PAPER, "paper, n = 10,000"), (REPLICATIONS, "a replication, n = 10,000")):
        axes.plot(published["eps_share"], published["bump"], marker="*", markersize=13, color=style.INK, linestyle="")
        where = published["eps_share"], published["bump"]
        axes.annotate(name, where, xytext=(8, 5), textcoords="offset points", fontsize=8.5)
    axes.set(xscale="log", yscale="log", xlabel="eps of the summed loss / (1 - S)", title="highest mean in the middle")
    axes.set_xlim(right=30 * found.eps_share.max())  # room for what is written
    axes.set_ylim(top=3 * max(REPLICATIONS["bump"], found.test_loss.max()))
    style.plain_log_y(axes)
    axes.legend(fontsize=8)
