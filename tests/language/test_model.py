"""The models of the next token against plain references in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stages.families.language.data.spec import CONTEXT, Training
from stages.families.language.data.texts import VOCABULARY
from stages.families.language.model.network import START, arrays, hidden, initial, network, outputs, restored

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, VOCABULARY, (3, CONTEXT)).astype(np.int16)

Weights = dict[str, NDArray[np.float64]]


def made(training: Callable[..., Training], **changes: Any) -> tuple[Training, torch.nn.Module, Weights]:
    """A model with weights that are all at random, biases and norms too, and those weights."""
    spec = training(**changes)
    model = network(spec)
    initial(model, spec, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.from_numpy(RNG.normal(0, 0.1, tuple(parameter.shape)).astype(np.float32))
    return spec, model, {name: value.astype(np.float64) for name, value in arrays(model).items()}


def normed(x: NDArray[np.float64], w: Weights, name: str) -> NDArray[np.float64]:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x: NDArray[np.float64], w: Weights, name: str) -> NDArray[np.float64]:
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)


def transformer(w: Weights, tokens: list[int], layers: int, heads: int) -> tuple[NDArray[np.float64], list[Any]]:
    """Logits and hidden vectors of one document, position by position."""
    before = [START, *tokens[:-1]]
    x = w["token.weight"][before] + w["position.weight"][: len(before)]
    every = []
    for layer in range(layers):
        of = f"blocks.{layer}"
        q, k, v = np.split(linear(normed(x, w, f"{of}.before"), w, f"{of}.attention.inward"), 3, axis=1)
        mixed = np.zeros_like(x)
        for head in range(heads):
            part = slice(head * x.shape[1] // heads, (head + 1) * x.shape[1] // heads)
            for t in range(len(x)):
                score = np.exp(q[t, part] @ k[: t + 1, part].T / np.sqrt(x.shape[1] / heads))
                mixed[t, part] = score @ v[: t + 1, part] / score.sum()
        x = x + linear(mixed, w, f"{of}.attention.outward")
        h = np.maximum(linear(normed(x, w, f"{of}.middle"), w, f"{of}.inward"), 0)
        every.append(h)
        x = x + linear(h, w, f"{of}.outward")
    return linear(normed(x, w, "last"), w, "logits"), every


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    top = logits - logits.max(axis=-1, keepdims=True)
    return top - np.log(np.exp(top).sum(axis=-1, keepdims=True))


def test_a_transformer_says_what_a_plain_reference_says(training: Callable[..., Training]) -> None:
    spec, model, w = made(training, width=32, layers=2)
    found, layers = outputs(model, TOKENS), hidden(model, TOKENS, 2)
    for document, tokens in enumerate(TOKENS.tolist()):
        logits, every = transformer(w, tokens, spec.layers, heads=2)
        expected = log_softmax(logits)[np.arange(CONTEXT), tokens]
        np.testing.assert_allclose(found.log_probability[document], expected, atol=2e-4)
        np.testing.assert_array_equal(found.first[document], logits.argmax(axis=1) == tokens)
        for layer, h in enumerate(every):
            np.testing.assert_allclose(layers[layer][document], h, atol=2e-4)


def test_one_layer_says_what_a_plain_reference_says(training: Callable[..., Training]) -> None:
    _, model, w = made(training, model="relu", width=20, layers=1)
    found = outputs(model, TOKENS)
    for document, tokens in enumerate(TOKENS.tolist()):
        before = [START] * 8 + tokens
        for place in (0, 3, 40, CONTEXT - 1):
            x = w["token.weight"][before[place : place + 8]].ravel()
            h = np.maximum(linear(x, w, "inward"), 0)
            expected = log_softmax(linear(h, w, "logits"))[tokens[place]]
            assert found.log_probability[document, place] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("model", ["transformer", "relu"])
def test_no_token_is_told_by_itself_or_by_later_ones(training: Callable[..., Training], model: str) -> None:
    _, trained, _ = made(training, model=model, width=16, layers=1)
    other = TOKENS.copy()
    other[:, 30:] = (other[:, 30:] + 7) % VOCABULARY
    first, second = (outputs(trained, tokens).log_probability for tokens in (TOKENS, other))
    np.testing.assert_array_equal(first[:, :30], second[:, :30])
    assert not np.isclose(first[:, 30:], second[:, 30:]).all()


@pytest.mark.parametrize(("model", "layers"), [("transformer", 2), ("relu", 1)])
def test_hidden_vectors_are_edited_at_the_layer_that_is_named(
    training: Callable[..., Training], model: str, layers: int
) -> None:
    _, trained, _ = made(training, model=model, width=16, layers=layers)
    plain = outputs(trained, TOKENS).log_probability
    for layer in range(layers):
        same = outputs(trained, TOKENS, {layer: lambda h: h}).log_probability
        without = outputs(trained, TOKENS, {layer: torch.zeros_like}).log_probability
        np.testing.assert_array_equal(plain, same)
        assert abs(plain - without).max() > 0.01


@pytest.mark.parametrize(("model", "layers"), [("transformer", 2), ("relu", 1)])
def test_weights_come_back(training: Callable[..., Training], model: str, layers: int) -> None:
    spec, trained, _ = made(training, model=model, width=16, layers=layers)
    again = restored(spec, arrays(trained))
    np.testing.assert_array_equal(outputs(trained, TOKENS).log_probability, outputs(again, TOKENS).log_probability)


def test_initial_weights_belong_to_their_seed_and_stream(training: Callable[..., Training]) -> None:
    def weights(seed: int, stream: int) -> NDArray[np.float32]:
        spec = training(width=16, init_seed=seed)
        initial(model := network(spec), spec, stream)
        return arrays(model)["token.weight"]

    assert np.array_equal(weights(0, 1), weights(0, 1))
    assert not np.array_equal(weights(0, 1), weights(0, 2)) and not np.array_equal(weights(0, 1), weights(1, 1))
    assert weights(0, 0).std() == pytest.approx(0.02, rel=0.05)
