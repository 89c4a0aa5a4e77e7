"""Trained models against exact solutions: T-gons of points and F-gons of features."""

AXES = {
    "T",
    "supports",
    "fresh",
    "data_seed",
    "init",
    "corners",
    "init_scale",
    "weight_decay",
    "snapshots",
}  # what its grid may sweep
