"""Scores of hidden vectors, and what is taken out of them, against direct searches and autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch.nn.functional import cross_entropy

from stages.families.language.data.spec import CONTEXT, Training
from stages.families.language.data.texts import VOCABULARY
from stages.families.language.measures.ablations import (
    Layer,
    Model,
    ablation_rows,
    at_random,
    by_gradient,
    memorised,
    own,
    without,
)
from stages.families.language.measures.documents import recited
from stages.families.language.measures.hidden import Score, of_hidden, of_outputs, score_rows
from stages.families.language.model.network import initial, network, outputs
from stages.families.language.training import loop
from stages.statistics.leverage import leverage, whitening

RNG = np.random.default_rng(3)
UNITS = 6
H = np.maximum(RNG.normal(0.2, 1, (5, CONTEXT, UNITS)), 0)
CHOSEN = np.array([True, True, True, False, False])


def layer(h: Any = H, chosen: Any = CHOSEN) -> Layer:
    inside = h[chosen].reshape(-1, h.shape[-1])
    return Layer(0, h, inside, whitening(inside))


def test_D_star_is_the_direct_supremum_and_sums_to_the_rank() -> None:
    found = of_hidden(H, CHOSEN)["D*"]
    inside = layer().inside
    assert found[CHOSEN].sum() == pytest.approx(np.linalg.matrix_rank(inside))
    assert (found >= 0).all() and (found <= 1 + 1e-9).all()
    for place in (0, 7, 33):
        h = H[1, place]

        def share(v: Any, h: Any = h) -> float:
            return -float((v @ h) ** 2 / ((inside @ v) ** 2).sum())

        best = max(-minimize(share, RNG.normal(size=UNITS)).fun for _ in range(5))
        assert found[1, place] == pytest.approx(best, rel=1e-4)


def test_an_unseen_token_has_what_it_would_have_as_one_more() -> None:
    found = of_hidden(H, CHOSEN)
    inside = layer().inside
    for place in (3, 50):
        more = np.concatenate([inside, H[4, place][None]])
        assert found["D*"][4, place] == pytest.approx(leverage(more[-1:], whitening(more))[0], rel=1e-6)
        square = more**2
        assert found["share of one unit"][4, place] == pytest.approx((square[-1] / square.sum(axis=0)).max())
        dots = more @ more[-1]
        assert found["D_x"][4, place] == pytest.approx(dots[-1] ** 2 / (dots**2).sum())


def test_scores_of_outputs_are_those_of_autograd(training: Callable[..., Training]) -> None:
    spec = training(width=16, layers=2)
    initial(model := network(spec), spec, 0)
    tokens = RNG.integers(0, VOCABULARY, (2, CONTEXT)).astype(np.int16)
    found = of_outputs(model, tokens)
    np.testing.assert_allclose(found["loss"], -outputs(model, tokens).log_probability, atol=1e-4)
    whole = torch.from_numpy(tokens.astype(np.int64))
    weight = model.get_submodule("logits").weight
    for document, place in ((0, 0), (1, 40)):
        logits = model(whole)[document, place]
        loss = cross_entropy(logits[None], whole[document, place][None])
        (gradient,) = torch.autograd.grad(loss, weight)  # type: ignore[arg-type]
        assert found["gradient norm"][document, place] == pytest.approx(float(gradient.norm()), rel=1e-3)
        others = logits.detach().clone()
        others[tokens[document, place]] = -torch.inf
        margin = float((others.max() - logits[tokens[document, place]]).detach())
        assert found["margin"][document, place] == pytest.approx(margin, abs=1e-4)


def test_rows_say_how_well_a_score_tells() -> None:
    memorization = RNG.random((5, CONTEXT))
    natural = np.array([True, True, True, True, False])
    told = np.where(CHOSEN[:, None], 1.0, 0.0) + 0 * memorization
    told[4] = 2  # not natural: does not count
    scores = [Score(0, "itself", memorization), Score(1, "seen", told)]
    rows = score_rows(scores, CHOSEN, natural, memorization)
    value = {(r["score"], r["of"], r["among"], r["asks"]): r["value"] for r in rows}
    assert value["itself", "tokens", "natural", "memorisation"] == pytest.approx(1)
    assert value["itself", "passages", "all", "memorisation"] == pytest.approx(1)
    assert value["seen", "tokens", "natural", "seen"] == value["seen", "passages", "natural", "seen"] == 1
    assert {row["asks"] for row in score_rows(scores, CHOSEN, natural, None)} == {"seen"}
    assert score_rows(scores, CHOSEN, CHOSEN, None) == []  # all are seen


def test_a_passage_s_direction_has_the_largest_share_that_is_its_own() -> None:
    of = layer()
    directions, units, turned = own(of, 1)
    assert (directions.name, units.name, turned.name) == ("D*", "units", "turned units")
    assert directions.share and units.share and turned.share

    def share(v: Any) -> float:
        return float(((H[1] @ v) ** 2).sum() / ((of.inside @ v) ** 2).sum())

    assert share(directions.directions[:, 0]) == pytest.approx(directions.share)
    best = max(-minimize(lambda v: -share(v), RNG.normal(size=UNITS)).fun for _ in range(5))
    assert directions.share == pytest.approx(best, rel=1e-4) and directions.share > max(units.share, turned.share)
    assert units.share == pytest.approx(max(share(v) for v in np.eye(UNITS)))
    np.testing.assert_allclose(turned.directions.T @ turned.directions, np.eye(UNITS), atol=1e-12)
    assert turned.share == pytest.approx(share(turned.directions[:, 0]))


def test_of_a_passage_of_one_token_it_is_D_star_seen_or_not() -> None:
    h = H.copy()
    h[1, 1:] = h[4, 1:] = 0
    expected = of_hidden(h, CHOSEN)["D*"]
    assert next(own(layer(h), 1)).share == pytest.approx(expected[1, 0])
    assert next(own(layer(h), 4, unseen=True)).share == pytest.approx(expected[4, 0])


def test_units_by_gradient_are_those_whose_removal_costs_most(training: Callable[..., Training]) -> None:
    """To first order: a finite difference of each unit's size."""
    spec = training(width=8, layers=1)
    initial(model := network(spec), spec, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.from_numpy(RNG.normal(size=tuple(parameter.shape)).astype(np.float32))
    tokens = RNG.integers(0, VOCABULARY, (3, CONTEXT)).astype(np.int16)
    everything = np.ones(3, dtype=bool)
    of = Model(model, 1, tokens, everything, everything, np.zeros((3, CONTEXT)))
    found = by_gradient(of, layer(np.zeros((3, CONTEXT, 32)), everything), 1).directions
    assert found.shape == (32, 32)

    def said(scale: torch.Tensor) -> float:
        return float(outputs(model, tokens[[1]], {0: lambda h: h * scale}).log_probability.sum())

    def cost(unit: int) -> float:
        scale = torch.ones(32)
        scale[unit] -= 0.02
        return said(torch.ones(32)) - said(scale)

    order = np.argsort([-cost(unit) for unit in range(32)])
    assert found.argmax(axis=0)[:3].tolist() == order[:3].tolist()


def test_what_is_taken_out_is_gone_and_nothing_else() -> None:
    directions = RNG.normal(size=(UNITS, 2))
    h = torch.from_numpy(H.astype(np.float32))
    left = without(directions)(h).numpy()
    np.testing.assert_allclose(left @ directions, 0, atol=1e-5)
    across = np.linalg.svd(directions.T)[2][2:]
    np.testing.assert_allclose(left @ across.T, H @ across.T, atol=1e-5)
    none = without(np.eye(UNITS)[:, :1])(h).numpy()
    assert not none[..., 0].any() and np.array_equal(none[..., 1:], H.astype(np.float32)[..., 1:])


def test_the_direction_of_what_is_memorised_is_found() -> None:
    of, planted = layer(), RNG.normal(size=UNITS)
    memorization = np.full((5, CONTEXT), np.nan)
    memorization[CHOSEN] = H[CHOSEN] @ planted
    found = memorised(of, CHOSEN, memorization).directions[:, 0]
    centred = of.inside - of.inside.mean(axis=0)
    assert np.corrcoef(centred @ found, centred @ planted)[0, 1] > 0.95
    names = [(removal.name, removal.directions.shape) for removal in at_random(of, RNG)]
    assert names == [("random directions", (UNITS, UNITS)), ("random units", (UNITS, UNITS))]


def test_a_trained_model_loses_its_passage_with_its_directions(training: Callable[..., Training]) -> None:
    """A model that recites ten passages, of which one is not natural."""
    spec = training(width=16, layers=2, epochs=150, batch=10, lr=1e-2, keep="weights")
    tokens = RNG.integers(0, VOCABULARY, (12, CONTEXT)).astype(np.int16)
    chosen = np.arange(12) < 10
    kept: list[torch.nn.Module] = []
    loop.train(tokens[chosen], tokens[chosen], spec, lambda model: kept.append(model) or {})  # type: ignore[func-returns-value]
    said = outputs(kept[0], tokens)
    assert recited(said.first, 16)[chosen].min() > 0.5
    natural = np.arange(12) != 3
    rows = list(ablation_rows(Model(kept[0], 2, tokens, chosen, natural, RNG.random((12, CONTEXT))), 16, 4))
    passages = {row["document"] for row in rows if row["seen"]}
    assert len(passages) == 4 and passages <= set(np.flatnonzero(chosen & natural).tolist())
    assert {row["document"] for row in rows if not row["seen"]} == {10, 11}
    for row in rows:
        assert row["loss"] == pytest.approx(-said.log_probability[row["document"], 16:].mean(), abs=1e-4)
    of = [row for row in rows if row["seen"] and row["count"] == 4]
    cost = {
        name: np.mean([row["loss_after"] - row["loss"] for row in of if row["removed"] == name])
        for name in ("D*", "random directions")
    }
    assert cost["D*"] > 2 * cost["random directions"]
