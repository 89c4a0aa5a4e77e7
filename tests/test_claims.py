"""stages/claims: what an interval decides, and how findings are written and listed."""

from __future__ import annotations

import functools
import importlib
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from scipy import stats

from stages import claims
from stages.claims import FAILS, HOLDS, UNDECIDED, Finding, Part, claim, intervals, ledger, question
from stages.core.rooms import room
from stages.core.tables import Tables
from tests.conftest import RUNS


@pytest.mark.parametrize(
    ("middle", "least", "most", "verdict"),
    [
        (1.5, 0, math.inf, HOLDS),
        (0.5, 0, math.inf, UNDECIDED),
        (-1.5, 0, math.inf, FAILS),
        (1.5, 0.4, 2.6, HOLDS),
        (2, 0.5, 2.5, UNDECIDED),
        (4, 0.5, 2.5, FAILS),
    ],
)
def test_where_an_interval_lies_decides(middle: float, least: float, most: float, verdict: str) -> None:
    values = middle + np.array([-1.0, -1.0, 0.0, 1.0, 1.0])  # the mean's interval reaches as far as 2.06 to each side
    part = intervals.mean("x", middle + (values - middle) / 2.1, least=least, most=most)
    assert part.high - part.low == pytest.approx(2 * 0.98, rel=0.01) and Finding([part]).verdict == verdict
    for edge, refuted in ((part.high, True), (part.high - 1e-9, False)):  # not above it; perhaps above it
        assert bool(intervals.mean("x", (values + 1.1 * middle) / 2.1, least=edge).refutes) == refuted


def test_all_parts_must_hold_and_one_is_enough_to_fail() -> None:
    yes, no, open_ = (Part("x", x, x - 1, x + 1, 5, least=0, refutes=3 * (x < -1)) for x in (2, -2, 0))
    assert Finding([yes, no, no, open_]).verdict == UNDECIDED  # one of four is sooner outside by chance
    assert Finding([yes, yes]).verdict == HOLDS and Finding([yes, no, open_]).verdict == FAILS
    assert Finding([yes, open_]).verdict == Finding([]).verdict == UNDECIDED


@pytest.mark.parametrize(("centre", "least", "most"), [(0.3, 0, math.inf), (-0.3, 0, math.inf), (0.7, 0, 1)])
def test_an_undecided_claim_says_how_many_training_sets_would_decide_it(
    centre: float, least: float, most: float
) -> None:
    rng = np.random.default_rng(0)

    def of(sets: int) -> Part:
        values = rng.normal(size=sets)
        return intervals.mean("x", centre + 0.6 * (values - values.mean()) / values.std(ddof=1), least=least, most=most)

    few = Finding([of(12)])
    assert few.verdict == UNDECIDED and few.would_take is not None and 12 < few.would_take < 100
    if centre > 0:
        assert not of(few.would_take - 1).holds and of(few.would_take).holds
    else:  # enough to refute a claim of four parts
        assert of(few.would_take - 1).refutes < 4 <= of(few.would_take).refutes


def test_a_share_and_a_ratio_say_it_too_and_a_claim_takes_what_its_parts_take() -> None:
    share = intervals.share("x", [True] * 4, least=0.5)
    assert share.would_take == 8 and intervals.share("x", [True] * 8, least=0.5).holds
    assert 12 < intervals.ratio("x", np.exp(0.3 + np.linspace(-1, 1, 12)), least=1).would_take < 100
    near, far, wrong = (
        Part("x", x, x - 2, x + 2, 5, least=0, would_take=y) for x, y in ((0.1, math.inf), (1, 20), (-1, 9))
    )
    assert Finding([near, far]).would_take is None and Finding([far]).would_take == 20
    assert Finding([near, wrong]).would_take == 9 and Finding([]).would_take is None


