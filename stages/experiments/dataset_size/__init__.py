"""Figures 3 and 4 of the paper: from data points to features as the training set grows, double descent in between."""

AXES = {"T", "fresh", "data_seed", "init_seed"}  # what its grid may sweep
