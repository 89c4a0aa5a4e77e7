"""Training of language models: against a plain loop, resumed, masked, from a base."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from stages.core.random import generator
from stages.families.language import training as family
from stages.families.language.data import Dataset
from stages.families.language.data.spec import CONTEXT, Data, Training
from stages.families.language.data.texts import VOCABULARY
from stages.families.language.model.network import arrays, initial, network, outputs, restored
from stages.families.language.training import loop
from tests.language.made_up import plain_pool

RNG = np.random.default_rng(1)
Arrays = dict[str, NDArray[Any]]


class Kept:
    """A checkpoint in memory, saved after every epoch until it is told to stop."""

    def __init__(self, stop: int = 10**9) -> None:
        self.saved: Arrays = {}
        self.stop = stop

    def load(self) -> Arrays:
        return {name: value.copy() for name, value in self.saved.items()}

    def due(self) -> bool:
        return True

    def save(self, arrays: Arrays) -> None:
        self.saved = {name: np.array(value) for name, value in arrays.items()}
        if arrays["epoch"][0] == self.stop:
            raise InterruptedError


def dataset(documents: int = 12, **changes: Any) -> Dataset:
    """Documents of random tokens, half of which are trained on."""
    pool = plain_pool(RNG.integers(0, VOCABULARY, (documents, CONTEXT)), **changes)
    return Dataset(pool, np.arange(documents) % 2 == 0, "tokeniser")


def plainly(tokens: NDArray[np.int16], spec: Training) -> Arrays:
    """The same training with torch's own AdamW and schedule written out."""
    torch.set_num_threads(1)
    model, rng = network(spec), generator(f"language order seed={spec.init_seed} stream=0")
    initial(model, spec, 0)
    decayed, others = ([p for p in model.parameters() if (p.dim() > 1) is is_decayed] for is_decayed in (True, False))
    adam = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": spec.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=1.0,
        betas=(0.9, 0.95),
        foreach=False,
    )
    each = math.ceil(len(tokens) / spec.batch)
    total = each * spec.epochs
    warm = round(spec.warmup * total)
    step = 0
    for _ in range(spec.epochs):
        order = rng.permutation(len(tokens))
        for k in range(each):
            batch = torch.from_numpy(tokens[order[k * spec.batch : (k + 1) * spec.batch]].astype(np.int64))
            cosine = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
            for group in adam.param_groups:
                group["lr"] = spec.lr * ((step + 1) / warm if step < warm else cosine)
            adam.zero_grad()
            cross_entropy(model(batch).reshape(-1, VOCABULARY), batch.reshape(-1)).backward()  # type: ignore[no-untyped-call]
            length = math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters() if p.grad is not None))
            for p in model.parameters():
                assert p.grad is not None
                p.grad *= min(1.0, 1.0 / (length + 1e-6))
            adam.step()
            step += 1
    return arrays(model)


@pytest.mark.parametrize(("model", "layers"), [("transformer", 2), ("relu", 1)])
def test_training_is_adamw_on_clipped_gradients(training: Callable[..., Training], model: str, layers: int) -> None:
    spec = training(model=model, layers=layers, width=16, epochs=3, batch=5, keep="weights")
    tokens = dataset().pool.tokens
    ((epoch, found),) = loop.train(tokens, tokens, spec, arrays)
    expected = plainly(tokens, spec)
    assert epoch == 3 and found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=2e-5, err_msg=name)