def test_intervals_are_those_of_the_textbook() -> None:
    part = intervals.mean("x", [1.0, 2.0, 3.0, 4.0, math.nan])
    assert part.effect == 2.5 and part.sets == 4
    assert part.high - 2.5 == pytest.approx(5.8409 * np.std([1, 2, 3, 4], ddof=1) / 2, rel=1e-4)  # t of 3, .995
    part = intervals.share("x", [True] * 8)
    assert part.effect == part.high == 1 and part.low == pytest.approx(0.005 ** (1 / 8))
    part = intervals.ratio("x", [1.0, 10.0, 100.0])
    assert part.effect == pytest.approx(10) and part.low == pytest.approx(100 / part.high) and part.sets == 3
    part = intervals.ratio("x", [1.0, 10.0, 100.0, 0.0], least=0.5)  # of which there is no mean
    assert Finding([part]).verdict == UNDECIDED and part.effect == 0 and part.sets == 4
    assert Finding([intervals.mean("x", [4.0, 4.0], least=0.5)]).verdict == UNDECIDED  # two have no interval
    part = intervals.more_often("that rise", [1.0] * 7 + [-1.0])
    assert part.effect == 7 / 8 and Finding([part]).verdict == UNDECIDED


def test_a_rank_correlation_has_its_interval_and_none_where_nothing_varies() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    y = x + rng.normal(size=30)
    ranks = stats.rankdata(x), stats.rankdata(y)
    part = intervals.correlation("x", *ranks, least=0)
    assert part.effect == pytest.approx(stats.spearmanr(x, y).statistic) and part.holds and part.sets == 30
    reach = stats.norm.ppf(0.995) * math.sqrt(1.06 / 27)
    assert np.arctanh([part.low, part.high]) == pytest.approx(np.arctanh(part.effect) + np.array([-reach, reach]))
    wider = intervals.correlation("x", *ranks, groups=3, least=0)
    assert wider.effect == part.effect and wider.low < part.low and wider.high > part.high
    for constant in (intervals.correlation("x", x, 0 * y, least=0), intervals.correlation("x", x[:3], x[:3], least=0)):
        assert Finding([constant]).verdict == UNDECIDED and constant.sets == 0
    assert intervals.correlation("x", x, x, least=0).holds


def test_the_interval_of_a_rank_correlation_holds_the_truth_in_99_of_100() -> None:
    """Of ranks within three groups, of independent values: the truth is 0."""
    rng, trials = np.random.default_rng(0), 1000
    group, misses = np.repeat([0, 1, 2], [24, 12, 12]), 0
    for _ in range(trials):
        ranks = pd.DataFrame(rng.normal(size=(48, 2))).groupby(group).rank(pct=True)
        centred = ranks - ranks.groupby(group).transform("mean")
        part = intervals.correlation("x", centred[0], centred[1], groups=3)
        misses += not part.low < 0 < part.high
    assert 0.003 < misses / trials < 0.017


@pytest.mark.parametrize("of", [intervals.mean, intervals.ratio, intervals.share])
def test_one_value_or_none_decides_nothing(of: Callable[..., Part]) -> None:
    for values in ([], [math.nan], [1.0]):
        part = of("x", values, least=0.5, most=1.5)
        assert Finding([part]).verdict == UNDECIDED and part.sets == len(values) - (values != [1.0] and bool(values))


@functools.cache
def share_of_twenty(hits: int) -> Part:
    """Of 20 training sets; kept, as an exact interval takes milliseconds."""
    return intervals.share("x", np.arange(20) < hits, most=0.3)


@pytest.mark.parametrize("parts", [1, 4])
def test_a_claim_that_is_just_true_fails_once_in_100_and_one_that_is_just_false_holds_so(parts: int) -> None:
    rng, trials = np.random.default_rng(0), 500
    found: dict[str, Counter[str]] = {"mean": Counter(), "share": Counter()}
    for _ in range(trials):
        means = [intervals.mean("x", rng.normal(size=5), least=0) for _ in range(parts)]
        shares = [share_of_twenty((rng.random(20) < 0.3).sum()) for _ in range(parts)]
        found["mean"][Finding(means).verdict] += 1
        found["share"][Finding(shares).verdict] += 1
    for verdicts in found.values():
        assert verdicts[FAILS] / trials < 0.015 and verdicts[HOLDS] / trials < 0.015
    assert found["mean"][FAILS]


