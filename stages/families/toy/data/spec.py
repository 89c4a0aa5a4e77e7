"""What a cell is made from: its training set and how it is trained.

Each field is a key of params.yaml, which says what the paper has. Each of `axes` is a column of the tables.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import to_json

from stages.core.spec import Spec, TrainingSpec
from stages.core.tables import Column

Supports = Literal["random", "disjoint"]
By = Literal["similarity", "random"]
Init = Literal["xavier_normal", "xavier_uniform", "xavier_points", "point_polygon", "feature_polygon"]
Reduction = Literal["mean", "sum"]
Hidden = Literal["linear", "relu"]
Power = Literal[1, 2, 4]

LARGEST_FUSED_M = 8  # hidden dimensions that the compiled engines are made for

MANY = 10**7  # points, features or steps, at most
SEEDS = 2**32
LARGEST_GIB = 16  # of a cell's arrays
_VALUE_BYTES = 40  # of a feature that a point holds, while points are drawn
_WEIGHT_BYTES = 4


class Alike(Spec):
    """Points in groups of so many, which are the less like the group's first the later they come."""

    alike: int = Field(ge=2, le=MANY)


class Repeated(Spec):
    """All points, the first ones several times; `masked`: these give no gradient on the features that they hold."""

    repeated: int = Field(ge=1, le=MANY)
    copies: int = Field(ge=1, le=MANY)
    masked: bool = False

    @model_validator(mode="after")
    def _are_repeated(self) -> Repeated:
        if self.repeated > 1 and self.copies == 1:
            raise ValueError(
                f"{self.repeated} repeated points of one copy each are none; allowed: repeated 1, or copies >= 2"
            )
        return self


class Subset(Spec):
    """A share of the points, drawn at random."""

    subset: float = Field(gt=0, lt=1)
    subset_seed: int = Field(ge=0, lt=SEEDS)


class LeftOut(Spec):
    """All points but so many: the first and others, those most similar to it or any."""

    left_out: int = Field(ge=1, le=MANY)
    left_out_by: By = "similarity"


def _one_of(words: tuple[str, ...], *forms: type[Spec]) -> BeforeValidator:
    """Take a word, or the keys of one of the forms."""
    shown = (f"{{{', '.join(form.model_fields)}}}" for form in forms)
    allowed = (
        f"{', '.join(words)}, or one of {', '.join(shown)}" if len(forms) > 1 else f"{', '.join((*words, *shown))}"
    )

    def taken(value: Any) -> Any:
        if isinstance(value, forms) or (isinstance(value, str) and value in words):
            return value
        for form in forms:
            needed = {name for name, field in form.model_fields.items() if field.is_required()}
            if isinstance(value, dict) and needed <= value.keys() <= form.model_fields.keys():
                return _made(form, value)
        raise ValueError(allowed)

    return BeforeValidator(taken)


def _made(form: type[Spec], value: dict[str, Any]) -> Spec:
    try:
        return form(**value)
    except ValidationError as invalid:
        error = invalid.errors()[0]
        message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        raise ValueError(" ".join([*map(str, error["loc"]), message])) from None


_POINTS = ("random", "disjoint", "fresh", "transposed")
PointsOf = Annotated[Literal["random", "disjoint", "fresh", "transposed"] | Alike, _one_of(_POINTS, Alike)]
TrainedOn = Annotated[Literal["all"] | Repeated | Subset | LeftOut, _one_of(("all",), Repeated, Subset, LeftOut)]


def _said(field: str, name: str, usual: Any) -> property:
    """What the form that a field of Data has says, or `usual` where the form says nothing of it."""
    return property(lambda data: getattr(getattr(data, field), name, usual))


