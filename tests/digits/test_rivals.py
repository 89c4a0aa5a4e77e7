"""Scores, the classifier and the training loop: against autograd, brute force and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stages.families.digits.data.spec import Training
from stages.families.digits.measures import rivals
from stages.families.digits.model.classifier import Classifier
from stages.families.digits.training.loop import train, watched_epochs

RNG = np.random.default_rng(0)
X, LABEL = RNG.random((40, 12)).astype(np.float32), RNG.integers(0, 10, 40).astype(np.uint8)
MODEL = Classifier(*(RNG.normal(size=shape).astype(np.float32) for shape in ((7, 12), (7,), (10, 7), (10,))))
SPEC = Training(hidden=7, epochs=5, batch=8, lr=1e-2, weight_decay=0.0, init_seed=0, watched=2, keep="weights")


def torch_losses(parameters: list[torch.Tensor], x: np.ndarray, label: np.ndarray) -> torch.Tensor:
    W, b, V, c = parameters
    z = torch.relu(torch.tensor(x, dtype=torch.float64) @ W.T + b) @ V.T + c
    return torch.nn.functional.cross_entropy(z, torch.tensor(label.astype(np.int64)), reduction="none")


def test_losses_and_gradient_norms_are_autograd_s() -> None:
    parameters = [torch.tensor(p.astype(np.float64), requires_grad=True) for p in MODEL]
    expected = torch_losses(parameters, X, LABEL)
    np.testing.assert_allclose(rivals.losses(MODEL, X, LABEL), expected.detach(), rtol=1e-5)
    norms = [
        np.sqrt(sum(float((g**2).sum()) for g in torch.autograd.grad(loss, parameters, retain_graph=True)))
        for loss in expected
    ]
    np.testing.assert_allclose(rivals.gradient_norms(MODEL, X, LABEL), norms, rtol=1e-5)


def test_input_curvatures_are_autograd_s() -> None:
    W, b, V, c = (torch.tensor(p.astype(np.float64)) for p in MODEL)
    expected = []
    for x, label in zip(X, LABEL, strict=True):

        def loss(pixels: torch.Tensor, label: int = int(label)) -> torch.Tensor:
            return -torch.log_softmax(V @ torch.relu(W @ pixels + b) + c, dim=0)[label]

        hessian = torch.autograd.functional.hessian(loss, torch.tensor(x, dtype=torch.float64))
        expected.append(float(hessian.norm()))
    for block in (7, 1000):
        np.testing.assert_allclose(rivals.input_curvatures(MODEL, X, block), expected, rtol=1e-4)


def test_a_margin_is_positive_where_the_prediction_is_another() -> None:
    margin = rivals.margins(MODEL, X, LABEL)
    np.testing.assert_array_equal(margin > 0, MODEL.logits(X).argmax(axis=1) != LABEL)


def test_distances_are_those_of_every_pair() -> None:
    pairs = np.linalg.norm(X[:, None] - X[None], axis=2) + np.diag(np.full(40, np.inf))
    for block in (7, 1000):
        np.testing.assert_allclose(rivals.nearest_neighbours(X, block), pairs.min(axis=1), rtol=1e-3)


def test_mahalanobis_is_within_the_class() -> None:
    h, label = RNG.normal(size=(60, 3)), np.repeat([0, 1], 30).astype(np.uint8)
    h[label == 1] += 100
    distance = rivals.mahalanobis(h, label)
    for digit in (0, 1):
        own = h[label == digit]
        inverse = np.linalg.inv(np.cov(own.T, bias=True))
        centred = own - own.mean(axis=0)
        np.testing.assert_allclose(
            distance[label == digit], np.sqrt(np.einsum("ti,ij,tj->t", centred, inverse, centred))
        )


def test_a_unit_that_only_one_example_uses_is_its_own() -> None:
    h = np.array([[1.0, 0, 0], [1, 2, 0], [1, 0, 0]])
    np.testing.assert_allclose(rivals.largest_unit_shares(h), [1 / 3, 1, 1 / 3])


def test_training_learns_gives_the_same_bytes_and_keeps_models_on_the_way() -> None:
    label = (X[:, 0] > 0.5).astype(np.uint8)
    kept = train(X, label, SPEC)
    assert [epochs for epochs, _ in kept] == watched_epochs(SPEC) == [1, 2, 5]
    again = train(X, label, SPEC)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(kept[-1][1], again[-1][1], strict=True))
    longer = train(X, label, SPEC.model_copy(update={"epochs": 60, "watched": 0}))[-1][1]
    assert (longer.logits(X).argmax(axis=1) == label).mean() >= 0.95
    assert rivals.losses(longer, X, label).mean() < rivals.losses(kept[0][1], X, label).mean()


def test_training_follows_torch_s_own_adamw() -> None:
    spec = SPEC.model_copy(update={"epochs": 3, "batch": 40, "watched": 0})  # one batch, so that no order matters
    start = train(X, LABEL, spec.model_copy(update={"epochs": 1, "lr": 1e-30}))[-1][1]
    parameters = [torch.tensor(p.astype(np.float64), requires_grad=True) for p in start]
    adam = torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.0)
    for step in range(3):
        adam.param_groups[0]["lr"] = 1e-2 * (1 - step / 3)
        adam.zero_grad()
        torch_losses(parameters, X, LABEL).mean().backward()
        adam.step()
    for ours, theirs in zip(train(X, LABEL, spec)[-1][1], parameters, strict=True):
        assert ours == pytest.approx(theirs.detach().numpy(), abs=1e-5)
