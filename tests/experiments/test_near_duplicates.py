"""Claims and figures of near_duplicates, on tables made up to be known."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.near_duplicates import RULES
from stages.experiments.near_duplicates import claims as near_duplicates_claims
from stages.experiments.near_duplicates.figure import draw
from tests.experiments.verdicts import finding, part, verdict

ASKED = SimpleNamespace()
FAMILIES, TARGETS, PASSAGES = 16, 6, 8
LITTLE = "shows little"


def row(pool: str, document: int, **changes: object) -> dict[str, object]:
    usual = {"pool": pool, "cell": 0, "epoch": 1, "epochs": 1, "document": document, "family": document, "edits": 4}
    return usual | {"own": False, "others": 0, "rule": None, "models": 5, "loss": 0.0, "init_seed": 0} | changes


def conditions(alone: float = 0.1) -> pd.DataFrame:
    """Exact copies halve the loss of 8 nats each; near-copies of 4 edits do so by every other one."""
    rows = []
    for family in range(FAMILIES):
        for edits, power in ((0, 1.0), (4, 0.5), (32, 0.0)):
            for others in range(4):
                loss = 8 * 2 ** -(power * others)
                rows.append(row("families", family, edits=edits, others=others, loss=loss))
                rows.append(row("families", family, edits=edits, others=others, own=True, loss=loss / 4))
    for target in range(TARGETS):
        rows.append(row("rules", target, own=True, rule="none", loss=1.0))
        cost = {kind: alone if k == 0 else float(k) + 0.01 * target for k, kind in enumerate(RULES)}
        rows += [row("rules", target, rule=f"up to {kind}", loss=1 + of) for kind, of in cost.items()]
        for closer, kind in itertools.pairwise(RULES):
            rows.append(row("rules", target, rule=f"target, as many as up to {kind}", loss=1 + alone))
            if closer != "target":
                rows.append(row("rules", target, rule=f"up to {closer}, as many as {kind}", loss=1.1 + cost[closer]))
    for passage in range(PASSAGES):
        for own, others, loss in ((False, 0, 5.0), (False, 1, 4.0), (True, 0, 2.0), (True, 1, 1.5)):
            rows.append(row("twins", passage, own=own, others=others, loss=loss + 0.01 * passage))
    return pd.DataFrame(rows)


def tables(alone: float = 0.1) -> Tables:
    influence = [
        row("families", 0, member=i, by=j, group=g, alone=2.0 if i == j else 0.5, slope=3.0)
        for i in range(4)
        for j in range(4)
        for g in range(8)
    ]
    return Tables(cells=pd.DataFrame({"cell": [0]}), conditions=conditions(alone), influence=pd.DataFrame(influence))


def judged(alone: float = 0.1) -> Summary:
    return judge(near_duplicates_claims, tables(alone), ASKED)


def test_leaving_one_out_shows_little_where_it_costs_little() -> None:
    assert part(judged(), LITTLE, "itself").effect == pytest.approx(0.1 / 2.025, rel=1e-3)
    assert (
        part(judged(), LITTLE, "copies too").effect == pytest.approx(0.5, abs=0.01)
        and verdict(judged(), LITTLE) == FAILS
    )
    assert judged().headline == pytest.approx({"alone": 0.1, "with_its_book": 5.025})


def test_each_rule_is_compared_with_as_many_left_out_at_random_in_place_of_what_it_adds() -> None:
    found = finding(judged(), "rule that selects")
    assert [of.effect for of in found.parts] == pytest.approx([0.1, 1.025 - 0.1, 0.9, 0.9, 0.9, 0.9])
    assert {of.sets for of in found.parts} == {TARGETS}
    assert found.shown is not None and found.shown["and its book"] == "5.02 nats, 0.10 at random"


def test_worth_is_one_over_the_near_copies_that_do_as_one_copy_and_how_far_the_first_goes() -> None:
    found = judged()
    assert part(found, "worth in exact copies", "1 / k, 4 of 64").effect == pytest.approx(0.5)
    assert part(found, "worth in exact copies", "first one, 4 ").effect == pytest.approx(0.5)
    assert part(found, "worth in exact copies", "first one, 32").effect == pytest.approx(0)
    answer = finding(found, "worth in exact copies")
    assert len(answer.parts) == 3 and answer.parts[0].sets == 8
    assert answer.shown == {"more than a family has for one exact copy": "32 edited"}


def test_influence_and_twins_are_means_over_members_and_passages() -> None:
    found = judged()
    assert part(found, "for another, and for itself", "itself").effect == pytest.approx(2)
    assert part(found, "for another, and for itself", "another").effect == pytest.approx(0.5)
    gained = [of.effect for of in finding(found, "stand in for each other").parts]
    assert gained == pytest.approx([1.0, 3.0, 2.5])


def test_nothing_trained_claims_nothing() -> None:
    made = tables()
    empty = Tables({name: made[name].head(0) for name in ("cells", "conditions", "influence")})
    found = judge(near_duplicates_claims, empty, ASKED)
    assert not any(of.sets for _, answer in (*found.claims, *found.questions) for of in answer.parts)
    assert draw(empty, {}) == {}


def test_figures_are_drawn_of_what_is_there() -> None:
    made = tables()
    assert set(draw(made, {})) == {"rules", "families", "influence"}
    only = made["conditions"][made["conditions"].pool == "rules"]
    assert set(draw(Tables(cells=made.cells, conditions=only, influence=made["influence"]), {})) == {"rules"}
    assert np.isfinite(only.loss).all()