class Data(Spec):
    """What a training set is drawn from.

    `random` points are the paper's. `disjoint` ones share no feature, so that they are exactly orthonormal: each holds
    `support_size` features of one random permutation. Of `fresh` ones there are T new at every step, which is
    T = infinity. `transposed` ones are the features of a set of n random points of T features.
    """

    n: int = Field(ge=1, le=MANY, description="number of features")
    S: float = Field(ge=0, lt=1, description="sparsity: probability that a feature of a point is 0")
    T: int = Field(ge=1, le=MANY, description="number of training points")
    first_of: int = Field(
        ge=0, le=MANY, description="the set is the first T points of one of so many; 0: a set of its own"
    )
    points: PointsOf = Field(description="what the points are")
    trained_on: TrainedOn = Field(description="which of them, and how often")
    data_seed: int = Field(ge=0, lt=SEEDS, description="seed of the training set")

    @model_validator(mode="after")
    def _go_together(self) -> Data:
        k = self.support_size
        if self.points in ("fresh", "transposed") and (self.trained_on != "all" or self.first_of):
            raise ValueError(f"{self.points} points are allowed with trained_on all and first_of 0 only")
        if self.left_out >= self.T or round(self.subset * self.T) < 1:
            raise ValueError(f"left_out {self.left_out} and subset {self.subset} of {self.T} leave no point")
        if 0 < self.first_of < self.T:
            raise ValueError(f"the first {self.T} points are of a set of at least as many: first_of >= {self.T}, or 0")
        if self.repeated > self.T:
            raise ValueError(f"{self.repeated} repeated points allow T >= {self.repeated}")
        if self.points == "disjoint" and max(self.T, self.first_of) * k > self.n:
            raise ValueError(f"disjoint points of {k} features allow T <= {self.n // k} at n = {self.n}")
        return self

    @property
    def axes(self) -> dict[str, Any]:
        """Every axis of the grid by name, one column each in the tables."""
        return {name: getattr(self, name) for name in (*_BEFORE, *_FLAT, *_AFTER)}

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """The column of each axis."""
        own = super().columns()
        return {name: own[name] for name in _BEFORE} | _FLAT | {name: own[name] for name in _AFTER}

    def key_text(self) -> str:
        """What a cell's key says of fresh points, in the words of the first keys."""
        names = ("n", "S", "T", "supports", "fresh", "repeated", "copies", "data_seed")
        return to_json({name: getattr(self, name) for name in names}).decode()

    @property
    def memory(self) -> float:
        """Memory that drawing the points takes, about."""
        return max(self.T, self.first_of) * (8 + max(1.0, self.n * (1 - self.S)) * _VALUE_BYTES)

    @property
    def support_size(self) -> int:
        """Features that a point of `disjoint` ones holds: the expected number, at least one."""
        return max(1, round(self.n * (1 - self.S)))

    @property
    def supports(self) -> Supports:
        """Whether two points can share a feature (random)."""
        return "disjoint" if self.points == "disjoint" else "random"

    @property
    def fresh(self) -> bool:
        """Whether points are new at every step."""
        return self.points == "fresh"

    @property
    def transposed(self) -> bool:
        """Whether the points are the features of others."""
        return self.points == "transposed"

    alike = _said("points", "alike", 1)
    repeated = _said("trained_on", "repeated", 0)
    copies = _said("trained_on", "copies", 1)
    masked = _said("trained_on", "masked", False)
    subset = _said("trained_on", "subset", 1.0)
    subset_seed = _said("trained_on", "subset_seed", 0)
    left_out = _said("trained_on", "left_out", 0)
    left_out_by = _said("trained_on", "left_out_by", "similarity")


_BEFORE, _AFTER = ("n", "S", "T", "first_of"), ("data_seed",)
# The columns that `points` and `trained_on` make, each a property of Data.
_FLAT = {
    "supports": Column(str, "random, or disjoint: no feature in two points"),
    "fresh": Column(bool, "T new points at every step, which is T = infinity, instead of the same T"),
    "repeated": Column(int, "points that the training set holds several times: its first ones"),
    "copies": Column(int, "how often it holds each of them; T counts them once"),
    "masked": Column(bool, "whether repeated points give no gradient on the features that they hold"),
    "alike": Column(int, "points come in groups of so many that are the less alike the later; 1: none"),
    "subset": Column(float, "share of the T points that is trained on, at random"),
    "subset_seed": Column(int, "seed of that choice"),
    "left_out": Column(int, "points not trained on: the first, then others by left_out_by"),
    "left_out_by": Column(str, "of the others, those most similar to the first, or any"),
    "transposed": Column(bool, "the points are the features of a set of n points of T features"),
}


