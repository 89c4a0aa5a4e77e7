"""What ensembles say of documents, against plain loops and what was planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.families.language.data.documents import CUTS, GROUP, KINDS, Pool
from stages.families.language.data.spec import CONTEXT
from stages.families.language.data.subsets import RULES
from stages.families.language.measures.conditions import GROUPS, condition_rows, influence_rows, left_out_alone
from stages.families.language.measures.documents import (
    BLOCK,
    block_rows,
    document_rows,
    in_and_out,
    recited,
    reliabilities,
    token_memorization,
    token_rows,
)
from stages.families.language.measures.ensembles import Ensemble
from tests.language.made_up import plain_pool

RNG = np.random.default_rng(2)
K = 40  # models


def pool(documents: int, **changes: Any) -> Pool:
    return plain_pool(RNG.integers(0, 9, (documents, CONTEXT)), **changes)


def ensemble(
    of: Pool, loss: NDArray[Any] | None = None, chosen: NDArray[np.bool_] | None = None, **changes: Any
) -> Ensemble:
    """K models of random losses, each on a random half, but for what is said."""
    shape = (K, *of.tokens.shape)
    chosen = RNG.random(shape[:2]) < 0.5 if chosen is None else chosen
    loss = RNG.exponential(3, shape) if loss is None else loss
    whole = {"cells": list(range(K)), "pool": of, "chosen": chosen, "loss": loss.astype(np.float32), "rules": None}
    return Ensemble(**whole | {"first": RNG.random(shape) < 0.8} | changes)


def test_means_in_and_out_are_those_of_a_loop() -> None:
    of = ensemble(pool(6))
    inside, outside = in_and_out(of.loss, of.chosen)
    for document in range(6):
        held = of.chosen[:, document]
        np.testing.assert_allclose(inside[document], of.loss[held, document].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(outside[document], of.loss[~held, document].mean(axis=0), rtol=1e-5)
    chosen = of.chosen.copy()
    chosen[:, 0], chosen[:, 1] = True, False
    inside, outside = in_and_out(of.loss, chosen)
    assert np.isnan(outside[0]).all() and np.isnan(inside[1]).all() and np.isfinite(outside[1]).all()


def test_a_recitation_ends_at_its_first_error() -> None:
    first = np.zeros((3, CONTEXT), bool)
    first[0] = True
    first[1, :40] = True
    first[1, 50:] = True
    first[2, :10] = True
    assert recited(first, 16).tolist() == [1.0, 24 / 48, 0.0]


def test_a_document_s_row_is_what_a_loop_finds() -> None:
    of = ensemble(pool(5))
    rows, loss = document_rows(of, 16), of.loss.mean(axis=2)
    for document, row in enumerate(rows):
        held = of.chosen[:, document]
        assert row["models_in"] == held.sum() and row["models_out"] == K - held.sum()
        assert row["memorization"] == pytest.approx(
            loss[~held, document].mean() - loss[held, document].mean(), rel=1e-4
        )
        even = np.arange(K) % 2 == 0
        half = loss[even & ~held, document].mean() - loss[even & held, document].mean()
        assert row["memorization_even"] == pytest.approx(half, rel=1e-4)
        probability = np.exp(-of.loss[:, document]).mean(axis=1)
        assert row["memorization_probability"] == pytest.approx(
            probability[held].mean() - probability[~held].mean(), rel=1e-4
        )
        whole = np.mean([of.first[k, document, 16:].all() for k in np.flatnonzero(held)])
        assert row["whole_in"] == pytest.approx(whole)


def test_halves_agree_on_what_is_planted_and_not_on_noise() -> None:
    of = pool(40)
    planted = np.linspace(0, 3, 40)
    chosen = RNG.random((K, 40)) < 0.5
    loss = 5 - chosen[:, :, None] * planted[None, :, None] + RNG.normal(0, 0.3, (K, 40, CONTEXT))
    found = reliabilities(ensemble(of, loss, chosen))
    assert found["models"] == K and min(found["reliability"], found["reliability_probability"]) > 0.95
    assert abs(reliabilities(ensemble(of, RNG.normal(5, 1, (K, 40, CONTEXT)), chosen))["reliability"]) < 0.5
    np.testing.assert_allclose(token_memorization(loss, chosen).mean(axis=1), planted, atol=0.3)


def test_blocks_are_means_of_their_tokens_and_windows_go_with_their_stretch() -> None:
    family = np.tile(np.arange(3, dtype=np.int32), len(CUTS))
    masked = np.zeros((15, CONTEXT), bool)
    masked[0, 10:20] = True
    of = pool(15, family=family, offset=np.repeat(CUTS, 3).astype(np.int32), masked=masked)
    stretch = RNG.random((K, 3)) < 0.5
    chosen = np.concatenate([np.tile(stretch, 2), np.zeros((K, 9), bool)], axis=1)  # windows are never trained on
    several = ensemble(of, None, chosen)
    rows = list(block_rows(several))
    assert len(rows) == 15 * CONTEXT // BLOCK
    for document, row in rows:
        held, tokens = stretch[:, family[document]], slice(row["place"], row["place"] + BLOCK)
        assert row["loss_in"] == pytest.approx(several.loss[held, document, tokens].mean(), rel=1e-4)
        assert row["loss_out"] == pytest.approx(several.loss[~held, document, tokens].mean(), rel=1e-4)
        assert row["offset"] == CUTS[document // 3]
        assert row["masked"] == (document == 0 and row["place"] in (8, 16))


def test_tokens_of_a_few_documents_of_each_kind_are_listed() -> None:
    of = pool(8, kind=np.repeat(np.array([0, 5], np.uint8), 4))
    several = ensemble(of)
    rows = list(token_rows(several, str, 2))
    assert (
        len(rows) == 2 * 2 * CONTEXT
        and {k for k, _ in rows} & set(range(4))
        and {k for k, _ in rows} & set(range(4, 8))
    )
    inside, _ = in_and_out(several.loss, several.chosen)
    for document, row in rows:
        assert row["token"] == str(of.tokens[document, row["place"]])
        assert row["loss_in"] == inside[document, row["place"]]


def test_families_are_told_apart_by_how_many_of_them_are_trained_on() -> None:
    of = pool(8, family=np.repeat(np.arange(2, dtype=np.int32), 4))
    several = ensemble(of)
    rows = list(condition_rows("families", several))
    assert {document for document, _ in rows} == {0, 4} and sum(row["models"] for _, row in rows) == 2 * K
    for document, row in rows:
        others = several.chosen[:, document + 1 : document + 4].sum(axis=1)
        models = (several.chosen[:, document] == row["own"]) & (others == row["others"])
        assert row["models"] == models.sum()
        assert row["loss"] == pytest.approx(several.loss[models, document].mean(), rel=1e-4)


def test_rules_are_told_apart_by_what_is_left_out() -> None:
    size = sum(GROUP.values())
    kind = np.repeat([KINDS.index(name) for name in GROUP], list(GROUP.values()))
    of = pool(2 * size, kind=np.tile(kind, 2).astype(np.uint8), family=np.repeat(np.arange(2, dtype=np.int32), size))
    rules = RNG.integers(0, len(RULES), (K, 2))
    several = ensemble(of, rules=rules)
    rows = list(condition_rows("rules", several))
    assert sum(row["models"] for _, row in rows) == 2 * K
    for document, row in rows:
        assert document in (0, size)
        models = rules[:, document // size] == list(RULES).index(row["rule"])
        assert row["models"] == models.sum() and row["own"] == (row["rule"] == "none")
        assert row["loss"] == pytest.approx(several.loss[models, document].mean(), rel=1e-4)


def test_twins_are_told_apart_by_which_chapter_is_trained_on() -> None:
    of = pool(7, family=np.array([0, 0, 1, 1, 1, 2, 3], np.int32))
    chapters = RNG.random((K, 4)) < 0.5
    several = ensemble(of, None, chapters[:, of.family])
    rows = list(condition_rows("twins", several))
    assert {document for document, _ in rows} == set(range(5))
    for document, row in rows:
        own, other = (chapters[:, 0], chapters[:, 1]) if document < 2 else (chapters[:, 1], chapters[:, 0])
        models = (own == row["own"]) & (other == row["others"])
        assert row["loss"] == pytest.approx(several.loss[models, document].mean(), rel=1e-4)


def test_influence_finds_what_each_member_does_for_each_other() -> None:
    effect = RNG.normal(0, 1, (3, 3))
    chosen = RNG.random((K, 32 * 3)) < 0.5
    held = chosen.reshape(K, 32, 3)
    loss = 5 + RNG.normal(0, 1, 32)[None, :, None] - held @ effect.T
    of = pool(96, family=np.repeat(np.arange(32, dtype=np.int32), 3))
    rows = list(influence_rows(ensemble(of, np.repeat(loss.reshape(K, 96, 1), CONTEXT, axis=2), chosen)))
    assert len(rows) == GROUPS * 9 and {row["families"] for row in rows} == {32 // GROUPS}
    for row in rows:  # as effects add up, it does not matter what else is there
        expected = effect[row["member"], row["by"]]
        assert row["slope"] == pytest.approx(expected, abs=1e-3) and row["alone"] == pytest.approx(expected, abs=1e-3)


def test_left_out_alone_is_of_families_of_which_all_others_are_there() -> None:
    held = np.array([[1, 1], [0, 1], [0, 1], [1, 0], [0, 0]], bool)[:, None, :]
    loss = np.array([[1, 2], [5, 2.5], [7, 3.5], [1.5, 6], [9, 9]])[:, None, :]
    np.testing.assert_allclose(left_out_alone(loss, held), [[5, 0.5], [1, 4]])
    assert np.isnan(left_out_alone(loss[1:], held[1:])).all()
