"""What is claimed of hidden and feature vectors over T: lengths, order, overlap, and what points hold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.claims import Finding, Part, claim, intervals, labelled, labelled_rows
from stages.claims.regimes import ENOUGH, FEW, MIDDLE, PAPER, PEAK, POLYGONS_END, complete, few, finite, many, peaks
from stages.core.tables import Tables

CIRCLE = (30, 200)  # where its points lie on a circle or at the origin
LEVEL = 1.5  # times, within which lengths stay level
OFF = 10  # points off the arms, at least
RARE = 0.01  # share of points off the arms, at most, where hidden vectors trace them


@claim(
    "P2",
    "few points: features look disordered",
    source="Figure 2, text",
    says="features are in no visible order where points are a polygon",
)
def disordered(tables: Tables, measure: Any) -> Finding:
    """How many feature vectors are of about one length."""
    alike = few(tables).groupby("data_seed").alike_W.mean()
    return Finding(
        [intervals.mean("largest share of about one length", alike, most=0.5)],
        {"by T": labelled(finite(tables).groupby("T").alike_W.mean(), "T")} if len(alike) else None,
        f"""Feature vectors longer than half of the longest: the largest share whose lengths are within 5 % of each
        other; a mean over T up to {FEW}. Shown: it grows where features are learned. Angles are not looked at.""",
    )


@claim(
    "P3",
    "more points: those on the circle have more than m / T each, the rest sit at the origin",
    source="Figure 3, middle",
    says="1.5 to 3 times m / T at T = 30 to 200",
    under=PAPER,
)
def circle(tables: Tables, measure: Any) -> Finding:
    """D_x of the points on the circle, and the share of points at the origin."""
    of = finite(tables)
    of = of[of["T"].between(*CIRCLE)]
    by_T = of.groupby("T")
    return Finding(
        [intervals.mean(f"D_x T / m on the circle, T = {T}", at.circle_ratio, least=1.5, most=3) for T, at in by_T]
        + [intervals.mean(f"share at the origin, T = {T}", at.at_origin, least=0.1) for T, at in by_T],
        labelled_rows(by_T[["circle_ratio", "at_origin"]].mean(), "T") if len(of) else None,
        f"""At every T from {CIRCLE[0]} to {CIRCLE[1]}; the range is read off the paper's figure. At the origin: |h|
        below a tenth of the longest. D_x sum to at most m, so points at the origin leave more to the others.""",
    )


@claim(
    "P5",
    "the five alone would have D_f = 2 / 5: the many others add up in the denominator",
    source="Figure 3, bottom",
    says="D_f .26-.29 and not .4",
    under=PAPER,
)
def denominators(tables: Tables, measure: Any) -> Finding:
    """D_f of the five features among themselves, and among all."""
    last = many(tables)
    last = last[last.features_learned == 5]
    return Finding(
        [
            intervals.mean("largest D_f", last.D_f_max, least=0.24, most=0.31),
            intervals.mean("mean D_f of the five among themselves", last.D_f_alone, least=0.39, most=0.41),
        ],
        {"of the five among themselves": sorted(last.D_f_alone)} if len(last) else None,
        """At the largest T, of training sets with five learned features. Without the others it is 2 / 5, as of any five
        vectors that share two dimensions evenly; its range was set after it had been seen.""",
    )


@claim(
    "P6",
    "many points: hidden vectors trace the pentagon's arms, as most hold none of its features or one",
    source="Figure 3, text on the bottom",
    says="most points hold none or one, so hidden vectors trace the pentagon",
    under=PAPER,
)
def traced(tables: Tables, measure: Any) -> Finding:
    """How many points are off the arms, and how many hold several learned features."""
    last = many(tables)
    last = last[last.features_learned == 5]
    return Finding(
        [
            intervals.mean("share of points off the arms", last.off_arm, most=RARE),
            intervals.mean("share with two or more", last.several, most=0.5),
        ],
        {"off the arms": sorted(last.off_arm)} if len(last) else None,
        f"""At the largest T, of training sets with five learned features; off the arms: at most {RARE:.0%}. |h| above a
        quarter of the longest, and more than 12 degrees away from every learned feature.""",
    )


@claim(
    "P6",
    "many points: those off the pentagon's arms hold two or more of its features",
    source="Figure 3, text on the bottom",
    says="most points hold none or one, so hidden vectors trace the pentagon",
    under=PAPER,
)
def arms(tables: Tables, measure: Any) -> Finding:
    """How many learned features the points off the arms hold, against all points."""
    last = many(tables)
    last = last[(last.features_learned > 0) & (last.off_arm * last["T"] >= OFF)]
    return Finding(
        [
            intervals.mean("share of those off the arms with two or more", last.off_arm_several, least=0.5),
            intervals.mean("above that of all points by", last.off_arm_several - last.several, least=0.1),
        ],
        {"share of points off the arms": sorted(last.off_arm), "of all points with two or more": sorted(last.several)}
        if len(last)
        else None,
        f"""At the largest T, of training sets with {OFF} such points or more. Off the arms: |h| above a quarter of the
        longest, and more than 12 degrees away from every learned feature.""",
    )


@claim(
    "P7",
    "the longest hidden and feature vectors are longest near T = 30, shrink fast in the middle, then stay level",
    source="text on Figure 4",
    says="lengths peak near T = 30, fall fast in the middle, then stay level",
)
def lengths(tables: Tables, measure: Any) -> Finding:
    """Where the longest vectors are longest, and how they shrink."""
    of = finite(tables)
    scaled = of.groupby("T").scaled.first()
    if not len(many(tables)) or of["T"].min() > FEW or not scaled.between(*MIDDLE).any():
        return Finding()
    tops: list[Part] = []
    hits: dict[str, pd.Series[bool]] = {}
    early, middle, large = scaled < MIDDLE[0], scaled.between(*MIDDLE), scaled > MIDDLE[1]
    for name, words in (("longest_h", "hidden vector"), ("longest_W", "feature vector")):
        over_T = complete(of, name, ENOUGH)
        late = over_T.loc[:, large[over_T.columns]]
        what = f"T where the longest {words} is longest"
        until = complete(of[of.scaled <= MIDDLE[1]], name)
        tops.append(intervals.ratio(what, peaks(until), least=PEAK[0], most=PEAK[1]))
        before, inside = over_T.loc[:, early[over_T.columns]], over_T.loc[:, middle[over_T.columns]]
        hits[f"whose longest {words} halves in the middle"] = inside.iloc[:, -1] < before.iloc[:, -1] / 2
        if late.shape[1] > 1:
            hits[f"whose longest {words} then stays"] = (late.max(axis=1) / late.min(axis=1)) < LEVEL
    parts = tops + [intervals.share(f"training sets {what}", hit, least=0.5) for what, hit in hits.items()]
    return Finding(
        parts if len(hits) == 4 or any(part.refutes >= len(parts) for part in parts) else [],
        {"longest": labelled_rows(of.groupby("T")[["longest_h", "longest_W"]].mean(), "T")},
        f"""Near: within a factor of two, a geometric mean over training sets, up to the middle regime. In it: from the
        last T before the paper's middle regime to the last in it. Stays: within a factor of {LEVEL} beyond it. Both of
        more than half of the training sets.""",
    )


def in_between(of: pd.DataFrame) -> pd.DataFrame:
    """Ranks of overlap and of the largest dimensionalities among training sets of one T, in the middle regime."""
    of = of[of.scaled.between(*MIDDLE)]
    of = of[of.groupby("T")["T"].transform("size") >= ENOUGH]
    ranks: pd.DataFrame = of.groupby("T")[["overlap", "D_x_max", "D_f_max"]].rank(pct=True)
    return ranks.assign(T=of["T"])


@claim(
    "P12",
    "in between, nearly orthogonal training sets are memorised, others generalise",
    source="text on Figure 3",
    says="some training sets lend themselves to memorising, others to generalising",
)
def lends_itself(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of how much a training set's points overlap with the dimensionalities it ends with."""
    ranks = in_between(finite(tables))
    centred, groups = ranks - ranks.groupby("T").transform("mean"), ranks["T"].nunique()
    with_x, with_f = "rank correlation of overlap with the largest D_x", "and with the largest D_f"
    return Finding(
        [
            intervals.correlation(with_x, centred.overlap, centred.D_x_max, groups=groups, most=0),
            intervals.correlation(with_f, centred.overlap, centred.D_f_max, groups=groups, least=0),
        ],
        {"training sets": labelled(ranks.groupby("T").size(), "T")} if len(ranks) else None,
        f"""In the paper's middle regime, ranks among the training sets of one T, where there are {ENOUGH} or more.
        Overlap: mean squared cosine of two training points.""",
    )


@claim(
    "H5",
    "D* shows the transition from points to features",
    source="Hobbhahn's comment",
    says="the transition shows in D* too",
)
def by_leverage(tables: Tables, measure: Any) -> Finding:
    """Median D* over its mean m / T, before the middle regime and for many points."""
    of = finite(tables)
    before = of[(of["T"] >= POLYGONS_END) & (of.scaled <= 1)].groupby("data_seed")
    return Finding(
        [
            intervals.mean("median D* T / m before the middle", before.D_star_ratio_median.mean(), least=0.9),
            intervals.mean("at the largest T", many(tables).D_star_ratio_median, most=0.5),
        ],
        {"median D* T / m": labelled(of.groupby("T").D_star_ratio_median.mean(), "T")} if len(of) else None,
        f"""Before: T from {POLYGONS_END} on, T (1 - S) up to 1. D* sum to m whatever the model stores; what tells is
        how they are spread: evenly over stored points, or over the few that hold a learned feature.""",
    )
