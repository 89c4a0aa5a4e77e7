"""The columns of a toy run's tables."""

from __future__ import annotations

from stages.core.tables import Column
from stages.families.toy.data.spec import Data, Training

# what a cell was made from: the grid's axes, and what they leave fixed
SPEC = {"cell": Column(int, "position of the cell in the grid")} | Data.columns() | Training.columns()

# what is measured of a model at any time
MOMENT = {
    "norm_W": Column(float, "Frobenius norm of W"),
    "norm_b": Column(float, "norm of b"),
    "D_f_max": Column(float, "largest feature dimensionality"),
    "features_learned": Column(int, "features whose dimensionality exceeds measure.learned"),
    "D_x_max": Column(float, "largest dimensionality of a training point"),
    "D_x_ratio_median": Column(float, "median over training points of D_x T / m"),
    "D_x_ratio_p10": Column(float, "10th percentile of the same"),
    "D_x_ratio_p90": Column(float, "90th percentile of the same"),
}

CELLS = SPEC | {
    "status": Column(str, "trained, diverged (its loss stopped being finite) or failed"),
    "error": Column(str, "why the cell failed"),
    "engine_used": Column(str, "engine that trained it, and the versions that its bytes hang on"),
    "steps_taken": Column(int, "steps until the end or the divergence"),
    "selected": Column(bool, "lowest train loss among the initialisations of its training set"),
    "train_loss": Column(float, "mean over points of the error |x - x'|^p summed over features"),
    "test_loss": Column(float, "the same on fresh points"),
    "test_loss_se": Column(float, "standard error of test_loss over the test points"),
    "test_loss_median": Column(float, "median over the test points"),
    "zero_loss": Column(float, "loss of output 0 on the test points"),
    "constant_loss": Column(
        float, "loss of the best constant output on the test points, where the loss is the paper's"
    ),
    "features_forgotten": Column(
        int, "features that some snapshot had learned, and whose D_f is less than half of that now"
    ),
}
CELLS |= MOMENT

CURVES = ("test_loss", "test_loss_median", "train_loss", "D_f_max", "D_x_max", "norm_W", "norm_b", "features_learned")

HISTORY = (
    SPEC
    | {
        "step": Column(int, "steps taken when the snapshot was"),
        "train_loss": Column(float, "mean over points of the error |x - x'|^p summed over features"),
        "test_loss": Column(float, "the same on fresh points"),
    }
    | MOMENT
)

ITEMS = SPEC | {
    "step": Column(int, "steps taken: the last, and those of measure.frames snapshots"),
    "kind": Column(str, "feature (a column of W) or point (the hidden vector of a training point)"),
    "item": Column(int, "which feature or training point"),
    "sampled": Column(bool, "drawn at random from those that are not among the largest D"),
    "D": Column("float32", "dimensionality, D_f or D_x; 0 for a vector of length 0"),
    "norm": Column("float32", "length of the vector"),
    "x": Column("float32", "first coordinate, where m = 2"),
    "y": Column("float32", "second coordinate, where m = 2"),
}
