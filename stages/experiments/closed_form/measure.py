"""T-gons of points and F-gons of features: what training makes of them, against what theory says."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Claim, Summary, labelled
from stages.params import Measure
from stages.tables import Column
from stages.toy.data import Points, stream
from stages.toy.dimensionality import dimensionality
from stages.toy.model import Model
from stages.toy.polygon import FeaturePolygon, feature_polygon, is_regular, norms_in_span, polygon

COLUMNS = {
    "regular": Column(
        bool, "the hidden vectors (or the learned features) form a regular polygon within measure.regular"
    ),
    "radius": Column(float, "mean length of the hidden vectors (or of the learned features' columns)"),
    "bias": Column(float, "mean entry of b at the learned features, where points are fresh"),
    "norm_W_span": Column(float, "Frobenius norm of W within the span of the points, where they are orthonormal"),
    "norm_b_span": Column(float, "norm of b within the span of the points, where they are orthonormal"),
    "b_largest": Column(float, "largest entry of b, in absolute value"),
}
TOLERANCE = 0.02  # of radius and norms
GAIN_TOLERANCE = 0.05  # of the gain of features
REACH = (20, 45)  # a factor of about 1.5 around T = 31


def cell(model: Model, points: Points, measure: Measure) -> dict[str, Any]:
    """This experiment's own columns for one trained cell."""
    columns: dict[str, Any] = {"b_largest": np.abs(model.b).max()}
    if len(np.unique(points.feature)) == len(points.feature):  # disjoint supports
        h = model.hidden(points)
        norm_W, norm_b = norms_in_span(model.W, model.b, points)
        return columns | {
            "regular": is_regular(h, measure.regular),
            "radius": np.linalg.norm(h, axis=1).mean(),
            "norm_W_span": norm_W,
            "norm_b_span": norm_b,
        }
    learned = dimensionality(model.W.T) > measure.learned
    vectors = model.W.T[learned].astype(np.float64)
    if not len(vectors):
        return columns
    return columns | {
        "regular": len(vectors) > 2 and is_regular(vectors, measure.regular),
        "radius": np.linalg.norm(vectors, axis=1).mean(),
        "bias": model.b[learned].mean(),
    }


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
    values = np.concatenate([points.value for points in stream(n, S, 20_000, seed=0)])
    return feature_polygon(F, n, values, bias=bias)


def reach(of: pd.DataFrame, decay: float) -> dict[float, int]:
    """For each size at the start, relative to the exact polygon, the largest T up to which all end within 5 % of it."""
    found = {}
    for scale, runs in of[of.weight_decay == decay].groupby("init_scale"):
        arrived = (runs.regular.eq(True) & runs.radius_off.abs().lt(0.05)).groupby(runs["T"]).all().sort_index()
        until = arrived[arrived.cumprod().astype(bool)].index
        found[float(str(scale))] = int(until.max()) if len(until) else 0
    return found


def summary(cells: pd.DataFrame, measure: Measure) -> Summary:
    """Whether exact solutions are kept, from how far they are reached, and which polygon of features is best."""
    points, features = of_points(cells), of_features(cells)
    claims = [_kept(points), _reach(points), _gains(features), _pentagon(features)]
    headline: dict[str, float | int] = {}
    if len(kept(features)):
        headline["best_polygon"] = int(str(kept(features).groupby("corners").gain.mean().idxmax()))
    return Summary(headline, claims)


def kept(features: pd.DataFrame) -> pd.DataFrame:
    """The runs that end in a regular polygon of as many features as they started from."""
    chosen: pd.DataFrame = features[features.regular.eq(True) & (features.features_learned == features.corners)]
    return chosen


def _usual(points: pd.DataFrame) -> float:
    """The paper's decay, where the grid has it; else the least."""
    decays = sorted(points.weight_decay.unique())
    return 1e-2 if 1e-2 in decays else decays[0]


