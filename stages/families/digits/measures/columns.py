"""The columns of a run's tables."""

from __future__ import annotations

from stages.core.tables import Column
from stages.families.digits.data.spec import Data, Training

# what a cell was made from: the grid's axes, and what they leave fixed
SPEC = {"cell": Column(int, "position of the cell in the grid")} | Data.columns() | Training.columns()
AXES = SPEC | {"T": Column(int, "training images")}
EPOCH = {"epoch": Column(int, "passes over the training images so far")}

# what is measured of a model at any time
MOMENT = EPOCH | {
    "train_loss": Column(float, "mean cross-entropy of the training images' labels"),
    "train_accuracy": Column(float, "share of the training images whose label is predicted"),
    "wrong_fitted": Column(float, "the same of those with a wrong label"),
    "validation_loss": Column(float, "mean cross-entropy of the validation images"),
    "validation_accuracy": Column(float, "share of them that is right"),
    "rank": Column(int, "rank of the hidden vectors of the training images"),
    "D_sum": Column(float, "sum of their D*"),
    "D_min": Column(float, "smallest D*"),
    "D_median": Column(float, "median of D*"),
    "D_p99": Column(float, "99th percentile of D*"),
    "D_p999": Column(float, "99.9th percentile of D*"),
    "D_max": Column(float, "largest D*"),
    "D_far": Column(int, "images of more than measure.far times the median D*"),
    "D_alone": Column(int, "images of a D* above measure.alone"),
    "validation_D_min": Column(float, "smallest over validation images of the D* that each would have as one more"),
    "validation_D_median": Column(float, "median over validation images of the D* that each would have as one more"),
    "validation_D_p99": Column(float, "99th percentile of the same"),
    "validation_D_p999": Column(float, "99.9th percentile of the same"),
    "validation_D_max": Column(float, "largest of the same"),
    "validation_outside": Column(float, "share of validation images outside of what the training images span"),
    "misclassified": Column(int, "training images whose label is not predicted"),
    "misclassified_distance": Column(float, "largest distance of their distribution over the ranks from an even one"),
    "models": Column(int, "models of the ensemble that the pool's memorisation is of"),
    "reliability_log": Column(float, "rank correlation of two halves' memorisation by log-probability"),
    "reliability_correct": Column(float, "the same by correctness"),
    "memorization_log": Column(float, "mean over the pool of memorisation by log-probability"),
    "memorization_correct": Column(float, "mean over the pool of memorisation by correctness"),
    "memorization_wrong_log": Column(float, "the first over images with a wrong label"),
    "memorization_wrong_correct": Column(float, "the second over images with a wrong label"),
}

CELLS = (
    SPEC
    | {
        "status": Column(str, "trained or failed"),
        "error": Column(str, "why the cell failed"),
        "engine_used": Column(str, "versions that its bytes depend on"),
        "selected": Column(bool, "of those whose images are listed: the first initialisation of each training set"),
        "T": Column(int, "training images"),
        "memorized_share": Column(float, "share of a pool that counts as most memorised: measure.memorized"),
    }
    | MOMENT
    | {
        "rank_before": Column(int, "rank of what the ReLU gets"),
        "D_before_median": Column(float, "median of its D*"),
        "D_before_max": Column(float, "largest of its D*"),
        "rho_before_after": Column(float, "rank correlation of D* before and after the ReLU"),
        "rho_D_unit_share": Column(float, "rank correlation of D* and the largest share of one unit"),
        "alone_unit_share": Column(
            float, "median of largest share of one unit over D*, of images of D* above measure.alone"
        ),
        "typical_unit_share": Column(float, "the same of all training images"),
        "unit_share_max": Column(float, "largest share that one training image has of one unit"),
        "likelihood_rho": Column(float, "rank correlation of D* with how unlikely a Gaussian fitted to all makes it"),
        "ascent_share": Column(float, "median share of D* that a hundred steps of gradient ascent reach"),
        "ascent_rho": Column(float, "rank correlation of D* with what they reach"),
        "oddness_top": Column(float, "mean rank, 0 to 1, by distance to the nearest other, of the 1 % of highest D*"),
        "oddness_bottom": Column(float, "the same of the 1 % of lowest D*"),
        "rho_seeds": Column(float, "rank correlation of D* with that of the training set's first initialisation"),
    }
)

HISTORY = AXES | MOMENT

SCORES = (
    AXES
    | EPOCH
    | {
        "labels": Column(str, "among which training images: all, or right, those with the right label"),
        "asks": Column(
            str,
            "what the score should tell: memorisation (by log-probability), most memorised (the measure.memorized of "
            "largest memorisation by half of the models) or wrong labels",
        ),
        "statistic": Column(
            str, "rank correlation, ROC area, or precision among as many of the largest as there are to find"
        ),
        "score": Column(str, "of one model, a column of the table of images; or memorization, the ensemble's own"),
        "value": Column(float, "what the statistic is"),
    }
)

MISCLASSIFIED = (
    AXES
    | EPOCH
    | {
        "tenth": Column(int, "tenth of the ranks of D*, 0 lowest"),
        "images": Column(int, "misclassified training images in it"),
    }
)

IMAGE = AXES | {
    "set": Column(str, "training or validation"),
    "image": Column(int, "its index in that file"),
    "true_label": Column(int, "what it shows"),
    "label": Column(int, "what it was trained as"),
}

IMAGES = IMAGE | {
    "prediction": Column(int, "the most likely digit"),
    "loss": Column("float32", "cross-entropy of the label"),
    "margin": Column("float32", "largest other logit minus the label's: above 0 if another is predicted"),
    "D_after": Column("float32", "D* of the hidden vector; of a validation image s / (1 + s), as one more of the set"),
    "D_before": Column("float32", "the same before the ReLU"),
    "leverage": Column("float32", "s = h^T M^+ h, which is D* for a training image"),
    "D_x": Column("float32", "data dimensionality D_x of a training image"),
    "unit_share": Column("float32", "largest h_k^2 / sum_j h_jk^2 over units k, of a training image"),
    "rank_D": Column(int, "position by D_after in its set, 1 the largest"),
    "memorization_log": Column("float32", "counterfactual memorisation by log-probability"),
    "memorization_even": Column("float32", "the same by half of the models"),
    "memorization_odd": Column("float32", "and by the other half"),
    "memorization_correct": Column("float32", "counterfactual memorisation by correctness"),
    "gradient_norm": Column("float32", "norm of the gradient of its loss"),
    "mahalanobis": Column("float32", "distance of the hidden vector from its class's mean, in the class's spread"),
    "nearest_neighbour": Column("float32", "distance to the nearest other image of the pool, in pixels"),
}

ITEMS = IMAGES | {
    "h_deviation": Column("float32", "standard deviation of the hidden vector over units"),
    "input_curvature": Column(
        "float32", "norm of the second derivative of its loss by the pixels, mean over the models kept so far"
    ),
    "sampled": Column(bool, "drawn at random from those that are listed for no other reason"),
    "pixels": Column(bytes, "28 x 28, of the images of highest, middle and lowest D*"),
}

# what `dvc plots` draws, and what it is drawn over: a pool is as many images as T and the subset say
CURVES = ("train_loss", "validation_loss", "validation_accuracy", "D_median", "D_p99", "D_max")
SWEEP = ("T", "wrong", "subset", "hidden", "epochs", "batch", "lr", "weight_decay")
