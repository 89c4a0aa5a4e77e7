"""What is lost where something is taken out of a hidden layer: a passage's own direction, others, or single units.

Of a passage of tokens S and the hidden vectors h of all N tokens that are trained on, the largest share of a direction
that is the passage's, sup_v sum_S (v . h)^2 / sum_N (v . h)^2, is the largest eigenvalue of Z_S^T Z_S where Z are the
whitened hidden vectors. Of a passage of one token that is its D*.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from stages.core.random import generator
from stages.families.language.measures.documents import recited
from stages.families.language.model.network import Edit, hidden, outputs
from stages.statistics.leverage import Whitening, whitening

COUNTS = (1, 4, 16, 64)  # directions or units that are taken out
OTHERS = 24  # passages that are looked at beside
RIDGE = 1e-3  # of the least squares that find the direction of what is memorised, relative to the mean square

Floats = NDArray[np.float64]
Row = dict[str, Any]


class Removal(NamedTuple):
    """What is taken out: the span of directions, or units."""

    name: str
    directions: Floats  # (units, k), the most important first
    share: float | None = None  # of the first, that is the passage's


class Layer(NamedTuple):
    """One layer's hidden vectors of all documents, and of those that are trained on as one list."""

    number: int
    h: NDArray[np.float32]  # (D, CONTEXT, units)
    inside: Floats  # (N, units)
    of: Whitening


class Model(NamedTuple):
    """A model, and the documents that it may recite."""

    network: nn.Module
    layers: int
    tokens: NDArray[np.int16]  # (D, CONTEXT)
    chosen: NDArray[np.bool_]  # (D,) trained on
    natural: NDArray[np.bool_]  # (D,) passages of text
    memorization: Floats  # (D, CONTEXT)


def ablation_rows(model: Model, prefix: int, count: int) -> Iterator[Row]:
    """Columns of ABLATIONS for `count` of the natural passages that the model recites best, each with every removal.

    Others that are looked at are those that it recites next best. And for as many natural passages that it has not been
    trained on, what directions that are theirs cost them.
    """
    share = recited(outputs(model.network, model.tokens).first, prefix)
    share[~(model.chosen & model.natural)] = 0.0
    best = np.argsort(-share, kind="stable")[: min(int((share > 0).sum()), count + OTHERS)]
    rng = generator(f"ablations {hashlib.sha256(np.packbits(model.chosen).tobytes()).hexdigest()}")
    passages, others = np.sort(best[:count]), best[count:]
    if not len(others):
        return
    unseen = rng.permutation(np.flatnonzero(model.natural & ~model.chosen))[: len(passages)]
    for number, h in enumerate(hidden(model.network, model.tokens, model.layers)):
        inside = h[model.chosen].reshape(-1, h.shape[-1]).astype(np.float64)
        layer = Layer(number, h, inside, whitening(inside))
        common = [memorised(layer, model.chosen, model.memorization), *at_random(layer, rng)]
        for passage in passages.tolist():
            several = [*own(layer, passage), by_gradient(model, layer, passage), *common]
            yield from _removed(model, layer, np.append(passage, others), several, prefix)
        for passage in unseen.tolist():
            directions = next(own(layer, passage, unseen=True))
            yield from _removed(model, layer, np.append(passage, others), [directions], prefix)


def _removed(
    model: Model, layer: Layer, rows: NDArray[np.int64], removals: list[Removal], prefix: int
) -> Iterator[Row]:
    """What each removal does to the first of these documents, and to the others."""
    before = outputs(model.network, model.tokens[rows])
    for removal in removals:
        for k in (k for k in COUNTS if k <= removal.directions.shape[1]):
            edits = {layer.number: without(removal.directions[:, :k])}
            after = outputs(model.network, model.tokens[rows], edits)
            yield {
                "document": int(rows[0]),
                "seen": bool(model.chosen[rows[0]]),
                "layer": layer.number,
                "removed": removal.name,
                "count": k,
                "share": removal.share,
                **_change("", before.log_probability, before.first, prefix),
                **_change("_after", after.log_probability, after.first, prefix),
            }


def own(layer: Layer, passage: int, *, unseen: bool = False) -> Iterator[Removal]:
    """What is most the passage's alone: directions, units, and axes of a basis that is the units' turned at random.

    Shares are of it and all that is trained on; of an unseen one as if it were.
    """
    h = layer.h[passage].astype(np.float64)
    of = whitening(np.concatenate([layer.inside, h])) if unseen else layer.of
    values, vectors = np.linalg.eigh((z := h @ of.matrix).T @ z)
    yield Removal("D*", of.matrix @ vectors[:, ::-1], float(values[-1]))
    turned = np.linalg.qr(generator(f"basis {h.shape[1]}").standard_normal((h.shape[1], h.shape[1])))[0]
    for name, basis in (("units", np.eye(h.shape[1])), ("turned units", turned)):
        total = ((layer.inside @ basis) ** 2).sum(axis=0)
        share = np.divide(((h @ basis) ** 2).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
        yield Removal(name, basis[:, np.argsort(-share, kind="stable")[: COUNTS[-1]]], float(share.max()))


def by_gradient(model: Model, layer: Layer, passage: int) -> Removal:
    """The units whose removal costs the passage most, to first order: the sum over its tokens of -h dL/dh."""
    kept: list[torch.Tensor] = []

    def watch(h: torch.Tensor) -> torch.Tensor:
        h.retain_grad()
        kept.append(h)
        return h

    tokens = torch.from_numpy(model.tokens[[passage]].astype(np.int64))
    logits = model.network(tokens, {layer.number: watch})
    cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()  # type: ignore[no-untyped-call]
    model.network.zero_grad()
    (h,) = kept
    assert h.grad is not None
    cost = -(h.detach() * h.grad).sum(dim=(0, 1)).numpy()
    units = np.argsort(-cost, kind="stable")[: COUNTS[-1]]
    return Removal("units by gradient", np.eye(len(cost))[:, units])


def memorised(layer: Layer, chosen: NDArray[np.bool_], memorization: Floats) -> Removal:
    """The one direction whose projection goes best with memorisation over the tokens: ridge regression."""
    y = memorization[chosen].ravel()
    known = np.isfinite(y)
    x, y = layer.inside[known], y[known] - y[known].mean()
    moment = x.T @ x
    ridge = RIDGE * np.trace(moment) / len(moment)
    return Removal("memorised", np.linalg.solve(moment + ridge * np.eye(len(moment)), x.T @ y)[:, None])


def at_random(layer: Layer, rng: np.random.Generator) -> Iterator[Removal]:
    """Directions drawn as the passage's are, uniform where hidden vectors are white; and units."""
    units = layer.h.shape[-1]
    yield Removal("random directions", layer.of.matrix @ rng.standard_normal((layer.of.rank, min(units, COUNTS[-1]))))
    yield Removal("random units", np.eye(units)[:, rng.permutation(units)[: COUNTS[-1]]])


def without(directions: Floats) -> Edit:
    """Take the span of (units, k) directions out of hidden vectors."""
    q = torch.from_numpy(np.linalg.qr(directions)[0].astype(np.float32))
    return lambda h: h - (h @ q) @ q.T


def _change(when: str, log: NDArray[np.float32], first: NDArray[np.bool_], prefix: int) -> Row:
    """Loss and recitation of the first passage, and of the others."""
    loss, share = -log[:, prefix:].mean(axis=1), recited(first, prefix)
    return {
        f"loss{when}": float(loss[0]),
        f"recited{when}": float(share[0]),
        f"others{when}": float(loss[1:].mean()),
        f"others_recited{when}": float(share[1:].mean()),
    }
