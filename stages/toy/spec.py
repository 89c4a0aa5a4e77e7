"""What a cell is made from: its training set and how it is trained.

Each field is a key of params.yaml, which says what the paper has, and a column of the tables.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Supports = Literal["random", "disjoint"]
Init = Literal["xavier_normal", "xavier_uniform", "xavier_points", "point_polygon", "feature_polygon"]
LeftOut = Literal["similarity", "random"]
Reduction = Literal["mean", "sum"]
Hidden = Literal["linear", "relu"]
Power = Literal[1, 2, 4]

LARGEST_FUSED_M = 8  # hidden dimensions that the fused engine is made for
# Fields that came after cells had been trained, and what those cells had: a key leaves them out at that.
SINCE_VERSION_4 = {"corners": 0, "init_scale": 1.0, "parent_T": 0, "snapshots": 0} | {
    "masked": False,
    "alike": 1,
    "subset": 1.0,
    "subset_seed": 0,
    "left_out": 0,
    "left_out_by": "similarity",
    "transposed": False,
}
STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Data(BaseModel):
    """What a training set is drawn from.

    `random` supports are the paper's. `disjoint` ones share no feature, so that the points are exactly orthonormal:
    each holds `support_size` features of one random permutation.
    """

    model_config = STRICT

    n: int = Field(ge=1, description="number of features")
    S: float = Field(ge=0, lt=1, description="sparsity: probability that a feature of a point is 0")
    T: int = Field(ge=1, description="number of training points")
    first_of: int = Field(ge=0, description="the set is the first T points of one of so many; 0: a set of its own")
    supports: Supports = Field(description="random, or disjoint: no feature in two points")
    fresh: bool = Field(description="T new points at every step, which is T = infinity, instead of the same T")
    repeated: int = Field(ge=0, description="points that the training set holds several times: its first ones")
    copies: int = Field(ge=1, description="how often it holds each of them; T counts them once")
    masked: bool = Field(description="whether repeated points give no gradient on the features that they hold")
    alike: int = Field(ge=1, description="points come in groups of so many that are the less alike the later; 1: none")
    subset: float = Field(gt=0, le=1, description="share of the T points that is trained on, at random")
    subset_seed: int = Field(ge=0, description="seed of that choice")
    left_out: int = Field(ge=0, description="points not trained on: the first, then others by left_out_by")
    left_out_by: LeftOut = Field(description="of the others, those most similar to the first, or any")
    transposed: bool = Field(description="the points are the features of a set of n points of T features")
    data_seed: int = Field(ge=0, description="seed of the training set")

    @model_validator(mode="after")
    def _supports_fit(self) -> Data:
        k = self.support_size
        if self.fresh and (self.supports != "random" or self.repeated or self.first_of):
            raise ValueError("fresh points have random supports, are not repeated and not the first of others")
        chosen = [name for name, usual in SINCE_VERSION_4.items() if getattr(self, name, usual) != usual]
        if self.fresh and chosen:
            raise ValueError(f"fresh points allow no {', '.join(chosen)}")
        if self.transposed and (len(chosen) > 1 or self.supports != "random" or self.repeated or self.first_of):
            raise ValueError("transposed points are those of random supports, all of them, each once")
        if self.alike > 1 and self.supports != "random":
            raise ValueError(f"alike is {self.alike}; disjoint supports allow alike = 1")
        if self.masked and not self.repeated:
            raise ValueError("masked points are repeated ones: allowed with repeated >= 1")
        if self.left_out >= self.T or round(self.subset * self.T) < 1:
            raise ValueError(f"left_out {self.left_out} and subset {self.subset} of {self.T} leave no point")
        if self.left_out and self.subset < 1:
            raise ValueError("left_out goes with subset = 1")
        if 0 < self.first_of < self.T:
            raise ValueError(f"the first {self.T} points are of a set of at least as many: first_of >= {self.T}, or 0")
        if self.repeated > 1 and self.copies == 1:
            raise ValueError(
                f"{self.repeated} repeated points of one copy each are none; allowed: repeated 0 or 1, or copies >= 2"
            )
        if self.repeated > self.T:
            raise ValueError(f"{self.repeated} repeated points allow T >= {self.repeated}")
        if self.supports == "disjoint" and max(self.T, self.first_of) * k > self.n:
            raise ValueError(f"disjoint supports of {k} features allow T <= {self.n // k} at n = {self.n}")
        return self

    @property
    def support_size(self) -> int:
        """Features that a point of `disjoint` supports holds: the expected number, at least one."""
        return max(1, round(self.n * (1 - self.S)))


class Training(BaseModel):
    """How a model is trained."""

    model_config = STRICT

    m: int = Field(ge=1, description="hidden dimensions")
    init: Init = Field(description="what it starts from: Xavier weights, or points or features on a regular polygon")
    corners: int = Field(ge=0, description="features that feature_polygon has; else 0")
    init_scale: float = Field(gt=0, description="of the initial weights, relative to Xavier's or the polygon's")
    init_seed: int = Field(ge=0, lt=2**32, description="seed of the initial weights")
    parent_T: int = Field(ge=0, description="points of the training set whose trained model it starts from; 0: none")
    hidden: Hidden = Field(description="h = W x (linear) or ReLU(W x) (relu)")
    tied: bool = Field(description="whether the decoder is W; otherwise it has weights of its own")
    power: Power = Field(description="p of the error |x - x'|^p in the loss")
    importance: float = Field(gt=0, le=1, description="of a feature in the loss, relative to the feature before it")
    reduction: Reduction = Field(description="of the error over features in the loss trained on")
    steps: int = Field(ge=1, description="full-batch steps of AdamW asked for")
    lr: float = Field(gt=0, description="peak learning rate")
    warmup: float = Field(ge=0, le=1, description="share of the steps that warm up")
    weight_decay: float = Field(ge=0, description="decoupled weight decay")
    beta1: float = Field(ge=0, lt=1, description="Adam's decay of the first moment")
    beta2: float = Field(ge=0, lt=1, description="Adam's decay of the second moment")
    eps: float = Field(ge=1e-15, description="Adam's epsilon")
    snapshots: int = Field(ge=0, description="models kept on the way, evenly spaced, and as many at the start; 0: none")
    engine: Literal["auto", "fused", "tiled", "torch"] = Field(description="engine asked for")

    def check(self, data: Data) -> None:
        """Raise ValueError where this training does not go with that data; the message names the key and its value."""
        if self.m > data.n:
            raise ValueError(f"training.m is {self.m}; allowed: m <= n, and data.n is {data.n}")
        if self.corners > data.n:
            raise ValueError(f"training.corners is {self.corners}; allowed: at most n, {data.n}")
        if self.init == "point_polygon" and (data.supports != "disjoint" or data.T < 3):
            raise ValueError("training.init is point_polygon; allowed: with T >= 3 and disjoint supports")
        try:
            self.parent(data)
        except ValidationError as invalid:
            reason = invalid.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"training.parent_T is {self.parent_T}; {reason}") from None

    def parent(self, data: Data) -> tuple[Data, Training] | None:
        """What the model that training starts from is made from: alike in all but the number of points.

        Where the training set is the first points of a larger one, so is the parent's, and the two share points.
        """
        if not self.parent_T:
            return None
        points = Data(**data.model_dump() | {"T": self.parent_T, "repeated": 0, "copies": 1})
        return points, self.model_copy(update={"parent_T": 0, "snapshots": 0})

    @model_validator(mode="after")
    def _polygon_is_possible(self) -> Training:
        if self.init.endswith("polygon") and (self.m != 2 or not self.tied or self.hidden != "linear"):
            raise ValueError(f"init {self.init} allows m = 2, tied weights and linear h only")
        if (self.corners < 3) if self.init == "feature_polygon" else self.corners:
            raise ValueError("corners are 3 or more with init feature_polygon, and 0 with any other")
        return self

    @model_validator(mode="after")
    def _engine_can(self) -> Training:
        if self.engine == "fused" and self.m > LARGEST_FUSED_M:
            raise ValueError(f"engine fused allows m <= {LARGEST_FUSED_M}; auto, tiled and torch take any")
        return self


class Measure(BaseModel):
    """What extraction measures; params.yaml says what each key is."""

    model_config = STRICT

    test_points: int = Field(ge=2)
    test_seed: int = Field(ge=0)
    vectors: int = Field(ge=0)
    frames: int = Field(ge=0)
    mixed: float = Field(gt=0)
    learned: float = Field(gt=0, lt=1)
    regular: float = Field(gt=0, lt=1)
