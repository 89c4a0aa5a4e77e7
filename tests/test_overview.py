"""stages/report/overview.py: where a claim stands, and the figure of all."""

from __future__ import annotations

import math
from typing import Any

import pytest
from matplotlib.figure import Figure

from stages.claims import Finding, intervals
from stages.experiments import style
from stages.report import overview


def part(low: float | None, effect: float, high: float | None, least: Any = None, most: Any = None) -> dict[str, Any]:
    return {"low": low, "effect": effect, "high": high, "least": least, "most": most}


@pytest.mark.parametrize(
    ("of", "depth"),
    [
        (part(1, 2, 4, least=0), 2),  # in units of the side towards the bound
        (part(1, 2, 4, least=1), 1),
        (part(1, 2, 4, most=4), 1),
        (part(1, 2, 4, most=3), 0.5),
        (part(1, 2, 4, least=3), -0.5),
        (part(1, 2, 4, most=1), -1),
        (part(1, 2, 4, least=0, most=3), 0.5),  # the nearer of two
        (part(2, 2, 2, least=0), overview.FAR),
        (part(None, 2, None, least=0), None),
    ],
)
def test_depth_is_counted_in_half_widths(of: dict[str, Any], depth: float | None) -> None:
    assert overview.inside([of]) == depth
    assert overview.inside([of, part(1, 2, 3, least=-50)]) == depth


def test_the_edge_of_certainty_is_that_of_the_verdict() -> None:
    for centre in (-3.0, -0.5, 0.5, 3.0):
        found = intervals.mean("x", [centre - 1, centre, centre + 1], least=0)
        given = found._asdict() | {"most": None if math.isinf(found.most) else found.most}
        depth = overview.inside([given])
        assert depth is not None and (depth > 1) == found.holds and (depth <= -1) == bool(found.refutes)
        assert (Finding([found]).verdict == "cannot tell") == (-1 < depth <= 1)


def test_every_committed_claim_has_its_row_and_mark() -> None:
    rows = overview.rows("laptop")
    assert len(rows) > 60 and next(row.id for row in rows if row.id[0] == "P") == "P1"
    with style.applied():
        figure = overview.draw("laptop")
    assert isinstance(figure, Figure)
    labels = [label.get_text() for axes in figure.get_axes() for label in axes.get_yticklabels()]
    assert [label.split()[-1] for label in labels] == [row.id for row in rows]


def test_without_claims_it_is_empty(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not any(axes.get_yticklabels() for axes in overview.draw("smoke").get_axes())
