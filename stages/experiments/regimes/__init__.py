"""The three regimes, with enough training sets to decide what is claimed of them (Figures 3 and 4 of the paper)."""

AXES = {"T", "fresh", "data_seed", "init_seed"}  # what its grid may sweep
