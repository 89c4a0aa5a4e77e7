"""The explorer and the film: what they show as Vega-Lite charts, and the data that they share.

Charts have parameters (T, reduction, data_seed; run, frame) that the page's controls set; every chart filters the one
set of rows by them. Vectors are drawn relative to the longest of their kind in the model, or in the film.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from stages.core import paths, tables
from stages.core.tables import Tables
from stages.experiments.style import FEATURE, POINT

EXPLORED = "reductions"  # the experiment that the explorer shows
FILMED = "history"
SIDE = 225
COLORS = alt.Scale(domain=["feature", "point"], range=[FEATURE, POINT])


class Charts(NamedTuple):
    """Charts by name, what each shows in words, the rows that they filter, and what the controls choose from."""

    specs: dict[str, dict[str, Any]]
    alts: dict[str, str]
    data: dict[str, dict[str, list[Any]]]  # table -> column -> values, or [value, how often]
    choices: dict[str, list[Any]]


def explorer(scale: str) -> Charts | None:
    """Features, hidden vectors, dimensionalities and test loss of one run; None where it has not been made."""
    found = _tables(scale, EXPLORED)
    if found is None:
        return None
    key = ["T", "reduction", "data_seed"]
    cells = found.cells
    cells = cells[cells.cell.isin(found.items.cell)].sort_values(["reduction", "data_seed", "T"])
    vectors = _relative(found.items, key)
    chosen = "datum.T == T && datum.reduction == reduction && datum.data_seed == data_seed"
    return Charts(
        _specs(
            {
                "features": _plane("feature", chosen, key),
                "points": _plane("point", chosen, key),
                "dimensionalities": _dimensionalities(chosen, key),
                "losses": _losses(key),
            }
        ),
        {
            "features": "Features, columns of W",
            "points": "Hidden vectors of points",
            "dimensionalities": "Dimensionality, largest first",
            "losses": "Test loss (dashed: output 0)",
        },
        {
            "vectors": _columns(vectors, [*key, "kind", "item", "D", "norm", "u", "v", "rank"], [*key, "kind"]),
            "losses": _columns(cells, [*key, "test_loss", "train_loss", "D_f_max", "D_x_max"], key),
        },
        {name: sorted(cells[name].unique().tolist()) for name in key},
    )


def film(scale: str) -> Charts | None:
    """Features and hidden vectors of a run on the way, beside its losses; None where it has not been made."""
    found = _tables(scale, FILMED)
    if found is None:
        return None
    vectors = found.items
    vectors = _relative(vectors[vectors.data_seed == vectors.data_seed.min()], ["T"])
    steps = {T: sorted(of.step.unique().tolist()) for T, of in vectors.groupby("T")}
    vectors["frame"] = [steps[T].index(step) for T, step in zip(vectors["T"], vectors.step, strict=True)]
    history = found.history
    history = history[history.data_seed == vectors.data_seed.min()]
    history = history.assign(at=history.step.clip(lower=1))  # on a log axis
    chosen = "datum.T == T && datum.frame == frame"
    most = max(len(of) for of in steps.values())
    return Charts(
        _specs(
            {
                "features": _plane("feature", chosen, ["T", "frame"]),
                "points": _plane("point", chosen, ["T", "frame"]),
                "losses": _training(),
            }
        ),
        {
            "features": "Features during training",
            "points": "Hidden vectors during training",
            "losses": "Train and test loss over steps",
        },
        {
            "vectors": _columns(vectors, ["T", "frame", "kind", "item", "D", "norm", "u", "v"], ["T", "frame", "kind"]),
            "losses": _columns(history, ["T", "step", "at", "train_loss", "test_loss"], ["T"]),
        },
        {"T": list(steps), "frame": list(range(most)), "step": list(steps.values())},
    )


def _tables(scale: str, experiment: str) -> Tables | None:
    folder = paths.tables(f"{scale}/{experiment}")
    return tables.read(folder) if folder.exists() else None


def _relative(vectors: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Vectors in the plane over the longest of their kind, as u and v, and their rank by D, 0 if drawn at random."""
    groups = vectors.groupby([*key, "kind"])
    longest = groups.norm.transform("max").clip(lower=1e-12)
    rank = groups.D.rank(ascending=False, method="first").astype(int).where(~vectors.sampled, 0)
    return vectors.assign(u=vectors.x / longest, v=vectors.y / longest, rank=rank)


