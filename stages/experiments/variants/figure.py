"""Test loss over T for every variant, a panel each."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.variants.claims import relative


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    cells = relative(tables.cells)
    if not len(cells):
        return {}
    names = list(dict.fromkeys(cells.variant))
    columns = min(3, len(names))
    figure = Figure(figsize=(3.6 * columns, 2.7 * -(-len(names) // columns)), layout="constrained")
    panels = list(figure.subplots(-(-len(names) // columns), columns, squeeze=False).flat)
    for axes, name, color in zip(panels, names, style.SERIES * 2, strict=False):
        of = cells[cells.variant == name]
        style.curve(axes, of, "test_loss", color)
        axes.axhline(1, color=style.LAW, linewidth=0.7)
        axes.set_title(name)
        if of.test_loss.max() > 3:
            axes.set_yscale("log")
        style.log_T(axes, of["T"], of.S.iloc[0])
        axes.set_ylabel("test loss / that of output 0")
    for axes in panels[len(names) :]:
        axes.remove()
    certain = summary.get("variants_with_bump", 0)
    more = f"; that it rises and falls is certain in {certain}" if certain else ""
    figure.suptitle(f"Test loss over training points, in {len(names)} models and losses{more}")
    return {"variants": figure}
