"""From how many copies on a point is memorised, and what it does to the features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.claims import Finding, claim, intervals, labelled, labelled_rows, question
from stages.claims.regimes import SUM
from stages.core.tables import Tables

TESTS = {"repeated_top": "top .1 % of D_x", "repeated_recalled": "recalled"}
BOUNDARY = 0.4  # Jermyn's: memorised from R = BOUNDARY T / n
LARGE, LOW = 10, 2  # T / n from which that is asked (at 3 his own 2 copies, above 1.2, change nothing), and for more
RIGHT = 0.9  # share of runs on the side of the boundary where they should be
FAR = 2  # T / n from which there are five features without copies
SOMETIMES = 0.01  # of the training sets, at least
SOURCE = "Jermyn's comment on repeated points"
AT = f"{SOURCE}, T = 30,000 of n = 10,000"


def mapped(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells of the T x R map: one repeated point."""
    chosen: pd.DataFrame = cells[cells.selected & (cells.repeated == 1)]
    return chosen


def watched(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells that were watched."""
    chosen: pd.DataFrame = cells[cells.selected & (cells.snapshots > 0)]
    return chosen


def at_three(cells: pd.DataFrame) -> pd.DataFrame:
    """What became of one point with R copies at T = 3 n: a row each training set and R."""
    one = cells[cells.selected & (cells.repeated == 1) & (cells["T"] / cells.n).between(2.5, 3.5)]
    return one.groupby(["data_seed", "copies"])[["repeated_recalled", "features_learned"]].mean().reset_index()


def several(cells: pd.DataFrame) -> pd.DataFrame:
    """The trained cells with several repeated points, and how many of them are recalled."""
    of = cells[cells.selected & (cells.repeated > 1)]
    return of.assign(recalled=(of.repeated_recalled * of.repeated).round())


def agreement(runs: pd.DataFrame, test: str, boundaries: Any = BOUNDARY) -> NDArray[np.float64]:
    """How many runs of a point that is there twice or more are on the side of R = boundary T / n they should be on.

    The mean of the shares above and below it, so that neither side counts for more; not a number where one is empty.
    """
    of = runs[runs.copies > 1]
    above = of.copies.to_numpy() > np.multiply.outer(boundaries, (of["T"] / of.n).to_numpy())  # last axis: runs
    memorised = of[test].to_numpy(dtype=float) > 0.5
    with np.errstate(invalid="ignore"):
        sides = (above & memorised).sum(-1) / above.sum(-1), (~above & ~memorised).sum(-1) / (~above).sum(-1)
    return np.asarray((sides[0] + sides[1]) / 2, dtype=float)


def best_boundary(runs: pd.DataFrame, test: str) -> float | None:
    """The c whose R = c T / n has the highest `agreement` (the middle, in logarithms); None if all runs are alike."""
    if runs[runs.copies > 1][test].gt(0.5).nunique() < 2:
        return None
    candidates = np.geomspace(0.02, 50, 400)
    shares = np.nan_to_num(agreement(runs, test, candidates))
    return float(np.exp(np.log(candidates[shares == shares.max()]).mean()))


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """The best boundary, if there is one."""
    best = best_boundary(mapped(tables.cells), "repeated_recalled")
    return {"boundary_recalled": best} if best else {}


@claim(
    "J8", "at T = 3 n two or three copies of a point change nothing", source=AT, says="2-3 change nothing", under=SUM
)
def few(tables: Tables, measure: Any) -> Finding:
    """Whether such a point is recalled, and whether there are as many features as without copies."""
    of = at_three(tables.cells)
    least, one = of[of.copies.isin([2, 3])].groupby("data_seed"), of[of.copies == 1].set_index("data_seed")
    hits = {"where it is not recalled": least.repeated_recalled.max() < 0.5}
    if len(one):
        mean = least.features_learned.mean()
        hits["with as many features as at R = 1"] = (mean - one.features_learned).reindex(mean.index).dropna() == 0
    parts = [intervals.share(f"training sets {what}", hit, least=0.5) for what, hit in hits.items() if len(least)]
    return Finding(
        parts,
        {"recalled": labelled(of.groupby("copies").repeated_recalled.mean(), "R")} if parts else None,
        "Recalled: error below half of that of output 0. More than half of the training sets. Shown: share recalled.",
    )


@claim(
    "J9",
    "at T = 3 n five copies of a point are embedded beside four features",
    source=AT,
    says="fifth is suppressed",
    under=SUM,
)
def five(tables: Tables, measure: Any) -> Finding:
    """Whether such a point is recalled, and whether there are four features."""
    of = at_three(tables.cells)
    of = of[of.copies == 5]
    hits = {
        "where it is recalled": of.repeated_recalled > 0.5,
        "with four features": of.features_learned == 4,
    }
    return Finding(
        [intervals.share(f"training sets {what}", hit, least=0.5) for what, hit in hits.items()],
        {"features learned": sorted(of.features_learned)} if len(of) else None,
        "Recalled: error below half of that of output 0. More than half of the training sets.",
    )


@claim("J9", "a memorised point takes the place of one feature", source=SOURCE, says="suppresses the fifth", under=SUM)
def suppresses(tables: Tables, measure: Any) -> Finding:
    """Features beside a recalled point against those at R = 1, at each T."""
    runs = mapped(tables.cells)
    far = runs[runs["T"] / runs.n >= FAR]
    stored, without = far[far.repeated_recalled > 0.5], far[(far.copies == 1) & (far.repeated_recalled < 0.5)]
    by = ["T", "data_seed"]
    both = pd.concat(
        [of.groupby(by).features_learned.mean() for of in (stored[stored.copies > 1], without)],
        axis=1,
        keys=["beside it", "without"],
    ).dropna()
    fewer = (both.without - both["beside it"]).groupby("data_seed").mean()
    return Finding(
        [intervals.share("training sets with about one fewer", fewer.between(0.5, 1.5), least=0.5)],
        {"features fewer": sorted(fewer), "features": labelled_rows(both.groupby("T").mean(), "T")}
        if len(both)
        else None,
        f"""Features where the point is there once, less those where it is recalled; at each T from {FAR} n on, then
        their mean over T. Between 0.5 and 1.5, in more than half of the training sets.""",
    )


@claim(
    "J10",
    "each of up to five repeated points takes a feature's place",
    source=SOURCE,
    says="each takes a place",
    under=SUM,
)
def each(tables: Tables, measure: Any) -> Finding:
    """Whether all of two to five repeated points are recalled, with so many features fewer than five."""
    of = several(tables.cells)
    of = of[of.repeated <= 5]
    return _embedded(
        of, "where all are recalled", of.repeated, "with as many features fewer than five", 5 - of.repeated
    )


@claim(
    "J10",
    "of more than five repeated points five are embedded, and no feature",
    source=SOURCE,
    says="five are embedded, all features suppressed",
    under=SUM,
)
def many(tables: Tables, measure: Any) -> Finding:
    """Whether five of six or more repeated points are recalled, without a feature."""
    of = several(tables.cells)
    return _embedded(of[of.repeated > 5], "where five are recalled", 5, "without a feature", 0)


def _embedded(of: pd.DataFrame, first: str, points: Any, second: str, features: Any) -> Finding:
    """Whether so many points are recalled, and so many features learned: in every such run of a training set."""
    hits = pd.DataFrame({first: of.recalled == points, second: of.features_learned == features})
    by_set = hits.groupby(of.data_seed).all()
    return Finding(
        [intervals.share(f"training sets {what}", by_set[what], least=0.5) for what in (first, second)],
        {"recalled": sorted(of.recalled), "features": sorted(of.features_learned)} if len(of) else None,
        "Recalled: error below half of that of output 0. More than half of the training sets.",
    )


@claim(
    "J11",
    "at larger T / n a point is memorised from R = 0.4 T / n copies on",
    source=SOURCE,
    says="derived from gradients; agrees by eye",
    under=SUM,
)
def boundary(tables: Tables, measure: Any) -> Finding:
    """Training sets whose runs are on their sides of the boundary, by either test."""
    runs = mapped(tables.cells)
    of = runs[runs["T"] / runs.n >= LARGE]
    sides = {
        test: pd.Series({seed: float(agreement(part, test)) for seed, part in of.groupby("data_seed")}, dtype=float)
        for test in TESTS
    }
    parts = [
        intervals.share(f"training sets on their side ({words})", sides[test].dropna() >= RIGHT, least=0.5)
        for test, words in TESTS.items()
    ]
    shown = {
        f"{words}, R at T = {T:,}": labelled(part.groupby("copies")[test].mean(), "R")
        for test, words in TESTS.items()
        for T, part in of.groupby("T")
    }
    return Finding(
        parts,
        {f"on their side, {words}": sorted(sides[test].dropna()) for test, words in TESTS.items()} | shown
        if len(of)
        else None,
        f"""T of {LARGE} n and more, R of 2 and more; at T = 3 n the boundary is elsewhere, as his own example says. On
        their side: at least {RIGHT:.0%} of a training set's runs, the mean of the shares above and below the boundary;
        in more than half of the training sets. Memorised: D_x among the highest .1 % (Jermyn's test), or error below
        half of that of output 0.""",
    )


@claim("J11", "at low T / n more than T / n copies are needed", source=SOURCE, says="more than T / n copies", under=SUM)
def low(tables: Tables, measure: Any) -> Finding:
    """Training sets in which no point with T / n copies or fewer is memorised, by either test."""
    runs = mapped(tables.cells)
    of = runs[(runs["T"] / runs.n <= LOW) & (runs.copies > 1) & (runs.copies <= runs["T"] / runs.n)]
    none = of.groupby("data_seed")[list(TESTS)].max() < 0.5
    return Finding(
        [
            intervals.share(f"training sets that memorise none ({words})", none[test], least=0.5)
            for test, words in TESTS.items()
        ],
        {
            f"T={T}": {
                f"R={part.copies.min()} to {part.copies.max()}, {words}": float(part[test].mean())
                for test, words in TESTS.items()
            }
            for T, part in of.groupby("T")
        }
        if len(of)
        else None,
        f"T up to {LOW} n, R from 2 to T / n. More than half of the training sets. Shown: share memorised.",
    )


@claim("J12", "some points are memorised, then dropped", source=SOURCE, says="near misses during training", under=SUM)
def near_misses(tables: Tables, measure: Any) -> Finding:
    """Whether a repeated point that is not recalled in the end had a feature's dimensionality on the way."""
    seen = watched(tables.cells)
    lost = seen[(seen.repeated == 1) & (seen.copies > 1) & (seen.repeated_recalled < 0.5)]
    items = tables.items
    own = items[items.cell.isin(lost.cell) & (items.kind == "point") & (items["item"] == 0)]
    own = own[(own.step > 0) & (own.step < own.groupby("cell").step.transform("max"))]
    highest = (own.D * own.copies).groupby(own.cell).max()
    near = (highest > measure.learned).groupby(lost.set_index("cell").data_seed.loc[highest.index]).any()
    return Finding(
        [intervals.share("training sets with a near miss", near, least=SOMETIMES)],
        {"largest D_x R on the way": sorted(highest)} if len(highest) else None,
        f"""Watched runs of one repeated point that is not recalled in the end: R D_x, that of its copies together, was
        above {measure.learned} at one of the {measure.frames} listed moments, the last apart. Certainly in more than
        one training set in a hundred.""",
    )


@claim("J13", "features are sometimes learned, then forgotten", source=f"{SOURCE}, T = n", says="a film", under=SUM)
def forgotten(tables: Tables, measure: Any) -> Finding:
    """The share of training sets of n points, each there once, that forget a feature."""
    once = watched(tables.cells)
    once = once[(once.copies == 1) & (once["T"] / once.n).between(0.5, 1.5)]
    return Finding(
        [intervals.share("training sets that forget a feature", once.features_forgotten > 0, least=SOMETIMES)],
        {"features forgotten": sorted(once.features_forgotten.dropna()), "left": sorted(once.features_learned)}
        if len(once)
        else None,
        f"""Forgotten: D_f > {measure.learned} in some snapshot, and less than half of that in the last. Certainly in
        more than one training set in a hundred.""",
    )


@question("From how many copies, in units of T / n, is a point recalled?")
def copies_needed(tables: Tables, measure: Any) -> Finding:
    """The c of the best R = c T / n, a training set each."""
    runs = mapped(tables.cells)
    found = {
        words: pd.Series({seed: best_boundary(of, test) for seed, of in runs.groupby("data_seed")}, dtype=float)
        for test, words in TESTS.items()
    }
    return Finding(
        (),
        {f"c of R = c T / n ({words})": sorted(best.dropna()) for words, best in found.items()} if len(runs) else None,
        "The middle of those c that have the most runs of a training set on their side; read off a coarse grid of R.",
    )


@question("Does each recalled point take a feature's place: are recalled points and features five together?")
def together(tables: Tables, measure: Any) -> Finding:
    """The share of training sets where they are, of each number of repeated points."""
    of = several(tables.cells)
    five = (of.recalled + of.features_learned == 5).groupby(of.repeated)
    shares = [intervals.share(f"training sets where they are, of {count} such points", hits) for count, hits in five]
    return Finding(shares, None, "Asked after what J10 counts had been seen. Features: learned ones that are left.")