def _kept(points: pd.DataFrame) -> Claim:
    measured, spread, holds = None, None, None
    if len(points):
        off = ["radius_off", "norm_W_off", "norm_b_off"]
        start = points[(points.init_scale == 1) & (points.weight_decay == _usual(points))].set_index("T")
        worst = start[off].abs().max(axis=1)
        within = worst[worst <= TOLERANCE]
        measured = labelled(worst, "T")
        spread = {
            f"decay={decay:g}": {f"T={T}": row[off].tolist() for T, row in of.set_index("T").iterrows()}
            for decay, of in points[points.init_scale == 1].groupby("weight_decay")
        }
        holds = bool((worst[worst.index <= 10] <= TOLERANCE).all()) if len(within) and worst.index.max() >= 10 else None
    return Claim(
        "training that starts from the exact T-gon keeps it",
        "derived: stages/toy/polygon.py",
        f"radius and norms within {TOLERANCE:.0%}, up to T = 10 at least",
        measured,
        spread,
        holds,
        "largest relative deviation of radius and of the norms of W and b, at the paper's decay. Beyond some T weight "
        "decay pulls the polygon in faster than the error, which falls with the square of the bias missing, holds it; "
        "spread: radius, norms of W and b at each decay",
    )


def _reach(points: pd.DataFrame) -> Claim:
    found = reach(points, _usual(points)) if len(points) else {}
    halfway = {scale: T for scale, T in found.items() if scale < 1}
    first = halfway[min(halfway)] if halfway else None
    whole = len(points) > 0 and points["T"].max() > REACH[1]
    return Claim(
        "AdamW's reach ends near T = 31, where the bias needed passes the sum of the learning rates",
        "derived: largest entry of b about 25",
        "T about 31",
        {f"from {scale:g} of it": f"T <= {T}" for scale, T in found.items()} or None,
        None,
        REACH[0] <= first <= REACH[1] if first is not None and whole else None,
        "largest T up to which runs end as a regular polygon within 5 % of the exact radius, by how large it is at the "
        "start (its output is the square of that); holds if from the smallest start it lies within a factor of 1.5. "
        "Reach ends earlier than the schedule's sum: every entry moves by about the learning rate, whatever it needs, "
        "and points drop out before the others make room",
    )


def _gains(features: pd.DataFrame) -> Claim:
    of = kept(features)
    laws = [law(F, n, S).gain for F, n, S in zip(of.corners, of.n, of.S, strict=True)]
    ratio = (of.gain / pd.Series(laws, index=of.index, dtype=float)).set_axis(of.corners)
    return Claim(
        "F-gons of features gain what the law with a bias says",
        "derived: stages/toy/polygon.py",
        f"within {GAIN_TOLERANCE:.0%}",
        labelled(ratio.groupby(level=0).mean(), "F") or None,
        {
            f"F={F}": {"kept": int((of.corners == F).sum()), "of": int((features.corners == F).sum())}
            for F in sorted(features.corners.unique())
        },
        bool(ratio.sub(1).abs().le(GAIN_TOLERANCE).all()) if len(ratio) else None,
        "gain over the best constant output, over the law's; runs that end in the regular polygon they started from "
        "(spread: how many). The law leaves out all other features",
    )


def _pentagon(features: pd.DataFrame) -> Claim:
    mean = kept(features).groupby("corners").gain.mean()
    others = features[~features.cell.isin(kept(features).cell)].sort_values("gain")
    n, S = (features[name].iloc[0] if len(features) else 0 for name in ("n", "S"))
    both = {5, 6} <= set(mean.index)
    spread = {
        f"F={F}": {
            "law, b = 0": 1000 * law(int(F), int(n), float(S), bias=False).gain,
            "law": 1000 * law(int(F), int(n), float(S)).gain,
        }
        for F in sorted(features.corners.unique())
    }
    return Claim(
        "the pentagon is the best polygon of features",
        "derived at b = 0: it beats the square by 1.1 % (at unit norm)",
        "gains 3, 4, 4.045, 3 for F = 3 to 6",
        labelled(1000 * mean, "F")
        | ({f"other shape of {others.features_learned.iloc[-1]}": 1000 * others.gain.iloc[-1]} if len(others) else {})
        if both
        else None,
        spread or None,
        int(str(mean.idxmax())) == 5 if both else None,
        "a thousand times the gain over the best constant output, of runs that kept their polygon; spread: the law's. "
        "With a negative bias, which hides the neighbours, the hexagon gains more. Random weights do not lead there, "
        "but to five features and many small ones beside them, as starts from three or four do (other shape): no "
        "regular polygon, and it gains as much or more",
    )
