"""Which has the lower train loss over T, storing points or learning features (the July 2023 follow-up)."""

AXES = {"n", "S", "T", "eps", "data_seed", "lr", "parent_T", "first_of"}  # what its grid may sweep
DRAWN_T = 1500  # whose clusters of hidden vectors are drawn
