"""The T x m map: test loss over training points and hidden dimensions, and what one model of each size stores."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from stages.report.charts import SIDE, Charts, columns, dimensionalities, known, plane, relative, specs, with_params

MAPPED = "hidden_size"
KEY = ["T", "m"]
LINEAR = 0.01  # colours are linear up to here above or below the loss of output 0, then logarithmic


def sizes(scale: str) -> Charts | None:
    """Mean test loss by T and m, and features, points and dimensionalities of one model each; None without the run."""
    found = known(scale, MAPPED)
    if found is None or not len(found["plane"]):
        return None
    cells = found.cells[found.cells.selected]
    losses = cells.groupby(KEY).test_loss.agg(["mean", "min", "max"]).add_suffix("_loss").reset_index()
    vectors = found["plane"].assign(kind=lambda of: np.where(of.feature, "feature", "point"))
    chosen = "datum.T == T && datum.m == m"
    return Charts(
        specs(
            {
                "losses": _map(losses.mean_loss),
                "features": plane("feature", chosen, KEY),
                "points": plane("point", chosen, KEY),
                "dimensionalities": dimensionalities(chosen, KEY),
            }
        ),
        {
            "losses": "Mean test loss above output 0's",
            "features": "Features, columns of W",
            "points": "Hidden vectors of points",
            "dimensionalities": "Dimensionality, largest first",
        },
        {
            "vectors": columns(
                relative(vectors, KEY), [*KEY, "kind", "item", "D", "norm", "u", "v", "rank"], [*KEY, "kind"]
            ),
            "losses": columns(losses, [*KEY, "mean_loss", "min_loss", "max_loss"], ["m"]),
        },
        {name: sorted(losses[name].unique().tolist()) for name in KEY},
    )


def _map(losses: pd.Series) -> Any:
    """A square for each T and m, which the page makes the chosen one on a click."""
    reach = max(2 * LINEAR, float((losses - 1).abs().max()))
    base = (
        alt.Chart(alt.NamedData("losses"))
        .transform_calculate(above="datum.mean_loss - 1")
        .encode(
            x=alt.X("T:O", title="training points T", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("m:O", title="hidden dimensions m", sort="descending"),
            tooltip=[
                *(alt.Tooltip(f"{name}:Q") for name in KEY),
                *(
                    alt.Tooltip(f"{name}_loss:Q", title=words, format=".4f")
                    for name, words in (("mean", "mean test loss"), ("min", "least"), ("max", "most"))
                ),
            ],
        )
    )
    scale = alt.Scale(
        type="symlog",
        constant=LINEAR,
        domain=[-reach, 0, reach],
        range=["#1f62b4", "#f7f5ef", "#c3312f"],
        interpolate="rgb",
    )
    squares = base.mark_rect(cursor="pointer").encode(color=alt.Color("above:Q", scale=scale, legend=None))
    chosen = base.transform_filter("datum.T == T && datum.m == m")
    here = chosen.mark_rect(filled=False, stroke="#222", strokeWidth=2.5)
    text = base.mark_text(fontSize=9.5, cursor="pointer").encode(
        text=alt.Text("above:Q", format="+.3f"),
        color=alt.condition(f"abs(datum.above) > {reach / 3}", alt.value("#fff"), alt.value("#222")),
    )
    return with_params((squares + text + here).properties(width=1.25 * SIDE, height=SIDE), KEY)