def test_the_same_bytes_again_and_after_a_stop(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    spec, of = training(width=16, epochs=5, watched=2, batch=5), dataset()
    whole = family.train(data(), of, spec)
    assert (
        family.train(data(), of, spec).arrays["log_probability"].tobytes() == whole.arrays["log_probability"].tobytes()
    )
    kept: Any = Kept(stop=3)
    with pytest.raises(InterruptedError):
        family.train(data(), of, spec, None, kept)
    kept.stop = 10**9
    resumed = family.train(data(), of, spec, None, kept)
    assert resumed.arrays["epoch"].tolist() == [1, 2, 5]
    for name, value in whole.arrays.items():
        assert resumed.arrays[name].tobytes() == value.tobytes(), name


def test_masked_tokens_are_read_and_not_learned(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    """What is predicted at them does not matter; that they come before others does."""
    spec = training(width=16, epochs=4, batch=6, keep="weights")
    masked = np.zeros((12, CONTEXT), bool)
    masked[:, 20:30] = True
    plain = dataset()
    pool = plain.pool
    learned = np.where(masked, loop.IGNORED, pool.tokens)
    for row in learned:
        assert (row == loop.IGNORED).sum() == 10
    model = restored(spec, {name: value[-1] for name, value in _weights(data, plain, spec, masked).items()})
    model.zero_grad()
    tokens = torch.from_numpy(pool.tokens.astype(np.int64))
    targets = torch.from_numpy(learned.astype(np.int64))
    logits = model(tokens)
    logits.retain_grad()
    cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=loop.IGNORED).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert not logits.grad[:, 20:30].any() and logits.grad[:, 30:].abs().sum(dim=2).all()
    one, other = (_weights(data, plain, spec, mask)["token.weight"] for mask in (masked, np.zeros_like(masked)))
    assert not np.array_equal(one, other)


def _weights(data: Callable[..., Data], of: Dataset, spec: Training, masked: NDArray[np.bool_]) -> Arrays:
    found = family.train(data(), of._replace(pool=of.pool._replace(masked=masked)), spec).arrays
    return {name: value for name, value in found.items() if name != "epoch"}


def test_copies_are_met_as_often_as_they_are_there(
    data: Callable[..., Data], training: Callable[..., Training]
) -> None:
    spec, copies = training(width=16, epochs=20, batch=8), np.where(np.arange(12) == 0, 8, 1).astype(np.int32)
    of = dataset(copies=copies)
    loss = -family.train(data(), of, spec).arrays["log_probability"][-1].mean(axis=1)
    assert family.work(data(), of, spec) == 20 * 13
    assert loss[0] < loss[2:12:2].min() - 0.1 and loss[1::2].min() > loss[2:12:2].mean()
    never = dataset(copies=copies * (np.arange(12) != 0))
    assert family.work(data(), never, spec) == 20 * 5


def test_a_base_is_where_training_starts(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    of = dataset()
    base = training(width=16, epochs=3, batch=4, keep="weights")
    start = family.train(data(), of, base).arrays
    spec = training(width=16, epochs=1, batch=4, lr=1e-9, weight_decay=0.0)
    before = outputs(restored(base, {n: v[-1] for n, v in start.items() if n != "epoch"}), of.pool.tokens)
    after = family.train(data(), of, spec, start).arrays["log_probability"][-1]
    np.testing.assert_allclose(after, before.log_probability, atol=0.01)
    assert abs(family.train(data(), of, spec).arrays["log_probability"][-1] - after).max() > 0.1


def test_what_decides_the_bytes_is_in_the_key(data: Callable[..., Data], training: Callable[..., Training]) -> None:
    of = dataset()
    digest = family.digest(data(), of)
    masked = of.pool.masked.copy()
    masked[0, 0] = True
    changed = (
        of._replace(chosen=~of.chosen),
        of._replace(tokenizer="another"),
        of._replace(pool=of.pool._replace(masked=masked)),
        of._replace(pool=of.pool._replace(copies=of.pool.copies * 2)),
        of._replace(pool=of.pool._replace(tokens=of.pool.tokens[::-1])),
    )
    assert digest == family.digest(data(), of) and digest not in {family.digest(data(), other) for other in changed}
    assert family.decides(training()) != family.decides(training(lr=0.5))


def test_the_learning_rate_warms_up_and_falls_to_0(training: Callable[..., Training]) -> None:
    spec = training(lr=2.0, warmup=0.1)
    rates = [loop.learning_rate(step, 100, spec) for step in range(100)]
    assert rates[:3] == pytest.approx([0.2, 0.4, 0.6]) and max(rates) == rates[9] == rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0) and 0 < rates[-1] < 0.01


def test_models_are_kept_after_powers_of_two_and_at_the_end(training: Callable[..., Training]) -> None:
    assert loop.watched_epochs(training(epochs=6, watched=4)) == [1, 2, 4, 6]
    assert loop.watched_epochs(training(epochs=4, watched=2)) == [1, 2, 4]
    assert loop.watched_epochs(training(epochs=4, watched=0)) == [4]
