"""How much of what is memorised of a document one sees depends on what is left out with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, question
from stages.core.tables import Tables
from stages.experiments.near_duplicates import RULES, of_pool, radius, steps

GROUPS = 8  # of families, each of which gives one worth
UNIT = "An interval is over documents of one pool."


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """What leaving out a document alone costs it, and with all of its book."""
    cost = radius(tables["conditions"])
    names = {"alone": "up to target", "with_its_book": "up to book"}
    return {name: float(cost[rule].mean()) for name, rule in names.items() if rule in cost}


@claim(
    "D7",
    "where near-duplicates stay, leaving a document out shows little of what is memorised of it",
    source="the discussion",
    says="a substring that many documents share is not lost with one of them",
)
def leave_one_out(tables: Tables, measure: Any) -> Finding:
    """What leaving out the document costs it, and its exact copies too, of what leaving out near-copies too does."""
    cost = radius(tables["conditions"])
    if "up to edited" not in cost:
        return Finding()
    whole = cost["up to edited"]
    parts = [
        intervals.mean(f"lost without {words}, as a share", cost[rule] / whole, most=0.2)
        for rule, words in (("up to target", "itself"), ("up to copy", "its exact copies too"))
    ]
    return Finding(
        parts, None, f"Of what it loses without its four near-copies of {_edits(tables)} edited tokens too. {UNIT}"
    )


@question("How does memorisation grow with the rule that selects what is left out?", source="the discussion")
def by_rule(tables: Tables, measure: Any) -> Finding:
    """What each rule costs the target, above as many documents left out at random in place of those that it adds."""
    cost = radius(tables["conditions"])
    parts, shown = [], {}
    for kind, words in RULES.items():
        rule, control = f"up to {kind}", f"target, as many as up to {kind}"
        if rule in cost:
            at_random = f", {cost[control].mean():.2f} at random" if control in cost else ""
            shown[words] = f"{cost[rule].mean():.2f} nats{at_random}"
    if "up to target" in cost:
        parts.append(intervals.mean("the document itself, nats", cost["up to target"]))
    parts += [
        intervals.mean(f"{RULES[str(kind)]}: more than as many at random", of) for kind, of in steps(cost).items()
    ]
    note = """Each rule leaves out what those before it do; at each step as many fillers from elsewhere are left out in
        its place. Shown: what a rule costs in all, and as many at random beside the target."""
    return Finding(parts, shown, f"{note} {UNIT}")


@question("What is a near-copy worth in exact copies?", source="mosaic memory (2024): .5 to .6 at 10 % edited")
def worth(tables: Tables, measure: Any) -> Finding:
    """By two definitions, as they differ: how many do as one exact copy; how far the first one goes."""
    found = worths(tables["conditions"])
    parts, short = [], []
    for edits, values in found.groupby("edits"):
        if values.worth.notna().all():
            parts.append(intervals.mean(f"1 / k, {edits} of 64 tokens edited", values.worth))
        else:
            short.append(str(edits))
        parts.append(intervals.mean(f"the first one, {edits} edited", values["first"]))
    shown = {"more than a family has for one exact copy": f"{', '.join(short)} edited"} if short else None
    note = f"""Of documents that are not trained on themselves. 1 / k: k near-copies bring the loss to where one exact
        copy does, k interpolated in its logarithm. The first one: how much it lowers that logarithm, over one exact
        copy. What is published is of how well membership is told. An interval is over {GROUPS} groups of families."""
    return Finding(parts, shown, note)


def worths(conditions: pd.DataFrame) -> pd.DataFrame:
    """edits, group, worth (1 / k; missing where a family has too few), first: by group of families."""
    rows = of_pool(conditions, "families")
    rows = rows[~rows.own.astype(bool)]
    found = []
    for group in range(GROUPS):
        of = rows[rows.family % GROUPS == group]
        losses = of.groupby(["edits", "others"])[["loss", "models"]].apply(_mean).unstack()
        if 0 not in losses.index or not {0, 1} <= set(losses.columns):
            continue
        nothing, target = (float(losses[k][0]) for k in (0, 1))
        for edits, by in losses.drop(index=0).iterrows():
            first = np.log(by[0] / by[1]) / np.log(nothing / target)
            found.append({"edits": edits, "group": group, "worth": _worth(by.dropna(), target), "first": first})
    return pd.DataFrame(found, columns=["edits", "group", "worth", "first"])


def _mean(rows: pd.DataFrame) -> float:
    return float(np.average(rows.loss, weights=rows.models))


def _worth(losses: pd.Series, target: float) -> float:
    """1 / k where losses by k fall to the target; missing where they do not."""
    below = np.flatnonzero(losses.to_numpy() <= target)
    if not len(below):
        return float("nan")
    at = below[0]
    if at == 0:
        return 1.0
    log = np.log(losses.to_numpy()[at - 1 : at + 1])
    k = losses.index[at - 1] + (log[0] - np.log(target)) / (log[0] - log[1])
    return float(1 / max(k, 1.0))


@question("What does a member of a family do for another, and for itself?")
def influences(tables: Tables, measure: Any) -> Finding:
    """Nats lost by leaving one out, itself or another: where all others are there, and on average over what is."""
    rows = of_pool(tables["influence"], "families")
    rows = rows[(rows.edits > 0) & (rows.member > 0) & (rows.by > 0)]
    parts, shown = [], {}
    for edits, of in rows.groupby("edits"):
        for words, those in (("itself", of.member == of.by), ("another", of.member != of.by)):
            by_group = of[those].groupby("group")[["alone", "slope"]].mean()
            parts.append(intervals.mean(f"{edits} edits: {words}, all others there", by_group.alone))
            shown[f"{edits} edits: {words}, on average"] = f"{by_group.slope.mean():.2f}"
    return Finding(parts, shown, f"An interval is over {GROUPS} groups of families.")


@question("Do chapters that tell the same stand in for each other?")
def twins(tables: Tables, measure: Any) -> Finding:
    """What a passage of a chapter that is left out gains from the other chapter, against what its own gains it."""
    rows = of_pool(tables["conditions"], "twins")
    loss = rows.groupby(["document", "own", "others"]).loss.mean().unstack(["own", "others"])
    if (False, 1) not in loss:
        return Finding()
    nothing = loss[False, 0]
    parts = [
        intervals.mean("nats gained from the other chapter", nothing - loss[False, 1]),
        intervals.mean("nats gained from its own", nothing - loss[True, 0]),
        intervals.mean("from its own, where the other is there", loss[False, 1] - loss[True, 1]),
    ]
    note = "Isaiah 37 and 2 Kings 19, cut in passages at other places. An interval is over passages; two seeds."
    return Finding(parts, None, note)


def _edits(tables: Tables) -> int:
    rows = of_pool(tables["conditions"], "rules")
    return int(rows.edits.iloc[0]) if len(rows) else 0