class Training(TrainingSpec):
    """How a model is trained."""

    m: int = Field(ge=1, le=10**4, description="hidden dimensions")
    init: Init = Field(description="what it starts from: Xavier weights, or points or features on a regular polygon")
    corners: int = Field(ge=0, le=MANY, description="features that feature_polygon has; else 0")
    init_scale: float = Field(gt=0, le=1e6, description="of the initial weights, relative to Xavier's or the polygon's")
    init_seed: int = Field(ge=0, lt=SEEDS, description="seed of the initial weights")
    parent_T: int = Field(
        ge=0, le=MANY, description="points of the training set whose trained model it starts from; 0: none"
    )
    hidden: Hidden = Field(description="h = W x (linear) or ReLU(W x) (relu)")
    tied: bool = Field(description="whether the decoder is W; otherwise it has weights of its own")
    power: Power = Field(description="p of the error |x - x'|^p in the loss")
    importance: float = Field(gt=0, le=1, description="of a feature in the loss, relative to the feature before it")
    reduction: Reduction = Field(description="of the error over features in the loss trained on")
    steps: int = Field(ge=1, le=MANY, description="full-batch steps of AdamW asked for")
    lr: float = Field(gt=0, le=1e8, description="peak learning rate")
    warmup: float = Field(ge=0, le=1, description="share of the steps that warm up")
    weight_decay: float = Field(ge=0, le=1e6, description="decoupled weight decay")
    beta1: float = Field(ge=0, lt=1, description="Adam's decay of the first moment")
    beta2: float = Field(ge=0, lt=1, description="Adam's decay of the second moment")
    eps: float = Field(ge=1e-15, le=1e8, description="Adam's epsilon")
    snapshots: int = Field(
        ge=0, le=10**4, description="models kept on the way, evenly spaced, and as many at the start; 0: none"
    )
    engine: Literal["auto", "fused", "tiled", "torch"] = Field(description="engine asked for")

    def check(self, data: Data) -> None:
        """Raise ValueError where this training does not go with that data; the message is `key is value; allowed`."""
        if self.m > data.n:
            raise ValueError(f"m is {self.m}; allowed: m <= n, and n is {data.n}")
        if self.corners > data.n:
            raise ValueError(f"corners is {self.corners}; allowed: at most n, {data.n}")
        if self.init == "point_polygon" and (data.points != "disjoint" or data.T < 3):
            raise ValueError("init is point_polygon; allowed: with T >= 3 and disjoint points")
        dense = _WEIGHT_BYTES * 3 * data.T * data.n if self.engine == "torch" else 0
        for key, value, size in (("T", data.T, data.memory + dense), ("m", self.m, self.memory(data))):
            if size > LARGEST_GIB * 2**30:
                raise ValueError(
                    f"{key} is {value}; allowed: arrays of up to {LARGEST_GIB} GiB, and here they need "
                    f"{size / 2**30:,.0f} GiB (n = {data.n}, S = {data.S})"
                )
        try:
            self.parent(data)
        except ValidationError as invalid:
            reason = invalid.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"parent_T is {self.parent_T}; {reason}") from None

    def memory(self, data: Data) -> float:
        """Memory of the model, its optimiser and the models kept on the way, about."""
        model = (self.m * (1 if self.tied else 2) + 1) * data.n
        return _WEIGHT_BYTES * model * (4 + 2 * self.snapshots)

    def parent(self, data: Data) -> tuple[Data, Training] | None:
        """What the model that training starts from is made from: alike in all but the number of points.

        Where the training set is the first points of a larger one, so is the parent's, and the two share points. None
        of them is repeated.
        """
        if not self.parent_T:
            return None
        trained_on = "all" if isinstance(data.trained_on, Repeated) else data.trained_on
        points = Data(**dict(data) | {"T": self.parent_T, "trained_on": trained_on})
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
            raise ValueError(f"engine {self.engine} allows m <= {LARGEST_FUSED_M}; auto, tiled and torch take any")
        return self


class Measure(Spec):
    """What extraction measures; params.yaml says what each key is."""

    test_points: int = Field(ge=2, le=10**8)
    test_seed: int = Field(ge=0, lt=SEEDS)
    vectors: int = Field(ge=0, le=10**8)
    frames: int = Field(ge=0, le=10**4)
    mixed: float = Field(gt=0, le=MANY)
    learned: float = Field(gt=0, lt=1)
    regular: float = Field(gt=0, lt=1)
