"""The explorer and the film: what they show as Vega-Lite charts, and the data that they share.

Vectors are drawn relative to the longest of their kind in the model, or in the film.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from stages.report.charts import SIDE, Charts, columns, dimensionalities, known, plane, relative, specs, with_params

EXPLORED = "reductions"  # the experiment that the explorer shows
AT_PAPER = "dataset_size"  # and the one of the paper's size for a mean, as it has more T; a sum is of EXPLORED
LISTED = 120  # features, and points, of a model: half of them those of largest D, half at random
KEY = ["T", "model", "data_seed"]
FILMED = "history"


def explorer(scale: str) -> Charts | None:
    """Features, hidden vectors, dimensionalities and test loss of a scale and of the paper's; None where neither is."""
    found = [part for of in ((scale, EXPLORED), ("paper", AT_PAPER), ("paper", EXPLORED)) if (part := _runs(*of))]
    if not found:
        return None
    shown, new = set[str](), []
    for part in found:  # of a model that two runs have, the first's
        new.append([of[~of.model.isin(shown)] for of in part])
        shown |= set(part[0].model)
    cells, vectors = (pd.concat(parts, ignore_index=True) for parts in zip(*new, strict=True))
    chosen = "datum.T == T && datum.model == model && datum.data_seed == data_seed"
    return Charts(
        specs(
            {
                "features": plane("feature", chosen, KEY),
                "points": plane("point", chosen, KEY),
                "dimensionalities": dimensionalities(chosen, KEY),
                "losses": _losses(KEY),
            }
        ),
        {
            "features": "Features, columns of W",
            "points": "Hidden vectors of points",
            "dimensionalities": "Dimensionality, largest first",
            "losses": "Test loss (dashed: output 0)",
        },
        {
            "vectors": columns(vectors, [*KEY, "kind", "item", "D", "norm", "u", "v", "rank"], [*KEY, "kind"]),
            "losses": columns(cells, [*KEY, "drawn", "test_loss", "train_loss", "D_f_max", "D_x_max"], [*KEY, "drawn"]),
        },
        {
            "model": list(dict.fromkeys(cells.model)),
            "data_seed": sorted(cells.data_seed[cells.drawn].unique().tolist()),
        },
    )


def _runs(scale: str, experiment: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Cells, and vectors of those whose vectors are all drawn; None where the run has not been made."""
    found = known(scale, experiment)
    if found is None:
        return None
    cells = found.cells[found.cells.selected & ~found.cells.fresh].sort_values(["reduction", "data_seed", "T"])
    words = {"mean": "averaged", "sum": "summed"}
    cells = cells.assign(
        model=[f"n = {n:,}, error {words[how]}" for n, how in zip(cells.n, cells.reduction, strict=True)],
        drawn=cells.cell.isin(found.items.cell[found.items.x.notna()]),
    )
    vectors = found.items.merge(cells.loc[cells.drawn, ["cell", "model"]], on="cell")
    return cells, relative(thinned(vectors, LISTED), KEY)


def thinned(vectors: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many features, and points, of each cell: half of them those of largest D, half of the others.

    Of a table that does not say which were drawn at random, those are that half, and items are -1 where it has none.
    """
    cell = [vectors.cell, vectors.kind]
    is_long = vectors.groupby(cell).D.transform("size") > most
    first = vectors.groupby(cell).D.rank(ascending=False, method="first") <= most / 2
    sampled = vectors.sampled.astype(bool) if vectors.sampled.notna().all() else is_long & ~first
    kept = ~is_long | (first & ~sampled) | (sampled & (sampled.groupby(cell).cumsum() <= most / 2))
    return vectors.assign(sampled=sampled, item=vectors["item"].fillna(-1).astype(int))[kept]


def film(scale: str) -> Charts | None:
    """Features and hidden vectors of a run on the way, beside its losses; None where it has not been made."""
    found = known(scale, FILMED)
    if found is None:
        return None
    vectors = found.items
    vectors = relative(vectors[vectors.data_seed == vectors.data_seed.min()], ["T"])
    steps = {T: sorted(of.step.unique().tolist()) for T, of in vectors.groupby("T")}
    vectors["frame"] = [steps[T].index(step) for T, step in zip(vectors["T"], vectors.step, strict=True)]
    history = found.history
    history = history[history.data_seed == vectors.data_seed.min()]
    history = history.assign(at=history.step.clip(lower=1))  # on a log axis
    chosen = "datum.T == T && datum.frame == frame"
    most = max(len(of) for of in steps.values())
    return Charts(
        specs(
            {
                "features": plane("feature", chosen, ["T", "frame"]),
                "points": plane("point", chosen, ["T", "frame"]),
                "losses": _training(),
            }
        ),
        {
            "features": "Features during training",
            "points": "Hidden vectors during training",
            "losses": "Train and test loss over steps",
        },
        {
            "vectors": columns(vectors, ["T", "frame", "kind", "item", "D", "norm", "u", "v"], ["T", "frame", "kind"]),
            "losses": columns(history, ["T", "step", "at", "train_loss", "test_loss"], ["T"]),
        },
        {"T": list(steps), "frame": list(range(most)), "step": list(steps.values())},
    )


def _losses(params: list[str]) -> Any:
    base = alt.Chart(alt.NamedData("losses")).transform_filter("datum.model == model")
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
            alt.Tooltip("test_loss:Q", title="test loss", format=".5g"),
            alt.Tooltip("train_loss:Q", format=".4g"),
            alt.Tooltip("D_f_max:Q", format=".3g"),
            alt.Tooltip("D_x_max:Q", format=".3g"),
        ],
    )
    text = here.mark_text(dy=-12).encode(x=x, y=y, text=alt.Text("test_loss:Q", format=".4g"))
    zero = base.mark_rule(color="#999", strokeDash=[4, 3]).encode(y=alt.datum(1))
    room = {"left": 5, "right": 22, "top": 15, "bottom": 5}  # for the number at either end
    whole = zero + every + line + rule + spot + text
    return with_params(whole.properties(width=SIDE, height=SIDE, padding=room), params)


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
                legend=alt.Legend(title=None, orient="bottom-left", labelExpr="replace(datum.label, '_', ' ')"),
            ),
        )
    )
    now = base.transform_filter("datum.step == step").mark_rule(color="#222", opacity=0.5).encode(x=x)
    return with_params((lines + now).properties(width=SIDE, height=SIDE), ["T", "frame", "step"])
