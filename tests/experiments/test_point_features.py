"""Claims and figures of point_features, on tables made up to be known."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.point_features import REMOVED
from stages.experiments.point_features import claims as point_features_claims
from stages.experiments.point_features.claims import COUNT
from stages.experiments.point_features.figure import draw
from tests.experiments.verdicts import part, verdict

ASKED = SimpleNamespace(ablated=12)
OWN, NEURON = "directions of its own", "not one neuron"
MODELS = 6


def tables(directions: float = 4.0, units: float = 2.0, left: float = 0.6, unseen: float = 0.0) -> Tables:
    """Removals that cost the passage so many times what they cost others; D* goes with memorisation, loss does not."""
    ratio = dict.fromkeys(REMOVED, 1.0) | {"D*": directions, "units": units, "units by gradient": units}
    ablations, scores = [], []
    for cell in range(MODELS):
        for model, layers in (("transformer", 2), ("relu", 1)):
            about = {"cell": cell + MODELS * (model == "relu"), "model": model, "layers": layers, "init_seed": cell % 2}
            for layer in range(layers):
                for removed, more in ratio.items():
                    for count in (1, COUNT):
                        costs = {"loss_after": 1 + 0.1 * more * (1 + 0.01 * cell), "others_after": 1.1}
                        kept = {"recited": 0.8, "recited_after": 0.8 * left + 0.01 * cell, "seen": True}
                        kept |= {"others_recited": 0.8, "others_recited_after": 0.6}
                        ablations.append(about | costs | kept | {"layer": layer, "removed": removed, "count": count})
                        if removed == "D*":
                            lost = {"seen": False, "loss_after": 1 + 0.1 * unseen * (1 + 0.02 * cell)}
                            ablations.append(ablations[-1] | lost)
                for of in ("tokens", "passages"):
                    asked = about | {"layer": layer, "of": of, "score": "D*", "value": 0.5 + 0.01 * cell}
                    scores.append(asked | {"asks": "memorisation", "among": "natural"})
                    scores.append(asked | {"asks": "seen", "among": "all"})
            for of in ("tokens", "passages"):
                asked = about | {"layer": -1, "of": of, "score": "loss", "value": -0.8 + 0.01 * cell}
                scores.append(asked | {"asks": "memorisation", "among": "natural"})
                scores.append(asked | {"asks": "seen", "among": "all"})
    table = pd.DataFrame(ablations).assign(loss=1.0, others=1.0, document=0)
    return Tables(cells=pd.DataFrame({"cell": range(2 * MODELS)}), ablations=table, scores=pd.DataFrame(scores))


def judged(**ratio: float) -> Summary:
    return judge(point_features_claims, tables(**ratio), ASKED)


def test_directions_are_a_passage_s_own_where_they_cost_it_more_than_others_and_than_an_unseen_one() -> None:
    assert verdict(judged(), OWN) == HOLDS and verdict(judged(directions=0.5), OWN) == FAILS
    assert verdict(judged(unseen=5.0), OWN) == FAILS
    assert part(judged(), OWN, "layer 2: over others").sets == MODELS
    assert judged().headline == pytest.approx({"directions": 4.1, "units": 2.05})


def test_a_passage_is_one_neuron_s_where_it_is_lost_without_it() -> None:
    assert verdict(judged(), NEURON) == HOLDS and verdict(judged(left=0.1), NEURON) == FAILS
    for words in ("it needs most", "most its own"):
        kept = part(judged(), NEURON, f"one ReLU layer: left without the unit {words}")
        assert kept.effect == pytest.approx(0.6 + 0.01 * 2.5 / 0.8)


@pytest.mark.parametrize("chosen", ["units", "units by gradient"])
def test_one_unit_that_loses_a_passage_is_enough_however_it_is_chosen(chosen: str) -> None:
    made = tables()
    lost = (made["ablations"].removed == chosen) & (made["ablations"].layer == 1)
    made["ablations"].loc[lost, "recited_after"] *= 0.1
    assert verdict(judge(point_features_claims, made, ASKED), NEURON) == FAILS


def test_units_are_compared_with_axes_of_a_random_basis() -> None:
    for words, more in (("directions", 4), ("units by share", 2), ("units by gradient", 2)):
        assert part(judged(), "axes of a random basis", f"one ReLU layer: {words}").effect == pytest.approx(
            more, rel=1e-3
        )


def test_the_best_score_is_chosen_by_half_of_the_models_and_judged_by_the_other() -> None:
    found = part(judged(), "better than other scores", "loss, one ReLU layer, output, chosen")
    assert found.effect == pytest.approx(-0.8 + 0.01 * (1 + 3 + 5) / 3) and found.sets == MODELS // 2
    assert part(judged(), "better than other scores", "D*, transformer, layer 1").effect == pytest.approx(0.525)
    assert part(judged(), "was trained on", "loss, transformer").effect == pytest.approx(-0.775)


def test_nothing_trained_claims_nothing() -> None:
    made = tables()
    empty = Tables({name: made[name].head(0) for name in ("cells", "ablations", "scores")})
    found = judge(point_features_claims, empty, ASKED)
    assert not any(of.sets for _, answer in (*found.claims, *found.questions) for of in answer.parts)
    assert draw(empty, {}) == {}


def test_figures_are_drawn_of_what_is_there() -> None:
    assert set(draw(tables(), {})) == {"taken_out", "scores"}
