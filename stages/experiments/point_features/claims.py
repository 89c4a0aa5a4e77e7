"""Whether memorised passages have directions of their own in a hidden layer, and what tells them.

What is independent is the model: each is trained on other passages, from other initial weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, claim, intervals, question
from stages.core.tables import Tables
from stages.experiments.point_features import REMOVED, removals, sites

COUNT = 16  # directions or units that claims are about
UNIT = "An interval is over models, each trained on other passages."
SAYS = "a feature that fires where the N tokens before match is like the toy model's features of single data points"
NEURON = "a neuron for each data point would be inefficient"


def costs(tables: Tables, removed: str, *, seen: bool = True, count: int = COUNT) -> pd.DataFrame:
    """By (site, cell): mean nats that so many directions or units cost their passage, and the others."""
    rows = removals(tables["ablations"])
    rows = rows[(rows.removed == removed) & (rows["count"] == count) & (rows.seen.astype(bool) == seen)]
    means: pd.DataFrame = rows.groupby(["site", "cell"])[["own_cost", "others_cost"]].mean()
    return means


def selectivity(tables: Tables, removed: str) -> pd.Series:
    """By (site, cell): what they cost the passage over what they cost the others."""
    means = costs(tables, removed)
    return means.own_cost / means.others_cost


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """How much more directions and units cost their passage than others."""
    return {
        name: float(selectivity(tables, removed).mean()) for name, removed in (("directions", "D*"), ("units", "units"))
    }


@claim("D8", "a memorised passage has hidden directions of its own", source="the discussion", says=SAYS)
def directions(tables: Tables, measure: Any) -> Finding:
    """What taking them out costs it: more than others, and more than an unseen passage loses with its own."""
    parts = [
        intervals.ratio(f"{site}: over others", of, least=1) for site, of in selectivity(tables, "D*").groupby("site")
    ]
    more = costs(tables, "D*").own_cost - costs(tables, "D*", seen=False).own_cost
    parts += [intervals.mean(f"{site}: nats more than an unseen one", of, least=0) for site, of in more.groupby("site")]
    note = f"""What taking out {COUNT} directions costs: those of which the largest shares are the passage's (of one
        token, the direction of its D*). Of each model the natural passages that it recites best, {measure.ablated} of
        them; others are those that it recites next best. {UNIT}"""
    return Finding(parts, _kept(tables, "D*"), note)


@claim("D9", "a memorised passage is not one neuron's", source="the discussion", says=NEURON)
def neurons(tables: Tables, measure: Any) -> Finding:
    """Share of the recitation that is left without one unit: that which costs it most, to first order; most its own."""
    rows = removals(tables["ablations"])
    rows = rows[(rows["count"] == 1) & rows.seen.astype(bool)]
    means = rows.groupby(["removed", "site", "cell"])[["recited", "recited_after"]].mean()
    kept = means.recited_after / means.recited
    parts = [
        intervals.mean(f"{site}: left without {words}", of, least=0.5)
        for removed, words in (("units by gradient", "the unit it needs most"), ("units", "the unit most its own"))
        for site, of in kept[kept.index.isin([removed], level="removed")].groupby("site")
    ]
    note = f"Of what is recited with all units. Shown: without the {COUNT} that it needs most. {UNIT}"
    return Finding(parts, _kept(tables, "units by gradient"), note)


@question("Are units more a passage's own than axes of a random basis, and less than directions?")
def units(tables: Tables, measure: Any) -> Finding:
    """Selectivity of directions, and of units chosen in two ways, over that of as many axes of a random basis."""
    turned = selectivity(tables, "turned units")
    parts = [
        intervals.ratio(f"{site}: {words} over turned", of)
        for name, words in (
            ("D*", "directions"),
            ("units", "units by share"),
            ("units by gradient", "units by gradient"),
        )
        for site, of in (selectivity(tables, name) / turned).groupby("site")
    ]
    note = f"""Selectivity: what {COUNT} cost their passage over what they cost others. Directions are chosen of all,
        units of one basis, turned units of another at random. {UNIT}"""
    return Finding(parts, None, note)


def _kept(tables: Tables, removed: str) -> Mapping[str, str]:
    rows = removals(tables["ablations"])
    rows = rows[(rows.removed == removed) & (rows["count"] == COUNT) & rows.seen.astype(bool)]
    means = rows.groupby("site")[["recited_after", "recited", "others_recited_after", "others_recited"]].mean()
    words = {}
    for site, of in means.iterrows():
        own, others = (f"{of[name]:.2f} to {of[f'{name}_after']:.2f}" for name in ("recited", "others_recited"))
        words[str(site)] = f"recited {own}; others {others}"
    return words


@question("Does one direction tell memorised tokens, and do passages need it?")
def told(tables: Tables, measure: Any) -> Finding:
    """What taking it out costs, against a random direction."""
    rows = removals(tables["ablations"])
    rows = rows[(rows["count"] == 1) & rows.seen.astype(bool)]
    cost = rows.groupby(["site", "cell", "removed"]).own_cost.mean().unstack()
    parts = []
    for site, of in cost.groupby("site"):
        for name in ("memorised", "random directions"):
            if name in of:
                parts.append(intervals.mean(f"{site}: nats that {REMOVED[name]} cost", of[name]))
    return Finding(parts, None, f"Found by least squares against memorisation over all tokens. {UNIT}")


@question("Does D* tell which passages are memorised, better than other scores?")
def best(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of D* with memorisation; and of the score that half of the models choose, by the other half."""
    rows = _scores(tables, "memorisation")
    rows = rows[(rows["of"] == "passages") & (rows.among == "natural")]
    parts, shown = [], {}
    for model, of in rows.groupby("model"):
        wide = of.pivot_table(index="cell", columns="name", values="value")
        first, second = wide.iloc[::2], wide.iloc[1::2]
        chosen = str(first.mean().abs().idxmax())
        parts += [intervals.mean(f"{name}", wide[name]) for name in wide.columns if name.startswith("D*")]
        parts.append(intervals.mean(f"{chosen}, chosen by the other half", second[chosen]))
        shown[str(model)] = ", ".join(f"{name} {value:.2f}" for name, value in wide.mean().items())
    return Finding(parts, shown, f"Natural passages that a model is trained on; means over their tokens. {UNIT}")


@question("Can one see in hidden vectors whether a passage was trained on?")
def seen(tables: Tables, measure: Any) -> Finding:
    """ROC area by D* as the passage would have it as one more; and by its loss."""
    rows = _scores(tables, "seen")
    rows = rows[(rows["of"] == "passages") & rows.score.isin(["D*", "loss"])]
    parts = [intervals.mean(str(name), of.groupby("cell").value.mean()) for name, of in rows.groupby("name")]
    return Finding(
        parts, None, f"ROC area among natural passages: .5 is chance, 0 where lower values are those trained on. {UNIT}"
    )


def _scores(tables: Tables, asks: str) -> pd.DataFrame:
    rows = tables.scores[tables.scores.asks == asks]
    return rows.assign(name=rows.score + ", " + sites(rows)) if len(rows) else rows.assign(name="")
