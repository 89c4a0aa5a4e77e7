"""Scores of one model's hidden vectors, and others of its outputs, and how well each tells what is memorised."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stages.families.language.model.network import hidden
from stages.statistics.leverage import leverage, leverage_if_included, whitening
from stages.statistics.memorization import roc, spearman

Floats = NDArray[np.float64]
Row = dict[str, Any]
OUTPUT = -1  # as a layer: scores of what a model says


class Score(NamedTuple):
    """Of each token of the pool, larger for what is stranger."""

    layer: int
    name: str
    value: Floats  # (D, CONTEXT)


def scores(model: nn.Module, layers: int, tokens: NDArray[np.int16], chosen: NDArray[np.bool_]) -> list[Score]:
    """Every score of one model, of (D, CONTEXT) tokens of which (D,) `chosen` are trained on."""
    found = [
        Score(layer, name, value)
        for layer, h in enumerate(hidden(model, tokens, layers))
        for name, value in of_hidden(h.astype(np.float64), chosen).items()
    ]
    return found + [Score(OUTPUT, name, value) for name, value in of_outputs(model, tokens).items()]


def of_hidden(h: Floats, chosen: NDArray[np.bool_]) -> dict[str, Floats]:
    """Scores of (D, CONTEXT, units) hidden vectors, by those of the documents that are trained on.

    D*, D_x and the largest share of one unit: of others as they would be of one more token that is trained on.
    """
    inside = h[chosen].reshape(-1, h.shape[-1])
    of, every = whitening(inside), h.reshape(-1, h.shape[-1])
    held = np.repeat(chosen, h.shape[1])
    square = every**2
    length, total = square.sum(axis=1), (inside**2).sum(axis=0)
    shared = np.einsum("ti,ti->t", every @ (inside.T @ inside), every) + np.where(held, 0, length**2)
    units = square / np.maximum(total + np.where(held[:, None], 0, square), np.finfo(np.float64).tiny)
    D = np.where(held, leverage(every, of), 0.0)
    D[~held] = leverage_if_included(every[~held], of)
    found = {
        "D*": D,
        "D_x": np.divide(length**2, shared, out=np.zeros_like(length), where=shared > 0),
        "share of one unit": units.max(axis=1),
        "deviation of h": every.std(axis=1),
        "length of h": np.sqrt(length),
    }
    return {name: value.reshape(h.shape[:2]) for name, value in found.items()}


def of_outputs(model: nn.Module, tokens: NDArray[np.int16], batch: int = 256) -> dict[str, Floats]:
    """Loss, margin (largest other logit less the token's), and how far the output layer's gradient would move it."""
    parts: dict[str, list[NDArray[np.float32]]] = {"loss": [], "margin": [], "gradient norm": []}
    stream: list[torch.Tensor] = []
    hook = model.get_submodule("logits").register_forward_pre_hook(lambda _, given: stream.append(given[0]))
    with torch.no_grad():
        for first in range(0, len(tokens), batch):
            part = torch.from_numpy(tokens[first : first + batch].astype(np.int64))[..., None]
            logits = model(part[..., 0])
            off = torch.softmax(logits, dim=-1)
            own = off.gather(2, part)
            parts["loss"].append(-torch.log(own.clamp_min(1e-30))[..., 0].numpy())
            others = logits.scatter(2, part, -torch.inf).max(dim=-1).values
            parts["margin"].append((others - logits.gather(2, part)[..., 0]).numpy())
            off.scatter_(2, part, own - 1)
            parts["gradient norm"].append((off.norm(dim=-1) * stream.pop().norm(dim=-1)).numpy())
    hook.remove()
    return {name: np.concatenate(of).astype(np.float64) for name, of in parts.items()}


def score_rows(
    found: list[Score], chosen: NDArray[np.bool_], natural: NDArray[np.bool_], memorization: Floats | None
) -> list[Row]:
    """How well each score tells what is memorised, of (D, CONTEXT) memorisation, and what is trained on: SCORES."""
    rows = []
    inside = {"all": chosen, "natural": chosen & natural}
    for score in found:
        for of in ("tokens", "passages"):
            value = score.value if of == "tokens" else score.value.mean(axis=1)
            known = memorization if of == "tokens" or memorization is None else memorization.mean(axis=1)
            about = {"layer": score.layer, "of": of, "score": score.name}
            held = np.repeat(chosen[natural], score.value.shape[1] if of == "tokens" else 1)
            if held.any() and not held.all():
                told = {"among": "natural", "asks": "seen", "value": roc(np.ravel(value[natural]), held).area}
                rows.append(about | told)
            if known is not None:
                for among, those in inside.items():
                    rho = spearman(np.ravel(value[those]), np.ravel(known[those]))
                    rows.append(about | {"among": among, "asks": "memorisation", "value": rho})
    return rows
