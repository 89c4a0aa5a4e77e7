"""Two models of the next token: a decoder-only transformer, and one hidden ReLU layer as in the paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import relu, scaled_dot_product_attention

from stages.core.random import generator
from stages.families.language.data.spec import CONTEXT, Training
from stages.families.language.data.texts import VOCABULARY

START = VOCABULARY  # the token before a document's first
HEAD = 16  # dimensions of an attention head
WINDOW, EMBEDDED = 8, 32  # tokens that the ReLU model sees, and dimensions of each

Edit = Callable[[torch.Tensor], torch.Tensor]  # of (k, t, units) hidden vectors
Edits = Mapping[int, Edit]  # by layer
UNCHANGED: Edits = {}


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // HEAD)
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (k, t, width)."""
        k, t, width = x.shape
        q, key, v = self.inward(x).view(k, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(q, key, v, is_causal=True)
        out: torch.Tensor = self.outward(mixed.transpose(1, 2).reshape(k, t, width))
        return out


class Block(nn.Module):
    """Attention and a ReLU layer, each of what is normalised and added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.before, self.middle = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inward, self.outward = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, edit: Edit | None = None) -> torch.Tensor:
        """Of (k, t, width)."""
        x = x + self.attention(self.before(x))
        h = relu(self.inward(self.middle(x)))
        out: torch.Tensor = x + self.outward(edit(h) if edit else h)
        return out


class Transformer(nn.Module):
    """Pre-norm, with learned positions."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(VOCABULARY + 1, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList([Block(width) for _ in range(layers)])
        self.last, self.logits = nn.LayerNorm(width), nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, tokens: torch.Tensor, edits: Edits = UNCHANGED) -> torch.Tensor:
        """(k, t, VOCABULARY) logits of each token of (k, t), from those before it."""
        x = self.token(shifted(tokens)) + self.position.weight[: tokens.shape[1]]
        for layer, block in enumerate(self.blocks):
            x = block(x, edits.get(layer))
        out: torch.Tensor = self.logits(self.last(x))
        return out


class OneLayer(nn.Module):
    """The embeddings of the last WINDOW tokens, hidden ReLU units, logits."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY + 1, EMBEDDED)
        self.inward, self.logits = nn.Linear(WINDOW * EMBEDDED, width), nn.Linear(width, VOCABULARY)

    def forward(self, tokens: torch.Tensor, edits: Edits = UNCHANGED) -> torch.Tensor:
        """(k, t, VOCABULARY) logits of each token of (k, t), from those before it."""
        before = shifted(tokens)
        padded = torch.nn.functional.pad(before, (WINDOW - 1, 0), value=START)
        h = relu(self.inward(self.token(padded.unfold(1, WINDOW, 1)).flatten(2)))
        out: torch.Tensor = self.logits(edits[0](h) if 0 in edits else h)
        return out


def shifted(tokens: torch.Tensor) -> torch.Tensor:
    """(k, t) what comes before each token: START before the first."""
    return torch.nn.functional.pad(tokens[:, :-1], (1, 0), value=START)


def network(spec: Training) -> nn.Module:
    """The model that a spec names, its weights not yet set."""
    return Transformer(spec.width, spec.layers) if spec.model == "transformer" else OneLayer(spec.width)


def initial(model: nn.Module, spec: Training, stream: int) -> None:
    """Set the weights at the start: normal of 0.02, of what adds to the stream less by the root of layers; biases 0."""
    rng = generator(f"language weights {spec.model} width={spec.width} seed={spec.init_seed} stream={stream}")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.dim() > 1:
                scale = 0.02 / math.sqrt(2 * spec.layers) if "outward" in name else 0.02
                if spec.model == "relu":
                    scale = 1 / math.sqrt(parameter.shape[1])
                values = rng.standard_normal(tuple(parameter.shape)).astype(np.float32)
                parameter.copy_(torch.from_numpy(values * np.float32(scale)))
            else:
                parameter.fill_(1.0)  # of a normalisation


def arrays(model: nn.Module) -> dict[str, NDArray[Any]]:
    """The weights by name."""
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def restored(spec: Training, weights: dict[str, NDArray[Any]]) -> nn.Module:
    """The model of those weights."""
    model = network(spec)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return model


class Outputs(NamedTuple):
    """What a model says of (D, CONTEXT) tokens, each after those before it."""

    log_probability: NDArray[np.float32]  # (D, CONTEXT) of the token
    first: NDArray[np.bool_]  # (D, CONTEXT) whether it is the most likely one


def outputs(model: nn.Module, tokens: NDArray[np.int16], edits: Edits = UNCHANGED, batch: int = 256) -> Outputs:
    """What a model says of documents, some at a time."""
    logs, firsts = [], []
    with torch.no_grad():
        for first in range(0, len(tokens), batch):
            part = torch.from_numpy(tokens[first : first + batch].astype(np.int64))
            logits = model(part, edits)
            logs.append(torch.log_softmax(logits, dim=-1).gather(2, part[..., None])[..., 0].numpy())
            firsts.append((logits.argmax(dim=-1) == part).numpy())
    return Outputs(np.concatenate(logs), np.concatenate(firsts))


def hidden(model: nn.Module, tokens: NDArray[np.int16], layers: int, batch: int = 256) -> list[NDArray[np.float32]]:
    """(D, CONTEXT, units) hidden vectors after the ReLU of each layer."""
    found: list[list[NDArray[np.float32]]] = [[] for _ in range(layers)]

    def kept(layer: int) -> Edit:
        def keep(h: torch.Tensor) -> torch.Tensor:
            found[layer].append(h.numpy())
            return h

        return keep

    outputs(model, tokens, {layer: kept(layer) for layer in range(layers)}, batch)
    return [np.concatenate(of) for of in found]
