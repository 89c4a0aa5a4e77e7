"""Which images are trained on, with which labels: indices only, so that a training set takes little space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.digits.data.spec import Data


class Selection(NamedTuple):
    """A pool of images of the training file, their labels as trained on, and which of them are trained on."""

    image: NDArray[np.int32]  # (pool,) index into the training file
    label: NDArray[np.uint8]  # (pool,) some of them wrong
    wrong: NDArray[np.bool_]  # (pool,) which
    chosen: NDArray[np.bool_]  # (pool,) the subset that is trained on


def select(data: Data, true_label: NDArray[np.uint8]) -> Selection:
    """The selection that `data` describes, from the training file's labels; one spec always gives the same."""
    image = generator(f"mnist order seed={data.data_seed}").permutation(len(true_label))[: data.pool].astype(np.int32)
    label = true_label[image].copy()
    rng = generator(f"mnist wrong seed={data.data_seed} pool={data.pool}")
    wrong = np.zeros(data.pool, dtype=bool)
    wrong[rng.permutation(data.pool)[: round(data.wrong * data.pool)]] = True
    label[wrong] = (label[wrong] + rng.integers(1, 10, wrong.sum())) % 10  # any other digit, all alike likely
    chosen = np.zeros(data.pool, dtype=bool)
    rng = generator(f"mnist subset seed={data.subset_seed} of={data.data_seed} pool={data.pool}")
    chosen[rng.permutation(data.pool)[: data.size]] = True
    return Selection(image, label, wrong, chosen)
