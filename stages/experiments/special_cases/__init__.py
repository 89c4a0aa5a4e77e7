"""Telling that a special case fired: planted, repeated points beside features, and scores that might notice them."""

AXES = {"m", "copies", "data_seed", "init_seed"}  # what its grid may sweep
