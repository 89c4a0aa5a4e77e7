"""Parts of the page's Vega-Lite charts that several share: the rows that they filter, vectors, dimensionalities.

Charts have parameters that the page's controls set (T, model, data_seed; run, frame); every chart filters the one set
of rows by them.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from stages.core import paths, tables
from stages.core.tables import Tables
from stages.experiments.style import FEATURE, POINT

SIDE = 225
COLORS = alt.Scale(domain=["feature", "point"], range=[FEATURE, POINT])


class Charts(NamedTuple):
    """Charts by name, what each shows in words, the rows that they filter, and what the controls choose from."""

    specs: dict[str, dict[str, Any]]
    alts: dict[str, str]
    data: dict[str, dict[str, list[Any]]]  # table -> column -> values, or [value, how often]
    choices: dict[str, list[Any]]


def known(scale: str, experiment: str) -> Tables | None:
    """The tables of a run; None where it has not been made."""
    folder = paths.tables(f"{scale}/{experiment}")
    return tables.read(folder) if folder.exists() else None


def relative(vectors: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Vectors in the plane over the longest of their kind, as u and v, and their rank by D, 0 if drawn at random."""
    groups = vectors.groupby([*key, "kind"])
    longest = groups.norm.transform("max").clip(lower=1e-12)
    rank = groups.D.rank(ascending=False, method="first").astype(int).where(~vectors.sampled, 0)
    return vectors.assign(u=vectors.x / longest, v=vectors.y / longest, rank=rank)


def columns(table: pd.DataFrame, names: list[str], few: list[str]) -> dict[str, list[Any]]:
    """Columns as lists, numbers to three digits, losses to five; those of `few` values as [value, how often]."""
    found: dict[str, list[Any]] = {}
    for name in names:
        if name in few:
            found[name] = [[value, len(list(run))] for value, run in itertools.groupby(table[name].tolist())]
        elif table[name].dtype.kind == "f":
            found[name] = [float(f"{v:.{5 if 'loss' in name else 3}g}") for v in table[name]]
        else:
            found[name] = table[name].tolist()
    return found


def specs(charts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Charts as the page embeds them, each as large as its axes' labels ask for."""
    fitted = alt.AutoSizeParams(type="pad", resize=True)  # to axes whose labels change
    return {name: chart.properties(autosize=fitted).to_dict() for name, chart in charts.items()}


def with_params(chart: Any, names: list[str]) -> Any:
    """A chart with these parameters, for the page to set."""
    return chart.add_params(*(alt.param(name=name, value=0) for name in names))


def plane(kind: str, chosen: str, params: list[str]) -> Any:
    """Arrows from the origin, and what each is on hovering."""
    base = (
        alt.Chart(alt.NamedData("vectors"))
        .transform_filter(f"datum.kind == '{kind}' && {chosen}")
        .transform_calculate(which="datum.item >= 0 ? datum.item : 'not kept'")
    )
    axis = alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None)
    scale = alt.Scale(domain=[-1.1, 1.1], nice=False)
    x, y = alt.X("u:Q", axis=axis, scale=scale), alt.Y("v:Q", axis=axis, scale=scale)
    color = FEATURE if kind == "feature" else POINT
    lines = base.mark_rule(color=color, opacity=0.3).encode(x=x, y=y, x2=alt.datum(0), y2=alt.datum(0))
    tips = base.mark_circle(color=color, opacity=0.8).encode(
        x=x,
        y=y,
        size=alt.Size("D:Q", scale=alt.Scale(domain=[0, 0.5], range=[14, 160], clamp=True), legend=None),
        tooltip=[
            alt.Tooltip("which:N", title=kind),
            alt.Tooltip("D:Q", title="dimensionality", format=".3g"),
            alt.Tooltip("norm:Q", title="length", format=".3g"),
        ],
    )
    return with_params((lines + tips).properties(width=SIDE, height=SIDE), params)


def dimensionalities(chosen: str, params: list[str]) -> Any:
    """Dimensionality by rank, but for vectors drawn at random, which have none."""
    chart = (
        alt.Chart(alt.NamedData("vectors"))
        .transform_filter(f"{chosen} && datum.rank > 0 && datum.D >= 0.0001")
        .mark_circle(size=22)
    )
    chart = chart.encode(
        x=alt.X("rank:Q", scale=alt.Scale(type="log", domain=[1, 100]), title="rank").axis(grid=False),
        y=alt.Y("D:Q", scale=alt.Scale(type="log", domain=[1e-4, 1], clamp=True), title="dimensionality").axis(
            values=[1, 0.1, 0.01, 1e-3, 1e-4], format="~g"
        ),
        color=alt.Color("kind:N", scale=COLORS, legend=alt.Legend(title=None, orient="bottom-left")),
        tooltip=[alt.Tooltip("kind:N"), alt.Tooltip("D:Q", format=".3g")],
    )
    return with_params(chart.properties(width=SIDE, height=SIDE), params)
