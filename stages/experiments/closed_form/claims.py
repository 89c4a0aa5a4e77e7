"""T-gons of points and F-gons of features: what training made of them, against what theory says."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from stages.core.claims import Claim, Summary, labelled
from stages.core.sparse import values
from stages.core.tables import Tables
from stages.statistics.polygon import FeaturePolygon, feature_polygon, polygon

TOLERANCE = 0.02  # of radius and norms
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


def summary(tables: Tables, measure: Any) -> Summary:
    """Whether exact solutions are kept, from how far they are reached, and which polygon of features is best."""
    points, features = of_points(tables.cells), of_features(tables.cells)
    claims = [_kept(points), _reach(points), _gains(features), _pentagon(features)]
    headline: dict[str, float | int] = {}
    if len(kept(features)):
        headline["best_polygon"] = int(str(kept(features).groupby("corners").gain.mean().idxmax()))
    return Summary(headline, claims)


def kept(features: pd.DataFrame) -> pd.DataFrame:
    """The runs that end in a regular polygon of as many features as they started from, and of no others."""
    same = features.regular.eq(True) & (features.features_learned == features.corners)
    chosen: pd.DataFrame = features[same & (features.norm_others < ALONE)]
    return chosen


def _usual(points: pd.DataFrame) -> float:
    """The paper's decay, where the grid has it; else the least."""
    decays = sorted(points.weight_decay.unique())
    return 1e-2 if 1e-2 in decays else decays[0]


def _kept(points: pd.DataFrame) -> Claim:
    off = ["radius_off", "norm_W_off", "norm_b_off"]
    exact = points[points.init_scale == 1]
    worst = exact.assign(worst=exact[off].abs().max(axis=1)).groupby(["weight_decay", "T"]).worst.max()
    usual = worst.loc[_usual(points)] if len(worst) else pd.Series(dtype=float)
    few = usual[usual.index <= 10]
    return Claim(
        "training that starts from the exact T-gon keeps it, up to T = 10",
        "derived: stages/statistics/polygon.py",
        f"radius and norms within {TOLERANCE:.0%}",
        labelled(usual, "T") or None,
        labelled(worst, "decay", "T"),
        bool((few <= TOLERANCE).all()) if len(few) > 1 else None,
        "largest relative deviation of radius and of the norms of W and b, at the paper's decay (spread: at each). "
        "Weight decay pulls the polygon in, and the larger T, the less is lost by being smaller; without decay all T "
        "are kept",
    )


def arrivals(points: pd.DataFrame) -> pd.DataFrame:
    """Runs that start smaller: how far a bias has `to_move`, the `sum` of the learning rates, whether they `arrive`."""
    of = points[(points.init_scale < 1) & (points.weight_decay == _usual(points))]
    return of.assign(
        to_move=of.b_exact * (1 - of.init_scale**2),
        sum=of.lr * of.steps / 2,  # warm-up and cosine both average a half
        arrive=of.regular.eq(True) & (of.radius_off.abs() < 0.05),
    )


def _reach(points: pd.DataFrame) -> Claim:
    found = reach(points, _usual(points)) if len(points) else {}
    runs = arrivals(points) if len(points) else points.assign(to_move=[], sum=[], arrive=[])
    near = runs.to_move < runs["sum"]
    shares = {
        "needs less": float(runs.arrive[near].mean()) if near.any() else None,
        "needs more": float(runs.arrive[~near].mean()) if (~near).any() else None,
    }
    known = None not in shares.values()
    return Claim(
        "AdamW reaches a T-gon if its bias has less far to go than the learning rates sum to (T about 31)",
        "derived: largest entry of b about 25 at T = 31",
        "reached up to there, not beyond",
        shares if known else None,
        {f"from {scale:g} of it": f"T <= {T}" for scale, T in found.items()},
        bool(runs.arrive[near].mean() >= 0.9 and runs.arrive[~near].mean() <= 0.1) if known else None,
        "share of the runs from smaller polygons that end within 5 % of the exact radius, by how far the largest entry "
        "of the bias has to move; holds if .9 and more, and .1 and less. Spread: the largest T up to which all arrive. "
        "What stops them earlier is that points are dropped on the way",
    )


def _gains(features: pd.DataFrame) -> Claim:
    of = kept(features)
    laws = [law(F, n, S).gain for F, n, S in zip(of.corners, of.n, of.S, strict=True)]
    ratio = (of.gain / pd.Series(laws, index=of.index, dtype=float)).set_axis(of.corners)
    return Claim(
        "F-gons of features that last gain what the law with a bias says",
        "derived: stages/statistics/polygon.py",
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
    """Of polygons that stand alone; others, which have small features beside them, are shown with them."""
    mean = kept(features).groupby("corners").gain.mean()
    crowded = features[(features.norm_others >= ALONE) & (features.features_learned > 0)]
    by_learned = crowded.groupby("features_learned").gain.mean()
    n, S = (features[name].iloc[0] if len(features) else 0 for name in ("n", "S"))
    both = {5, 6} <= set(mean.index)
    laws = {
        f"F={F}": {
            "law, b = 0": 1000 * law(int(F), int(n), float(S), bias=False).gain,
            "law": 1000 * law(int(F), int(n), float(S)).gain,
        }
        for F in sorted(features.corners.unique())
    }
    return Claim(
        "of polygons of features that stand alone the pentagon gains most",
        "derived at b = 0: it beats the square by 1.1 % (at unit norm)",
        "gains 3, 4, 4.045, 3 for F = 3 to 6",
        labelled(1000 * mean, "F") | labelled(1000 * by_learned, "not alone, F") if both else None,
        laws or None,
        int(str(mean.idxmax())) == 5 if both else None,
        "a thousand times the gain over the best constant output, of runs that kept their polygon; spread: the law's. "
        "With a negative bias, which hides the neighbours, six gain more. Not alone: many small features stand beside "
        "those that are learned, together more than a tenth of the norm of W",
    )