def _columns(table: pd.DataFrame, names: list[str], few: list[str]) -> dict[str, list[Any]]:
    """Columns as lists, numbers to three digits, losses to five; those of `few` values as [value, how often]."""
    columns: dict[str, list[Any]] = {}
    for name in names:
        if name in few:
            columns[name] = [[value, len(list(run))] for value, run in itertools.groupby(table[name].tolist())]
        elif table[name].dtype.kind == "f":
            columns[name] = [float(f"{v:.{5 if 'loss' in name else 3}g}") for v in table[name]]
        else:
            columns[name] = table[name].tolist()
    return columns


def _specs(charts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    fitted = alt.AutoSizeParams(type="pad", resize=True)  # to axes whose labels change
    return {name: chart.properties(autosize=fitted).to_dict() for name, chart in charts.items()}


def _params(chart: Any, names: list[str]) -> Any:
    return chart.add_params(*(alt.param(name=name, value=0) for name in names))


def _plane(kind: str, chosen: str, params: list[str]) -> Any:
    """Arrows from the origin, and what each is on hovering."""
    base = alt.Chart(alt.NamedData("vectors")).transform_filter(f"datum.kind == '{kind}' && {chosen}")
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
            alt.Tooltip("item:Q", title=kind),
            alt.Tooltip("D:Q", title="dimensionality", format=".3g"),
            alt.Tooltip("norm:Q", title="length", format=".3g"),
        ],
    )
    return _params((lines + tips).properties(width=SIDE, height=SIDE), params)


def _dimensionalities(chosen: str, params: list[str]) -> Any:
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
        tooltip=[alt.Tooltip("kind:N"), alt.Tooltip("item:Q"), alt.Tooltip("D:Q", format=".3g")],
    )
    return _params(chart.properties(width=SIDE, height=SIDE), params)


def _losses(params: list[str]) -> Any:
    base = alt.Chart(alt.NamedData("losses")).transform_filter("datum.reduction == reduction")
    x = alt.X("T:Q", scale=alt.Scale(type="log", nice=False), title="training points T").axis(grid=False)
    y = alt.Y("test_loss:Q", scale=alt.Scale(type="log", nice=False), title="test loss").axis(format="~g")
    every = base.mark_line(color="#999", opacity=0.5).encode(x=x, y=y, detail="data_seed:N")
    own = base.transform_filter("datum.data_seed == data_seed")
    line = own.mark_line(color="#222").encode(x=x, y=y)
    here = own.transform_filter("datum.T == T")
    rule = here.mark_rule(color="#222", opacity=0.4).encode(x=x)
    spot = here.mark_circle(color="#222", size=70, opacity=1).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("T:Q"),
            alt.Tooltip("test_loss:Q", format=".5g"),
            alt.Tooltip("train_loss:Q", format=".4g"),
            alt.Tooltip("D_f_max:Q", format=".3g"),
            alt.Tooltip("D_x_max:Q", format=".3g"),
        ],
    )
    text = here.mark_text(dy=-12).encode(x=x, y=y, text=alt.Text("test_loss:Q", format=".4g"))
    zero = base.mark_rule(color="#999", strokeDash=[4, 3]).encode(y=alt.datum(1))
    room = {"left": 5, "right": 22, "top": 15, "bottom": 5}  # for the number at either end
    whole = zero + every + line + rule + spot + text
    return _params(whole.properties(width=SIDE, height=SIDE, padding=room), params)


def _training() -> Any:
    base = alt.Chart(alt.NamedData("losses")).transform_filter("datum.T == T")
    x = alt.X("at:Q", scale=alt.Scale(type="log", nice=False), title="step").axis(grid=False)
    lines = (
        base.transform_fold(["train_loss", "test_loss"], as_=["loss", "value"])
        .mark_line()
        .encode(
            x=x,
            y=alt.Y("value:Q", title="loss", scale=alt.Scale(zero=False)),
            color=alt.Color(
                "loss:N",
                scale=alt.Scale(domain=["train_loss", "test_loss"], range=["#999", "#222"]),
                legend=alt.Legend(title=None, orient="bottom-left"),
            ),
        )
    )
    now = base.transform_filter("datum.step == step").mark_rule(color="#222", opacity=0.5).encode(x=x)
    return _params((lines + now).properties(width=SIDE, height=SIDE), ["T", "frame", "step"])
