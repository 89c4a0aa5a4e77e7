"""Which has the lower train loss over T, storing points or learning features (the July 2023 follow-up)."""

AXES = {"T", "data_seed", "init_seed", "parent_T", "lr"}  # what its grid may sweep
