"""Over T: the longest vectors, where points stand, D*; and overlap against what a training set ends with."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from stages.claims.regimes import finite
from stages.core.tables import Tables
from stages.experiments import style
from stages.experiments.vectors.claims import in_between


def draw(tables: Tables, summary: dict[str, Any]) -> dict[str, Figure]:
    """The experiment's figure."""
    of = finite(tables)
    if not len(of):
        return {}
    figure = Figure(figsize=(11.5, 6.4), layout="constrained")
    (lengths, points), (spread, overlap) = figure.subplots(2, 2)
    style.curve(lengths, of, "longest_h", style.POINT, "hidden vector of a point")
    style.curve(lengths, of, "longest_W", style.FEATURE, "feature vector")
    lengths.set(yscale="log", title="length of the longest vector")
    style.plain_log_y(lengths)
    style.curve(points, of, "circle_ratio", style.POINT, "$D_x T / m$ of points on the circle")
    style.curve(points, of, "at_origin", style.INK, "share of points at the origin")
    points.set(title="where points stand", ylim=(0, None))
    style.curve(spread, of, "D_star_ratio_median", style.POINT, "median $D^* T / m$")
    style.curve(spread, of, "alike_W", style.FEATURE, "share of feature vectors of about one length")
    spread.set(title="how evenly the dimensions are shared", ylim=(0, None))
    for axes in (lengths, points, spread):
        style.log_T(axes, of["T"], of.S.iloc[0])
        axes.legend(fontsize=8.5)
    ranks = in_between(of)
    overlap.scatter(ranks.overlap, ranks.D_x_max, s=12, color=style.POINT, linewidths=0, label="largest $D_x$")
    overlap.scatter(ranks.overlap, ranks.D_f_max, s=12, color=style.FEATURE, linewidths=0, label="largest $D_f$")
    overlap.set(xlabel="training sets of the middle regime: rank of overlap, within T", ylabel="rank, within T")
    if len(ranks):
        overlap.legend(fontsize=8.5, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 0.98))
    figure.suptitle(
        style.title(
            summary,
            "Vectors are longest where points are stored, and shrink as these give way to features",
            "What the stored vectors are like, by the number of training points",
            containing="are longest near T = 30",
        )
    )
    return {"vectors": figure}
