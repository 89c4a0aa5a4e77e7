"""What is taken out of a classifier: against autograd, brute force and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stages.core.random import generator
from stages.families.digits.measures.images import Images
from stages.families.digits.measures.removals import (
    Amounts,
    Effects,
    curvatures,
    directions,
    halves,
    removals,
    units_to_flip,
    without_directions,
    without_small,
    without_units,
)
from stages.families.digits.model.classifier import Classifier
from stages.statistics.leverage import leverage, whitening

RNG = np.random.default_rng(0)
MODEL = Classifier(*(RNG.normal(size=shape).astype(np.float32) for shape in ((7, 12), (7,), (10, 7), (10,))))
X = RNG.random((40, 12)).astype(np.float32)
IMAGES = Images(X, MODEL.logits(X).argmax(axis=1).astype(np.uint8), RNG.integers(0, 10, 40).astype(np.uint8))
AMOUNTS = Amounts((1, 3, 7, 100), (0.3, 0.9))


def test_nothing_taken_out_changes_nothing() -> None:
    found = list(removals(MODEL, IMAGES, np.arange(40) < 8, Amounts((0,), (0.0,))))
    assert found[0].name == "nothing"
    for one in found:
        for before, after in zip(MODEL, one.edited, strict=True):
            np.testing.assert_allclose(after, before, atol=1e-5)


def test_every_removal_is_named_once_for_each_amount_that_there_is() -> None:
    found = [(one.name, one.amount) for one in removals(MODEL, IMAGES, np.arange(40) < 8, AMOUNTS)]
    assert len(set(found)) == len(found)
    assert ("highest D*", 7) in found and ("highest D*", 100) not in found  # of a layer of seven units
    assert len(found) == 1 + 7 * 3 + 2 * 2 + 4 * 2


def test_outputs_do_not_see_directions_that_are_taken_out() -> None:
    span = RNG.normal(size=(7, 2))
    edited, h = without_directions(MODEL, span), MODEL.after(X)
    np.testing.assert_allclose((h + span.sum(axis=1)) @ edited.V.T, h @ edited.V.T, atol=1e-4)
    across = np.linalg.svd(span)[0][:, 2:]
    np.testing.assert_allclose(edited.V @ across, MODEL.V @ across, atol=1e-5)


def test_units_that_are_taken_out_are_as_if_they_were_silent() -> None:
    h = MODEL.after(X)
    h[:, [1, 4]] = 0
    np.testing.assert_allclose(without_units(MODEL, np.array([1, 4])).logits(X), h @ MODEL.V.T + MODEL.c, atol=1e-5)


def test_own_directions_have_the_largest_shares_and_those_of_highest_d_star_attain_it() -> None:
    told, h = np.arange(40) < 8, MODEL.after(X).astype(np.float64)

    def share(v: np.ndarray, of: np.ndarray) -> np.ndarray:
        found: np.ndarray = ((h[of] @ v) ** 2).sum(axis=0) / ((h @ v) ** 2).sum(axis=0)
        return found

    found = directions(MODEL, IMAGES, told, generator("test"))
    shares = share(found["own directions"], told)
    assert (np.diff(shares) <= 1e-9).all()
    assert shares[0] >= share(RNG.normal(size=(7, 5000)), told).max()
    variance = ((h - h.mean(axis=0)) @ found["least variance"]).var(axis=0)
    assert (np.diff(variance) >= -1e-9).all()
    D = leverage(h, whitening(h))
    most = np.argsort(-D, kind="stable")[:7]
    for k, image in enumerate(most):
        assert share(found["highest D*"][:, k], np.arange(40) == image) == pytest.approx(D[image])


def test_curvatures_are_the_fisher_information_s() -> None:
    W, b, V, c = (torch.tensor(p.astype(np.float64)) for p in MODEL)
    G = {"W": np.zeros((7, 7)), "V": np.zeros((10, 10))}
    for x in torch.tensor(X, dtype=torch.float64):
        below = (W @ x + b).requires_grad_()
        z = V @ torch.relu(below) + c
        logs = torch.log_softmax(z, dim=0)
        for label in range(10):
            of = torch.autograd.grad(logs[label], [below, z], retain_graph=True)
            for name, g in zip(("W", "V"), of, strict=True):
                G[name] += float(logs[label].detach().exp()) * np.outer(g, g) / 40
    for name, inputs in (("W", X), ("V", MODEL.after(X))):
        found, A = curvatures(MODEL, X)[name], inputs.T.astype(np.float64) @ inputs.astype(np.float64) / 40
        g, a = np.linalg.eigvalsh(G[name]), np.linalg.eigvalsh(A)
        np.testing.assert_allclose(found.of, np.outer(g, a), atol=1e-6 * found.of.max())
        np.testing.assert_allclose(found.without(found.lowest_first, 0), getattr(MODEL, name), atol=1e-5)


def test_weights_of_no_curvature_change_no_output() -> None:
    x = X.copy()
    x[:, 9:] = 0  # three pixels that are never seen
    found = curvatures(MODEL, x)["W"]
    edited = MODEL._replace(W=found.without(found.lowest_first, 3 * 7))
    np.testing.assert_allclose(edited.logits(x), MODEL.logits(x), atol=1e-4)
    np.testing.assert_allclose(edited.W[:, 9:], 0, atol=1e-5)


def test_small_singular_values_go_first() -> None:
    kept = without_small(MODEL.W, 4 / 7)
    np.testing.assert_allclose(np.linalg.svd(kept)[1][:4], [*np.linalg.svd(MODEL.W)[1][:3], 0], atol=1e-5)


def test_a_wrong_label_with_a_direction_of_its_own_is_taken_out_alone() -> None:
    hidden = np.eye(11, dtype=np.float32)  # a unit for each digit, and one for the one image with a wrong label
    x = np.concatenate([np.repeat(hidden[:10], 20, axis=0), hidden[:1] + hidden[10:]])
    V = np.concatenate([np.eye(10), np.zeros((10, 1))], axis=1)
    V[3, 10] = 2
    model = Classifier(hidden, np.zeros(11, np.float32), V.astype(np.float32), np.zeros(10, np.float32))
    label = np.append(np.repeat(np.arange(10), 20), 3).astype(np.uint8)
    images = Images(x, label, np.where(np.arange(201) == 200, 0, label).astype(np.uint8))
    targets = halves(np.ones(201, dtype=bool), generator("test"))._replace(told=images.wrong)
    effect = Effects(images, images, targets)
    assert effect(model)["recalled_told"] == 1
    for one in removals(model, images, images.wrong, Amounts((1,), ())):
        if one.name in ("own directions", "highest D*", "units by margin"):
            after = effect(one.edited)
            assert after["recalled_told"] == 0 and after["corrected"] == 1 and after["right_kept"] == 1, one.name
    assert units_to_flip(model, images)[200] == 1


def test_units_to_flip_are_those_of_a_search_one_by_one() -> None:
    images, h = IMAGES._replace(label=(IMAGES.label + (np.arange(40) < 5)) % 10), MODEL.after(X).astype(np.float64)
    for t, fewest in enumerate(units_to_flip(MODEL, images)):
        label = images.label[t]
        z = MODEL.logits(X[[t]])[0]
        other = int(np.where(np.arange(10) == label, -np.inf, z).argmax())
        order = np.argsort(-h[t] * (MODEL.V[label] - MODEL.V[other]).astype(np.float64), kind="stable")
        kept, count = h[t].copy(), 0
        while (MODEL.V @ kept + MODEL.c).argmax() == label and count < 8:
            if count < 7:
                kept[order[count]] = 0
            count += 1
        assert fewest == count


def test_halves_are_of_the_wrong_labels_and_do_not_overlap() -> None:
    wrong = RNG.random(100) < 0.3
    told, untold = halves(wrong, generator("test"))
    assert not (told & untold).any()
    np.testing.assert_array_equal(told | untold, wrong)
    assert abs(int(told.sum()) - int(untold.sum())) <= 1


@pytest.mark.parametrize("wrong", [True, False])
def test_effects_are_shares(wrong: bool) -> None:
    images = IMAGES if wrong else IMAGES._replace(true_label=IMAGES.label)
    found = Effects(images, images, halves(images.wrong, generator("test")))(MODEL)
    assert found["right_kept"] == 1 and found["validation"] == 1
    assert (found["recalled_told"] == 1) if wrong else (found["recalled_told"] is None)
