"""Every run under every setting: dimensionality of few points, test loss in the middle, features of many points."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.sensitivity.claims import with_setting


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure: a row for each quantity, a column for each m, a run each dot."""
    cells = with_setting(tables.cells)
    if not len(cells):
        return {}
    sizes, ms = sorted(cells["T"].unique()), sorted(cells.m.unique())
    settings = list(dict.fromkeys(cells.setting))
    rows = [(sizes[0], "D_x_ratio_median", "$D_x T / m$"), *((T, "test_loss", "test loss") for T in sizes[1:])]
    rows += [(sizes[-1], "features_learned", "features learned")]
    figure = Figure(figsize=(2.7 * len(ms) + 0.8, 1.7 * len(rows) + 1.4), layout="constrained")
    grid = figure.subplots(len(rows), len(ms), sharex=True, sharey="row", squeeze=False)
    for line, (T, column, label) in zip(grid, rows, strict=True):
        for axes, m in zip(line, ms, strict=True):
            of = cells[(cells["T"] == T) & (cells.m == m)]
            for k, (setting, color) in enumerate(zip(settings, style.ramp(len(settings)), strict=True)):
                values = of[of.setting == setting][column].to_numpy(float)
                axes.scatter(k + np.linspace(-0.25, 0.25, len(values)), values, s=13, color=color, linewidths=0)
                if len(values):
                    axes.plot([k - 0.35, k + 0.35], [values.mean()] * 2, color=color, linewidth=1.2)
        if column == "test_loss" and cells[cells["T"] == T].test_loss.max() > 3:
            line[0].set_yscale("log")
            style.plain_log_y(line[0])
        line[0].set_ylabel(f"{label}\nT = {T:,}")
    for axes, m in zip(grid[0], ms, strict=True):
        axes.set_title(f"m = {m}")
    for axes in grid[-1]:
        axes.set_xticks(range(len(settings)), labels=settings, rotation=90, fontsize=8)
    means = cells.groupby(["T", "m", "setting"]).test_loss.mean().unstack("setting")
    moved = means.sub(means["usual"], axis=0).abs().max() if "usual" in means else means.max()
    figure.suptitle(f"Of one hyperparameter at a time, {moved.idxmax()} changes test loss most (a dot each run)")
    return {"sensitivity": figure}
