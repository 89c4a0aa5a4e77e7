"""Why replications disagree with the paper: whether the loss is summed or averaged, which is Adam's eps."""

AXES = {"T", "n", "S", "data_seed", "init_seed", "reduction", "eps"}  # what its grid may sweep