def test_intervals_hold_the_truth_in_99_of_100() -> None:
    rng, trials = np.random.default_rng(0), 1000
    means = [intervals.mean("x", rng.normal(size=5)) for _ in range(trials)]
    shares = [share_of_twenty((rng.random(20) < 0.3).sum()) for _ in range(trials)]
    assert 0.004 < sum(not part.low < 0 < part.high for part in means) / trials < 0.017
    assert sum(not part.low < 0.3 < part.high for part in shares) / trials < 0.017


def experiment() -> ModuleType:
    """A module with two claims and a question."""
    module = ModuleType("made up")
    fine, narrow = (
        claim(f"P{k}", text, source="Figure 1", says="so")(
            lambda tables, measure: Finding(
                [intervals.mean("of x", tables.cells.x, least=measure)], {"a": math.nan}, "Of\n  x."
            )
        )
        for k, text in ((2, "x is large"), (1, "x is larger"))
    )
    vars(module).update(
        fine=fine,
        asked=question("How large is x?")(lambda tables, measure: Finding([intervals.mean("x", tables.cells.x)])),
        narrow=narrow,
        headline=lambda tables, measure: {"x": np.float64(tables.cells.x.mean())},
    )
    return module


def test_what_a_module_claims_is_judged_written_and_listed(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for scale, values in (("laptop", [2.0, 2.1, 1.9]), ("paper", [2.0])):
        claims.write(
            Path("data/metrics", scale, "made_up.json"),
            claims.judged(experiment(), Tables(cells=pd.DataFrame({"x": values})), 1.0),
        )
    found = json.loads(Path("data/metrics/laptop/made_up.json").read_text())
    assert (found["x"], found["held"], found["failed"], found["undecided"]) == (2.0, 2, 0, 0)
    second, first = found["claims"]  # in the order of ids
    assert (
        first["id"] == "P2" and first["verdict"] == HOLDS and first["note"] == "Of x." and first["shown"] == {"a": None}
    )
    assert second["parts"][0]["least"] == 1.0 and second["parts"][0]["most"] is None
    (asked,) = found["questions"]
    assert asked["question"] == "How large is x?" and asked["source"] == "this project" and "verdict" not in asked
    lines = ledger.ledger("laptop").splitlines()
    assert lines[0] == "### The paper" and lines[4].startswith(
        "| P1 | x is larger | so (Figure 1) | of x: 2 (1.43 to 2.57; needs"
    )
    assert lines[-1].startswith("| How large is x? | x: 2 (1.43 to 2.57) | made_up |")
    assert "of x: 2 (of 1 training set, no interval; needs above 1)" in ledger.ledger("paper")
    assert ledger.totals().splitlines()[2:] == [
        "| the paper | 2 | 0 | 0 |",  # where the paper's size cannot tell, the laptop's does
        "| all | 2 | 0 | 0 |",
        "| all, laptop scale alone | 2 | 0 | 0 |",
        "| all, paper scale alone | 0 | 0 | 2 |",
    ]
    assert len(ledger.more().splitlines()) == 2  # one set says nothing of how many it takes
    near = claims.judged(experiment(), Tables(cells=pd.DataFrame({"x": [1.0, 1.1, 1.2, 1.3]})), 1.0)
    claims.write(Path("data/metrics/paper/made_up.json"), near)
    assert ledger.more().splitlines()[2].startswith("| paper/made_up | P1 | x is larger | 4 | ")
    assert ledger.decided() == {("P1", "x is larger"): HOLDS, ("P2", "x is large"): HOLDS}
    fails = claims.judged(experiment(), Tables(cells=pd.DataFrame({"x": [0.1, 0.11, 0.12]})), 1.0)
    claims.write(Path("data/metrics/paper/made_up.json"), fails)
    assert set(ledger.decided().values()) == {FAILS}


def test_a_verdict_that_held_out_sets_do_not_repeat_decides_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)

    def run(scale: str, values: list[float]) -> None:
        summary = claims.judged(experiment(), Tables(cells=pd.DataFrame({"x": values})), 1.0)
        claims.write(Path("data/metrics", scale, "made_up.json"), summary)

    run("laptop", [2.0, 2.1, 1.9])
    assert set(ledger.decided().values()) == {HOLDS}
    assert ledger.held_out().startswith("Of the laptop's 2 verdicts 0 were judged again: 0 come out the same")
    run("held_out", [2.0, 2.1, 2.05])
    assert set(ledger.decided().values()) == {HOLDS}
    again = "Of the laptop's 2 verdicts 2 were judged again"
    assert ledger.held_out() == f"{again}: 2 come out the same, 0 the opposite, 0 cannot be told."
    run("held_out", [0.1, 0.11, 0.12])
    assert set(ledger.decided().values()) == {UNDECIDED}
    first, *table = ledger.held_out().splitlines()
    assert first.startswith(f"{again}: 0 come out the same, 2 the opposite, ")
    assert table[-1].startswith(f"| P2 | x is large | {HOLDS} | {FAILS} | of x: 0.11 (") and len(table) == 5
    run("held_out", [2.0])
    assert "0 the opposite, 2 cannot be told. Those that differ decide nothing:" in ledger.held_out()
    run("paper", [2.0, 2.1, 1.9])  # whose verdict stands by itself
    assert set(ledger.decided().values()) == {HOLDS}
    run("laptop", [2.0])
    assert ledger.held_out().startswith("Of the laptop's 0 verdicts")


