"""How a model gets there: memorising, in between, and generalising, watched during training (the paper's films)."""

AXES = {"T", "data_seed", "init_seed"}  # what its grid may sweep
