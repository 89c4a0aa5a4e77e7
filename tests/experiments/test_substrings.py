"""Answers and figures of substrings, on tables made up to be known."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from stages.claims import Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.substrings import claims as substrings_claims
from stages.experiments.substrings.figure import draw
from tests.experiments.verdicts import finding, part

ASKED = SimpleNamespace()
GRADIENT, CUT = "give no gradient", "context window"
HIDDEN = (24, 32)  # places of the blocks that give none


def tables() -> Tables:
    """Memorisation of 7 nats, 0 where there is no gradient; of 4 in windows as trained on, of 1 elsewhere, 2 past 0."""
    rows = []
    for seed in (0, 1):
        for document in range(10):
            for place in range(0, 64, 8):
                masked = document >= 5 and place in HIDDEN
                kind = "masked" if document >= 5 else "bible"
                rows.append(
                    {"pool": "spans", "kind": kind, "offset": 0, "masked": masked, "gain": 0.0 if masked else 7.0}
                )
                rows[-1] |= {"document": document, "family": document, "place": place, "init_seed": seed}
        for family in range(6):
            for k, offset in enumerate((0, 64, 16, 32, 48)):
                for place in range(0, 64, 8):
                    gain = 4.0 if k < 2 else 2.0 if place else 1.0
                    rows.append({"pool": "cuts", "kind": "bible", "offset": offset, "masked": False, "gain": gain})
                    rows[-1] |= {"document": 6 * k + family, "family": family, "place": place, "init_seed": seed}
    blocks = pd.DataFrame(rows)
    blocks = blocks.assign(loss_in=1.0, loss_out=1 + blocks.gain + 0.01 * (blocks.family % 3) * (blocks.gain > 0))
    return Tables(cells=pd.DataFrame({"cell": [0]}), blocks=blocks)


def judged() -> Summary:
    return judge(substrings_claims, tables(), ASKED)


def test_a_span_without_gradient_is_compared_with_what_is_about_it_and_with_others() -> None:
    found = judged()
    assert part(found, GRADIENT, "no gradient inside: in the").effect == pytest.approx(0)
    for words in ("no gradient inside: before", "no gradient inside: after", "gradient everywhere: in the"):
        assert part(found, GRADIENT, words).effect == pytest.approx(7, abs=0.02)
        assert part(found, GRADIENT, words).sets == 5
    assert found.headline == pytest.approx({"without_gradient": 0, "at_other_places": 1.875 / 4}, abs=0.01)


def test_windows_at_other_places_are_compared_with_those_as_trained_on() -> None:
    effects = [of.effect for of in finding(judged(), CUT).parts]
    assert effects == pytest.approx([4, 1.875, 1.875 / 4, 1, 2, 2], abs=0.02)


def test_nothing_trained_claims_nothing() -> None:
    empty = Tables(cells=pd.DataFrame({"cell": []}), blocks=tables()["blocks"].head(0))
    found = judge(substrings_claims, empty, ASKED)
    assert not any(of.sets for _, answer in found.questions for of in answer.parts) and draw(empty, {}) == {}


def test_one_figure_has_both() -> None:
    assert set(draw(tables(), {})) == {"substrings"}
    only = tables()["blocks"].query("pool == 'cuts'")
    assert set(draw(Tables(cells=tables().cells, blocks=only), {})) == {"substrings"}
