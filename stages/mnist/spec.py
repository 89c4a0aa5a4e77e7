"""What a classifier is made from: its training set and how it is trained.

Each field is a key of params.yaml, which says what it means, and a column of the tables.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
IMAGES = 60_000  # in the training file


class Data(BaseModel):
    """Which images a classifier is trained on, and which of them have a wrong label.

    The pool is the first `pool` images of one random order of the training file, the same for every spec of this
    data_seed, so that smaller pools are parts of larger ones. Some of its labels are wrong; a subset is trained on.
    """

    model_config = STRICT

    pool: int = Field(ge=1, le=IMAGES, description="images to train on, or to draw subsets from")
    wrong: float = Field(ge=0, lt=1, description="share of the pool's labels that are replaced by another one")
    subset: float = Field(gt=0, le=1, description="share of the pool that is trained on, drawn at random")
    subset_seed: int = Field(ge=0, description="which subset")
    data_seed: int = Field(ge=0, description="seed of the order, and of the wrong labels")

    @model_validator(mode="after")
    def _something_is_left(self) -> Data:
        if self.size < 1:
            raise ValueError(f"a subset of {self.subset} of {self.pool} images is empty")
        return self

    @property
    def size(self) -> int:
        """Images trained on."""
        return round(self.subset * self.pool)


class Training(BaseModel):
    """How a classifier is trained: 784 pixels -> hidden ReLU units -> 10 digits, cross-entropy, Adam."""

    model_config = STRICT

    hidden: int = Field(ge=1, description="hidden ReLU units")
    epochs: int = Field(ge=1, description="passes over the training images")
    batch: int = Field(ge=1, description="images a step")
    lr: float = Field(gt=0, description="learning rate at the start, from where it falls linearly to 0")
    weight_decay: float = Field(ge=0, description="decoupled weight decay")
    init_seed: int = Field(ge=0, lt=2**32, description="seed of the initial weights and of the order of images")
    watched: int = Field(ge=0, description="models kept on the way: after 1, 2, 4, ... epochs, so many at most")
    keep: Literal["weights", "outputs"] = Field(
        description="what is kept of each: its weights, or its outputs on the pool"
    )

    def check(self, data: Data) -> None:
        """Every training goes with every data."""

    def parent(self, data: Data) -> None:
        """No classifier starts from another."""


class Measure(BaseModel):
    """What extraction measures; params.yaml says what each key is."""

    model_config = STRICT

    images: int = Field(ge=0)
