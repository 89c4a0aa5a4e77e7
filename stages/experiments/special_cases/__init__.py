"""Telling that a special case fired: planted, repeated points beside features, and scores that might notice them."""

from typing import NamedTuple

AXES = {"m", "copies", "data_seed", "init_seed"}  # what its grid may sweep
SCORES = {  # by the names of stages/families/toy/measures/detection.py
    "D_star": "D* among the training points",
    "D_x": "D_x among the training points",
    "mahalanobis": "Mahalanobis distance",
    "explained": "small reconstruction error",
    "nearest": "near a training point in h",
    "unexplained": "variance that the training set's leading directions leave",
    "nearest_point": "angle to a candidate point",
    "code": "sparse code, features and candidate points",
    "learned": "rare atoms of a dictionary learned from outputs",
}
KNOWING = ("nearest_point", "code")  # of these, those that use what is known to be in superposition
LEARNED = "learned"  # from h by the decoder, and not told what is in superposition
BLIND = ("D_star", "D_x", "mahalanobis", "unexplained")  # those of h alone that do not


class Comparison(NamedTuple):
    """Which inputs are to score higher than which others, and the scores that are asked for it."""

    words: str
    positive: str
    rest: str
    scores: tuple[str, ...]


COMPARISONS = {
    "exact": Comparison(
        "planted points against ordinary inputs",
        "planted",
        "ordinary",
        tuple(name for name in SCORES if name != "nearest"),  # a training point is always near itself
    ),
    "noisy": Comparison("planted points under noise against ordinary inputs", "noisy", "ordinary", tuple(SCORES)),
    "trained": Comparison(
        "planted points under noise against other training points", "noisy", "trained", (*BLIND, *KNOWING, LEARNED)
    ),
    "lookalike": Comparison(
        "planted points under noise against look-alikes", "noisy", "lookalike", (*BLIND, *KNOWING, "nearest", LEARNED)
    ),
}