def test_only_cells_under_the_source_s_settings_judge_a_claim_and_others_are_shown() -> None:
    module = ModuleType("made up")
    under = {"reduction": "sum"}
    judge = claim("J1", "x is large", source="a comment", says="so", under=under)(
        lambda tables, measure: Finding([intervals.mean("x", tables.items.x, least=1)])
    )
    vars(module).update(judge=judge)
    cells = pd.DataFrame({"cell": range(6), "reduction": ["mean"] * 3 + ["sum"] * 3})
    items = pd.DataFrame({"cell": range(6), "x": [0.0, 0.1, 0.2, 2.0, 2.1, 2.2]})

    def found(chosen: pd.DataFrame) -> Finding:
        ((_, one),) = claims.judged(
            module, Tables(cells=chosen, items=items[items.cell.isin(chosen.cell)]), None
        ).claims
        return one

    assert found(cells[3:]).verdict == found(cells).verdict == HOLDS and found(cells[3:]).shown is None
    as_run = found(cells[:3])
    assert as_run.verdict == UNDECIDED and not any(part.sets for part in as_run.parts)
    assert as_run.shown is not None and as_run.shown["under other settings"].startswith("x: 0.1 (")
    assert ledger.measured({"parts": [], "shown": as_run.shown}).startswith(
        "not run under its settings; under others: x"
    )
    assert as_run.note.endswith("The source's settings: reduction sum.")


def test_the_settings_that_each_claim_is_judged_under_are_axes_of_its_family() -> None:
    names = set()
    for experiment, run in RUNS["laptop"].items():
        spec = room(run["family"], "data.spec")
        axes = spec.Data.model_fields | spec.Training.model_fields
        for one in vars(importlib.import_module(f"stages.experiments.{experiment}.claims")).values():
            for name, value in one.under.items() if isinstance(one, claims.Claim) else ():
                TypeAdapter(axes[name].annotation).validate_python(value, strict=True)
                names.add(name)
    assert names == {"n", "S", "reduction"}
