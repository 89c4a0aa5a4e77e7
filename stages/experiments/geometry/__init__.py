"""Figure 2 of the paper: trained on a few points, the model stores them as the corners of a regular polygon."""

AXES = {"T", "supports", "data_seed", "init_seed", "weight_decay"}  # what its grid may sweep
