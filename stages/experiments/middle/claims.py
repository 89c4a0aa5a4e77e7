"""What carries test loss where it is highest, and how the bits of the data compare with those that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from stages.claims import Finding, Part, intervals, labelled, question
from stages.claims.regimes import POLYGONS_END
from stages.core.tables import Tables

SEVERAL = 10  # stored points, of which one is taken out
AT = """At the T from 30 on (of n = 1,000, else in proportion) whose mean test loss is highest, for each m and n; an
interval is over training sets."""


class Peak(NamedTuple):
    """The models of one size where test loss is highest."""

    words: str  # m, and n where it is not the usual one
    T: int
    cells: pd.DataFrame  # of that T
    every: pd.DataFrame  # of every T

    @property
    def inside(self) -> bool:
        """Whether the grid goes on to larger T, so that the highest loss is a peak."""
        return bool(self.every["T"].max() > self.T)


def peaks(cells: pd.DataFrame) -> Iterator[Peak]:
    """One for each (n, m), the largest n first, from T = 30 on, where polygons end; T is scaled with n."""
    trained = cells[cells.status == "trained"]
    for _, of in trained.assign(smaller=-trained.n).groupby(["smaller", "m"]):
        n, m = int(of.n.iloc[0]), int(of.m.iloc[0])
        mean = of[of["T"] >= POLYGONS_END * n / trained.n.max()].groupby("T").test_loss.mean()
        if len(mean):
            T = int(mean.idxmax())
            words = f"m = {m}" + ("" if n == trained.n.max() else f", n = {n:,}")
            yield Peak(words, T, of[of["T"] == T], of)


def means(cells: pd.DataFrame, column: str, words: str = "") -> list[Part]:
    """The mean of a column where test loss is highest, for each size."""
    return [intervals.mean(f"{words}{peak.words}", peak.cells[column]) for peak in peaks(cells)]


def several_stored(cells: pd.DataFrame) -> pd.DataFrame:
    """The models of the largest n that store SEVERAL points, beyond polygons."""
    if not len(cells):
        return cells
    of = cells[(cells.n == cells.n.max()) & (cells["T"] >= POLYGONS_END)]
    chosen: pd.DataFrame = of[of.own_without_h.notna() & (of.stored * of["T"] >= SEVERAL)]
    return chosen


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """What the worst carry at the first size's peak, and how much of it hangs on one feature."""
    peak = next(peaks(tables.cells), None)
    if peak is None:
        return {}
    found = {name: peak.cells[name].mean() for name in ("carried", "without_one", "longer")}
    return {name: float(value) for name, value in found.items() if value == value}


@question("Where test loss is highest, how few points carry it?", source="the paper: what is the middle regime?")
def few(tables: Tables, measure: Any) -> Finding:
    """The share of what is above 1 that 1 % of fresh points carry."""
    above = {peak.words: f"{peak.cells.above.mean():.2f} at T = {peak.T:,}" for peak in peaks(tables.cells)}
    return Finding(
        means(tables.cells, "carried"),
        {"share of fresh points above 1": above} if above else None,
        f"Of all that losses are above 1, the share of the 1 % of fresh points of largest loss. {AT}",
    )


@question("What are the points like that carry it?", source="the paper: what is the middle regime?")
def alike(tables: Tables, measure: Any) -> Finding:
    """How long their hidden vectors are, where their loss is, how like training points they are."""
    parts = means(tables.cells, "longer", "h longer than every training point's, ")
    parts += means(tables.cells, "longer_all", "the same of all fresh points, ")
    parts += means(tables.cells, "stray", "loss on features that they do not have, ")
    parts += [
        intervals.mean(
            f"more like a training point than others by, {peak.words}", peak.cells.similar_worst - peak.cells.similar
        )
        for peak in peaks(tables.cells)
    ]
    return Finding(
        parts,
        {
            "rank correlation of loss and length of h": {
                peak.words: float(peak.cells.rho_length.mean()) for peak in peaks(tables.cells)
            }
        },
        f"The 1 % of fresh points of largest loss; likeness is the largest cosine with a training point. {AT}",
    )


@question("Does one feature of theirs decide?", source="the paper: what is the middle regime?")
def one_feature(tables: Tables, measure: Any) -> Finding:
    """What is left without it, and whether a point's other features add to it."""
    parts = means(tables.cells, "without_one", "left without it, ")
    parts += means(tables.cells, "without_other", "left without the second, ")
    parts += means(tables.cells, "kept_trained", "h along its column, over its own part, training points, ")
    parts += means(tables.cells, "kept_fresh", "the same, fresh points, ")
    parts += means(tables.cells, "kept_worst", "the same, the worst, ")
    return Finding(
        parts,
        None,
        f"""The feature that adds most to the length of h. Points are scaled to length 1 again without it; 1 is what the
        1 % carry. Along its column: 1 where a point's other features add nothing to it on balance. {AT}""",
    )


@question("Do clusters of stored points explain it?", source="the follow-up of July 2023: clusters of points")
def by_clusters(tables: Tables, measure: Any) -> Finding:
    """What fresh points in clusters of training points carry, over how many they are."""
    parts = means(tables.cells, "clustered_carry", "carried by fresh points in clusters, ")
    parts += means(tables.cells, "clustered", "share of fresh points in clusters, ")
    return Finding(
        parts, None, f"In a cluster: as near to one of its points as the training point nearest to that is. {AT}"
    )


@question("Is test loss highest where the data's bits are as many as are stored?", source="Morris et al. 2025: it is")
def capacity(tables: Tables, measure: Any) -> Finding:
    """Bits of the data at the peak over the most that models of that size hold at any T."""
    parts, shown = [], {}
    for peak in peaks(tables.cells):
        most = peak.every.groupby("data_seed").bits_stored.max()
        data = peak.cells.set_index("data_seed").bits_data
        if peak.inside:
            parts.append(intervals.ratio(f"data over most stored, {peak.words}", data / most[data.index]))
        parameters = peak.every.n.iloc[0] * (peak.every.m.iloc[0] + 1)
        parts.append(intervals.mean(f"bits a parameter, {peak.words}", most / parameters))
        shown[f"bits stored, {peak.words}"] = labelled(peak.every.groupby("T").bits_stored.mean(), "T")
    return Finding(
        parts,
        shown or None,
        """Bits of a point: those that name its features, and two more for each value. Stored: the shortest such
        description that leaves the model's loss, less log2 T bits, which come with h, and less the same of fresh
        points; for each training set the most at any T. Morris et al. find test loss to be highest where both are
        equal, and 3.5 to 3.8 bits a parameter.""",
    )


@question("Can one stored point be taken out?", source="the discussion")
def taken_out(tables: Tables, measure: Any) -> Finding:
    """What is left of it and of the others, from T = 30 on, where several points are stored."""
    known = several_stored(tables.cells)
    parts, words = [], {"h": "without its direction in h", "W": "without the point in W"}
    for m, of in known.groupby("m") if len(known) else []:
        for where, what in words.items():
            for whose in ("own", "others"):
                left = of.groupby("data_seed")[f"{whose}_without_{where}"].mean()
                parts.append(intervals.mean(f"{whose} explained share left {what}, m = {m}", left))
    return Finding(
        parts,
        None,
        """Stored: a loss below .5. Up to fifty, one at a time; means over T where ten are stored. Its direction is
        that in which it has most to itself, v = M^+ h, where its D* is attained. From W: W (1 - x x^T), in encoder and
        decoder.""",
    )
