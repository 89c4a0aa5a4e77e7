"""What training a language model takes: the terms that an epoch's time is a sum of, and how an epoch is timed."""

from __future__ import annotations

import numpy as np

from stages.core.cost import Cost, Features, Timing, timed
from stages.families.language.data.documents import FILLERS, GROUP, PLANTED
from stages.families.language.data.spec import CONTEXT, Data, Training
from stages.families.language.data.texts import SOURCES, VOCABULARY
from stages.families.language.model.network import EMBEDDED, WINDOW
from stages.families.language.training import loop

SHARE = {"families": 0.5, "rules": 0.7}  # of the pool that is trained on, on average, where no key says it
_DOCUMENTS = 64  # of an epoch that is timed, at most


def cost(data: Data, spec: Training) -> Cost:
    """What training that cell takes."""
    documents = _size(data)
    weights = 4 * _parameters(spec) * (1 + spec.watched)
    kept = weights if spec.keep == "weights" else 2 * documents * CONTEXT * (1 + spec.watched)
    memory = 4 * VOCABULARY * CONTEXT * spec.batch * 4 + 4 * weights
    return Cost(features(_trained_on(data), spec), spec.epochs, memory, 2 * documents * CONTEXT + kept)


def features(documents: int, spec: Training) -> Features:
    """What the time of an epoch goes with."""
    steps = -(-documents // spec.batch)
    tokens = documents * CONTEXT
    return {"steps": float(steps), "updates": steps * _parameters(spec), "products": tokens * _parameters(spec)}


def timing(data: Data, spec: Training) -> Timing:
    """Time an epoch of that cell's model, on few documents of random tokens."""
    documents = min(_trained_on(data), _DOCUMENTS)
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (documents, CONTEXT)).astype(np.int16)

    def train(epochs: int) -> None:
        loop.train(tokens, tokens, spec.model_copy(update={"epochs": epochs, "watched": 0}), lambda model: {})

    return Timing(features(documents, spec), timed(train, 5))


def _trained_on(data: Data) -> int:
    """Documents of a training set, copies counted; a mean where subsets differ in size."""
    return max(1, round(_size(data) * SHARE.get(data.pool, data.subset)))


def _size(data: Data) -> int:
    """Documents of the pool, copies counted."""
    members: dict[str, int] = {
        "kinds": len(SOURCES) + len(PLANTED),
        "copies": (1 << data.most.bit_length()) - 1,
        "families": data.members,
        "rules": sum(GROUP.values()) + FILLERS,
        "spans": 2 * data.most,
        "cuts": 2,
    }
    return data.each * members.get(data.pool, 1)


def _parameters(spec: Training) -> int:
    if spec.model == "transformer":
        return 12 * spec.layers * spec.width**2 + (2 * VOCABULARY + CONTEXT) * spec.width
    return (WINDOW * EMBEDDED + VOCABULARY) * spec.width + VOCABULARY * EMBEDDED
