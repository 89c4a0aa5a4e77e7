"""The model h = W x, x' = ReLU(U^T h + b) with U = W, its variants, where it starts from, and its loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import Init, Reduction, Training
from stages.families.toy.model.compiler import LANES
from stages.families.toy.model.pairs import Kind, error_pass
from stages.families.toy.model.polygons import features_on_circle, polygon_model


class Model(NamedTuple):
    """A model and the loss it is trained on, sum_i I_i |x_i - x'_i|^p of a point.

    With the defaults it is the paper's. Parameters may be of any float type; training is in float32.
    """

    W: NDArray[np.floating]  # (m, n): h = W x
    b: NDArray[np.floating]  # (n,)
    U: NDArray[np.floating] | None = None  # (m, n): x' = ReLU(U^T h + b); None: it is W (tied)
    relu: bool = False  # h = ReLU(W x)
    power: int = 2  # p: 1, 2 or 4
    importance: NDArray[np.float32] | None = None  # (n,) I_i; None: all 1

    @property
    def m(self) -> int:
        """Hidden dimensions."""
        return len(self.W)

    @property
    def n(self) -> int:
        """Features."""
        return len(self.b)

    @property
    def decoder(self) -> NDArray[np.floating]:
        """(m, n) what multiplies h: U, or W where they are tied."""
        return self.W if self.U is None else self.U

    @property
    def is_paper_loss(self) -> bool:
        """Squared error, all features alike."""
        return self.power == 2 and self.importance is None

    def hidden(self, points: Points) -> NDArray[np.float64]:
        """(T, m) hidden vectors in float64."""
        h = points.hidden(self.W)
        return np.maximum(h, 0) if self.relu else h

    def kind(self, points: Points) -> Kind:
        """What its kernels are generated for, on these points."""
        return Kind(
            self.m,
            self.power,
            relu=self.relu,
            tied=self.U is None,
            importance=self.importance is not None,
            weighted=points.weight is not None,
            masked=points.masked is not None,
        )


def initial_model(points: Points, training: Training, data_seed: int) -> Model:
    """The model that a spec starts from.

    Xavier weights and b = 0, or W' X^T of Xavier weights W' (m, T) for the points; or the exact T-gon of orthonormal
    points, whose output at `init_scale` c is c^2 x (W and b are c and c^2 times the law's); or the first
    `corners` features on a circle of radius c, and b = 0. Weights belong to `init_seed` and `data_seed`: training sets
    do not share them.
    """
    n, m, seeds, c = points.n, training.m, (training.init_seed, data_seed), training.init_scale
    b, U = np.zeros(n), None
    if training.init == "point_polygon":
        exact, bias = polygon_model(points)
        W, b = (c * exact).astype(np.float32), c**2 * bias
    elif training.init == "xavier_points":
        W = np.zeros((m, n), dtype=np.float32)
        weights = initial_weights(m, points.T, "xavier_normal", *seeds)
        np.add.at(W.T, points.feature, c * weights.T[points.row] * points.value[:, None])
    elif training.init == "feature_polygon":
        W = features_on_circle(n, training.corners, c).astype(np.float32)
    else:
        W = np.float32(c) * initial_weights(m, n, training.init, *seeds)
        U = None if training.tied else np.float32(c) * initial_weights(m, n, training.init, *seeds, decoder=True)
    return model(W, b.astype(np.float32), U, training)


def model(W: NDArray[np.float32], b: NDArray[np.float32], U: NDArray[np.float32] | None, training: Training) -> Model:
    """Parameters as the model that a spec describes."""
    importance = None
    if training.importance != 1:  # I_0 = 1, I_i = importance I_(i - 1)
        importance = np.cumprod(np.r_[1.0, np.full(len(b) - 1, training.importance)]).astype(np.float32)
    return Model(W, b, U, training.hidden == "relu", training.power, importance)


def initial_weights(
    m: int, n: int, kind: Init, seed: int, data_seed: int = 0, *, decoder: bool = False
) -> NDArray[np.float32]:
    """(m, n) Xavier (Glorot) weights: variance 2 / (m + n), normal or uniform; an untied decoder has its own."""
    words = [m, n, seed, int(decoder), *([data_seed] if data_seed else [])]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
    if kind == "xavier_normal":
        W = rng.standard_normal((m, n)) * np.sqrt(2 / (m + n))
    else:
        bound = np.sqrt(6 / (m + n))
        W = rng.uniform(-bound, bound, (m, n))
    weights: NDArray[np.float32] = W.astype(np.float32)
    return weights


def loss_scale(reduction: Reduction, n: int) -> float:
    """What a point's error is multiplied by: 1 for the printed formula's sum over features, 1 / n for `mean`.

    A constant factor leaves AdamW's path alone except through eps: `mean` at eps is `sum` at n eps.
    """
    return 1.0 if reduction == "sum" else 1.0 / n


def point_losses(model: Model, points: Points) -> NDArray[np.float64]:
    """(T,) loss sum_i I_i |x_i - x'_i|^p of each point (the paper's loss before its mean over points).

    Features of a masked point that it holds do not count; weights are left to the caller (see `mean_loss`).
    """
    losses = np.empty(points.T)
    padding = -model.n % LANES  # of zeros, which have no error
    kind = model.kind(points)._replace(weighted=False)

    def padded(array: NDArray[np.floating] | None) -> NDArray[np.float32]:
        if array is None:
            return np.empty(0, dtype=np.float32)
        width = [(0, 0)] * (array.ndim - 1) + [(0, padding)]
        return np.pad(np.ascontiguousarray(array, dtype=np.float32), width)

    start, feature = points.start.astype(np.uint64), points.feature.astype(np.uint32)
    masked = np.zeros(0, dtype=np.bool_) if points.masked is None else points.masked
    W, U, b, importance = padded(model.W), padded(model.decoder), padded(model.b), padded(model.importance)
    error_pass(kind)(W, U, b, importance, start, feature, points.value, masked, losses)
    return losses


def mean_loss(model: Model, points: Points) -> float:
    """The loss that is trained on, unscaled: the mean over points, each as often as its weight says."""
    return float(np.average(point_losses(model, points), weights=points.weight))
