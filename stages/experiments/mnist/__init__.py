"""Maximal data dimensionality D* of real digits: over set sizes, training time and wrong labels."""

AXES = {"pool", "wrong", "epochs", "data_seed", "init_seed", "watched"}  # what its grid may sweep
