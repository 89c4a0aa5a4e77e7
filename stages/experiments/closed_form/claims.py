"""T-gons of points and F-gons of features: what training made of them, against what theory says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals, labelled, labelled_rows
from stages.core.sparse import values
from stages.core.tables import Tables
from stages.statistics.polygon import FeaturePolygon, feature_polygon, polygon

TOLERANCE = 0.02  # of radius and norms
FEW = 10  # up to here the paper's decay leaves the exact T-gon as it is
STORED = 1e-3  # train loss, at most, of points that are stored exactly (1: output 0)
MANY = 30  # points that "any number" takes at least: the last of the paper's Figure 2
GAIN_TOLERANCE = 0.05  # of the gain of features
ALONE = 0.1  # share of the norm of W that all other features have, at most, where a polygon stands alone


def of_points(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained runs on points, with their deviations from the exact T-gon: relative, of radius and norms."""
    of = cells[(cells.status == "trained") & (cells.init == "point_polygon")]
    law = {T: polygon(T) for T in of["T"].unique()}
    exact = {name: of["T"].map(lambda T, name=name: getattr(law[T], name)) for name in ("radius", "norm_W", "norm_b")}
    return of.assign(
        radius_off=of.radius / exact["radius"] - 1,
        norm_W_off=of.norm_W_span / exact["norm_W"] - 1,
        norm_b_off=of.norm_b_span / exact["norm_b"].where(of["T"] != 4) - 1,  # T = 4 needs none
    )


