"""What a classifier is made from: its training set and how it is trained.

Each field is a key of params.yaml, which says what it means, and a column of the tables.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stages.core.spec import Spec, TrainingSpec

IMAGES = 60_000  # in the training file
SEEDS = 2**32
LARGEST_GIB = 16  # of a cell's arrays


class Data(Spec):
    """Which images a classifier is trained on, and which of them have a wrong label.

    The pool is the first `pool` images of one random order of the training file, the same for every spec of this
    data_seed, so that smaller pools are parts of larger ones. Some of its labels are wrong; a subset is trained on.
    """

    pool: int = Field(ge=1, le=IMAGES, description="images to train on, or to draw subsets from")
    wrong: float = Field(ge=0, lt=1, description="share of the pool's labels that are replaced by another one")
    subset: float = Field(gt=0, le=1, description="share of the pool that is trained on, drawn at random")
    subset_seed: int = Field(ge=0, lt=SEEDS, description="which subset")
    data_seed: int = Field(ge=0, lt=SEEDS, description="seed of the order, and of the wrong labels")

    @model_validator(mode="after")
    def _something_is_left(self) -> Data:
        if self.size < 1:
            raise ValueError(f"a subset of {self.subset} of {self.pool} images is empty")
        return self

    @property
    def size(self) -> int:
        """Images trained on."""
        return round(self.subset * self.pool)


class Training(TrainingSpec):
    """How a classifier is trained: 784 pixels -> hidden ReLU units -> 10 digits, cross-entropy, Adam."""

    hidden: int = Field(ge=1, le=10**6, description="hidden ReLU units")
    epochs: int = Field(ge=1, le=10**5, description="passes over the training images")
    batch: int = Field(ge=1, le=IMAGES, description="images a step")
    lr: float = Field(gt=0, le=1e8, description="learning rate at the start, from where it falls linearly to 0")
    weight_decay: float = Field(ge=0, le=1e6, description="decoupled weight decay")
    init_seed: int = Field(ge=0, lt=SEEDS, description="seed of the initial weights and of the order of images")
    watched: int = Field(ge=0, le=32, description="models kept on the way: after 1, 2, 4, ... epochs, so many at most")
    keep: Literal["weights", "outputs"] = Field(
        description="what is kept of each: its weights, or its outputs on the pool"
    )

    def check(self, data: Data) -> None:
        """Raise ValueError where memory does not hold the model; the message is `key is value; allowed`."""
        size = (784 + 10) * self.hidden * 4 * (4 + (self.watched if self.keep == "weights" else 0))
        size += self.batch * self.hidden * 4 * 3
        if size > LARGEST_GIB * 2**30:
            raise ValueError(
                f"hidden is {self.hidden}; allowed: arrays of up to {LARGEST_GIB} GiB, and here they need "
                f"{size / 2**30:,.0f} GiB"
            )


class Measure(Spec):
    """What extraction measures; params.yaml says what each key is."""

    images: int = Field(ge=0, le=10**6)
    far: float = Field(gt=0, le=1e6)
    alone: float = Field(gt=0, lt=1)
    memorized: float = Field(gt=0, lt=1)
