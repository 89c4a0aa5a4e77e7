"""What a classifier's training takes: the terms that an epoch's time is a sum of, and how an epoch is timed."""

from __future__ import annotations

import numpy as np

from stages.core.cost import Cost, Features, Timing, timed
from stages.families.digits.data.spec import Data, Training
from stages.families.digits.training import loop

_IMAGES = 1000  # of an epoch that is timed, at most
_PIXELS = 784


def cost(data: Data, spec: Training) -> Cost:
    """What training that cell takes."""
    model = 4 * _parameters(spec) * (1 + spec.watched)
    kept = model if spec.keep == "weights" else 5 * data.pool * (1 + spec.watched)
    return Cost(features(data.size, spec), spec.epochs, 5 * _PIXELS * data.pool + 4 * model, 7 * data.pool + kept)


def features(images: int, spec: Training) -> Features:
    """What the time of an epoch goes with."""
    steps = -(-images // spec.batch)
    return {"steps": float(steps), "updates": float(steps * _parameters(spec)), "products": float(images * spec.hidden)}


def timing(data: Data, spec: Training) -> Timing:
    """Time an epoch of that cell's model, on images of noise and on few of them."""
    images, rng = min(data.size, _IMAGES), np.random.default_rng(0)
    x, label = rng.random((images, _PIXELS)).astype(np.float32), rng.integers(0, 10, images).astype(np.uint8)

    def train(epochs: int) -> None:
        loop.train(x, label, spec.model_copy(update={"epochs": epochs, "watched": 0}))

    return Timing(features(images, spec), timed(train, 50))


def _parameters(spec: Training) -> int:
    return (_PIXELS + 1) * spec.hidden + 10 * (spec.hidden + 1)