def of_features(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained runs that start from a polygon of features, with `gain`, what they gain over a constant output."""
    of = cells[(cells.status == "trained") & (cells.init == "feature_polygon")]
    return of.assign(gain=of.constant_loss - of.test_loss)


@cache
def law(F: int, n: int, S: float, *, bias: bool = True) -> FeaturePolygon:
    """The law for the values that features have in points of this n and S."""
    return feature_polygon(F, n, values(n, S, 20_000, seed=0), bias=bias)


def reach(of: pd.DataFrame, decay: float) -> dict[float, int]:
    """For each size at the start, relative to the exact polygon, the largest T up to which all end within 5 % of it."""
    found = {}
    for scale, runs in of[of.weight_decay == decay].groupby("init_scale"):
        arrived = (runs.regular.eq(True) & runs.radius_off.abs().lt(0.05)).groupby(runs["T"]).all().sort_index()
        until = arrived[arrived.cumprod().astype(bool)].index
        found[float(str(scale))] = int(until.max()) if len(until) else 0
    return found


def kept(features: pd.DataFrame) -> pd.DataFrame:
    """The runs that end in a regular polygon of as many features as they started from, and of no others."""
    same = features.regular.eq(True) & (features.features_learned == features.corners)
    chosen: pd.DataFrame = features[same & (features.norm_others < ALONE)]
    return chosen


def arrivals(points: pd.DataFrame) -> pd.DataFrame:
    """Runs that start smaller: how far a bias has `to_move`, the `sum` of the learning rates, whether they `arrive`."""
    of = points[(points.init_scale < 1) & (points.weight_decay == _usual(points))]
    return of.assign(
        to_move=of.b_exact * (1 - of.init_scale**2),
        sum=of.lr * of.steps / 2,  # warm-up and cosine both average a half
        arrive=of.regular.eq(True) & (of.radius_off.abs() < 0.05),
    )


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """How many corners the polygon of features has that gains most."""
    gain = kept(of_features(tables.cells)).groupby("corners").gain.mean()
    return {"best_polygon": int(str(gain.idxmax()))} if len(gain) else {}


def _usual(points: pd.DataFrame) -> float:
    """The paper's decay, where the grid has it; else the least."""
    decays = sorted(points.weight_decay.unique())
    return 1e-2 if 1e-2 in decays or not decays else decays[0]


@claim(
    "P15",
    "a T-gon can store any number of orthonormal points",
    source="the paper's text on Figure 2",
    says="any number, in two hidden dimensions",
)
def stores_any_number(tables: Tables, measure: Any) -> Finding:
    """The largest train loss over T that training without decay leaves of the exact T-gon."""
    points = of_points(tables.cells)
    exact = points[(points.init_scale == 1) & (points.weight_decay == 0)]
    if exact["T"].max() < MANY or not len(exact):
        return Finding()
    T = exact["T"].max()
    far = {f"from {scale:g} of it": until for scale, until in reach(points, _usual(points)).items()}
    return Finding(
        [intervals.mean(f"largest train loss up to T = {T}", exact.groupby("data_seed").train_loss.max(), most=STORED)],
        {"train loss": labelled(exact.groupby("T").train_loss.mean(), "T"), "largest T that AdamW reaches": far},
        """Trained without weight decay from the exact T-gon; output 0 has a loss of 1. Shown: up to which T training at
        the paper's decay arrives there from smaller ones.""",
    )


@claim(
    "L3",
    f"training that starts from the exact T-gon keeps it, up to T = {FEW}",
    source="stages/statistics/polygon.py",
    says=f"radius and norms within {TOLERANCE:.0%}",
)
def keeps(tables: Tables, measure: Any) -> Finding:
    """The largest deviations over T, a training set each."""
    points = of_points(tables.cells)
    exact = points[points.init_scale == 1]
    off = exact[["radius_off", "norm_W_off", "norm_b_off"]].abs().set_axis(["radius", "norm of W", "norm of b"], axis=1)
    few = (exact["T"] <= FEW) & (exact.weight_decay == _usual(points))
    worst = off[few].groupby(exact.data_seed[few]).max()
    by_T = off.max(axis=1).groupby([exact.weight_decay, exact["T"]]).max()
    return Finding(
        [intervals.mean(str(name), worst[name], most=TOLERANCE) for name in worst]
        if exact["T"][few].nunique() > 1
        else [],
        {"largest of these": labelled(by_T, "decay", "T")} if len(by_T) else None,
        f"""Largest relative deviation up to T = {FEW}, at the paper's decay. Decay pulls the polygon in, and the larger
        T, the less is lost by being smaller; without decay all T are kept.""",
    )


@claim(
    "L4",
    "AdamW reaches a T-gon if its bias has less far to go than the learning rates sum to, else not",
    source="the exact T-gon's largest entry of b: about 25 at T = 31",
    says="reached up to there, not beyond",
)
def reaches(tables: Tables, measure: Any) -> Finding:
    """Shares of runs from smaller polygons that arrive, on both sides of what the rates sum to."""
    points = of_points(tables.cells)
    runs = arrivals(points)
    near = runs.to_move < runs["sum"]
    close, distant = (runs.arrive[side].groupby(runs.data_seed[side]).mean() for side in (near, ~near))
    if not (len(close) and len(distant)):
        return Finding()
    return Finding(
        [
            intervals.share("training sets where 90 % arrive that need less", close >= 0.9, least=0.5),
            intervals.share("training sets where 10 % arrive that need more", distant <= 0.1, least=0.5),
        ],
        {"share that arrives, needing less": float(close.mean()), "needing more": float(distant.mean())},
        """Runs from smaller polygons at the paper's decay; arriving is to end regular, within 5 % of the exact radius.
        What stops many of them earlier is that points are dropped on the way.""",
    )


@claim(
    "L5",
    "F-gons of features that last gain what the law with a bias says",
    source="stages/statistics/polygon.py",
    says=f"within {GAIN_TOLERANCE:.0%}",
)
def gains(tables: Tables, measure: Any) -> Finding:
    """The largest deviation over F, a training set each."""
    features = of_features(tables.cells)
    of = kept(features)
    laws = [law(F, n, S).gain for F, n, S in zip(of.corners, of.n, of.S, strict=True)]
    ratio = of.gain / pd.Series(laws, index=of.index, dtype=float)
    counts = pd.DataFrame({"kept": of.groupby("corners").size(), "of": features.groupby("corners").size()}).fillna(0)
    off = (ratio - 1).abs().groupby(of.data_seed).max()
    return Finding(
        [intervals.mean("largest deviation of the gain from the law's", off, most=GAIN_TOLERANCE)] if len(off) else [],
        {"gain over the law's": labelled(ratio.groupby(of.corners).mean(), "F")} | labelled_rows(counts, "F")
        if len(of)
        else None,
        """Gain over the best constant output, relative to the law's; runs that end in the regular polygon they started
        from, and nothing else. The law leaves out all other features.""",
    )


@claim(
    "L6",
    "of polygons of features that stand alone the pentagon gains most",
    source="the law at b = 0: it beats the square by 1.1 % (at unit norm)",
    says="gains 3, 4, 4.045, 3 for F = 3 to 6",
)
def pentagon(tables: Tables, measure: Any) -> Finding:
    """The pentagon's gain less the best other polygon's, a training set each."""
    features = of_features(tables.cells)
    gain = 1000 * kept(features).pivot_table(index="data_seed", columns="corners", values="gain")
    if not {5, 6} <= set(gain.columns):
        return Finding()
    gain = gain[gain[[5, 6]].notna().all(axis=1)]
    crowded = features[(features.norm_others >= ALONE) & (features.features_learned > 0)]
    laws = [law(int(F), int(features.n.iloc[0]), float(features.S.iloc[0])).gain for F in gain.columns]
    plain = [law(int(F), int(features.n.iloc[0]), float(features.S.iloc[0]), bias=False).gain for F in gain.columns]
    shown = pd.DataFrame({"gain": gain.mean()}).assign(law=laws, bare=plain) * [1, 1000, 1000]
    return Finding(
        [
            intervals.mean(
                "1,000 x gain less that of the best other", gain[5] - gain.drop(columns=5).max(axis=1), least=0
            )
        ],
        labelled_rows(shown.rename(columns={"bare": "law, b = 0"}), "F")
        | {"not alone": labelled(1000 * crowded.groupby("features_learned").gain.mean(), "F")},
        """Gains over the best constant output, of runs that kept their polygon, times 1,000. A negative bias hides the
        neighbours, so that six gain more. Not alone: other features hold more than a tenth of the norm of W.""",
    )
