"""The T x m map of test loss: double descent along both axes."""

AXES = {"T", "m", "data_seed", "init_seed"}  # what its grid may sweep
