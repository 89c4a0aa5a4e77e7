"""data/spec.py: what does not go together is refused, and what a base is made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from stages.families.language.data.spec import CONTEXT, NEUTRAL, USED, Data, Training
from tests.language.made_up import POOLS

Specs = Callable[..., Data]
Trainings = Callable[..., Training]


@pytest.mark.parametrize("name", POOLS)
def test_every_pool_has_keys_of_its_own_and_no_others(data: Specs, name: str) -> None:
    assert set(POOLS) == set(USED)
    usual = {"pool": name} | POOLS[name]
    for key, other in {"most": 2, "members": 2, "edits": 1, "span": 1}.items():
        if key in USED[name]:
            assert getattr(data(**usual | {key: other}), key) == other
        else:
            with pytest.raises(ValidationError, match=rf"a pool of {name} has no {key}; allowed: {key} {NEUTRAL[key]}"):
                data(**usual | {key: other})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pool": "families", "members": 1}, "families of 1 document are none; allowed: members >= 2"),
        ({"pool": "rules", "span": 0}, "a pool of rules has a span; allowed: span >= 1"),
        ({"pool": "spans", "span": 0}, "a pool of spans has a span; allowed: span >= 1"),
        ({"pool": "poems"}, "'kinds', 'copies', 'families', 'rules', 'twins', 'spans', 'cuts' or 'base'"),
        ({"pool": "rules", "span": CONTEXT // 2 + 1}, "less than or equal to 32"),
        ({"pool": "families", "members": 2, "edits": CONTEXT + 1}, "less than or equal to 64"),
        ({"subset": 0.0}, "greater than 0"),
        ({"subset": 1.1}, "less than or equal to 1"),
        ({"repeats": -0.1}, "greater than or equal to 0"),
        ({"each": 0}, "greater than or equal to 1"),
        ({"each": 4.0}, "valid integer"),
        ({"data_seed": 2**32}, "less than 4294967296"),
        ({"letters": 3}, "Extra inputs are not permitted"),
    ],
)
def test_documents_that_do_not_go_together_are_refused(data: Specs, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        data(**changes)


@pytest.mark.parametrize(
    ("training_changes", "data_changes", "says"),
    [
        ({"model": "relu", "layers": 2}, {}, "layers is 2; allowed: 1 of a model of one hidden layer"),
        ({"base": 0}, {"repeats": 0.5}, "base is 0; allowed: more where repeats says what its passages are"),
        ({"width": 4096, "layers": 8}, {}, "width is 4096; allowed: arrays of up to 16 GiB"),
        (
            {"width": 2048, "layers": 4, "watched": 32, "keep": "weights"},
            {},
            "width is 2048; allowed: arrays of up to 16 GiB",
        ),
    ],
)
def test_training_that_does_not_go_with_its_documents_is_refused(
    data: Specs, training: Trainings, training_changes: dict[str, Any], data_changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        training(**training_changes).check(data(**data_changes))


@pytest.mark.parametrize(
    ("training_changes", "data_changes"),
    [
        ({}, {}),
        ({"model": "relu", "layers": 1}, {}),
        ({"base": 2}, {"repeats": 0.5}),
        ({"base": 0}, {"pool": "base", "repeats": 0.5}),
        ({"width": 2048, "layers": 4, "watched": 32, "keep": "outputs"}, {}),
    ],
)
def test_other_training_is_not(
    data: Specs, training: Trainings, training_changes: dict[str, Any], data_changes: dict[str, Any]
) -> None:
    training(**training_changes).check(data(**data_changes))


def test_models_from_scratch_have_no_parent(data: Specs, training: Trainings) -> None:
    assert training(base=0).parent(data()) is None


def test_a_base_is_one_for_all_documents_and_is_trained_from_scratch(data: Specs, training: Trainings) -> None:
    spec = training(base=3, base_passages=64, epochs=7, watched=2, keep="outputs", init_seed=5)
    found = spec.parent(data(repeats=0.5, subset_seed=4, data_seed=2))
    assert found is not None
    passages, first = found
    assert passages == Data(pool="base", each=64, **NEUTRAL, repeats=0.5, subset=1.0, subset_seed=0, data_seed=0)
    assert first == spec.model_copy(update={"base": 0, "epochs": 3, "watched": 0, "keep": "weights"})
    assert first.init_seed == 5 and first.parent(passages) is None
    first.check(passages)
    for name, changes in POOLS.items():
        other = data(**{"pool": name, "subset_seed": 9} | changes | {"repeats": 0.5})
        assert spec.parent(other) == found
    assert spec.parent(data(repeats=0.0)) != found != spec.model_copy(update={"init_seed": 6}).parent(data(repeats=0.5))
