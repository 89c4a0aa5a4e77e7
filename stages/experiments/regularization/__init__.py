"""The paper's appendix: at m = 4, less weight decay and more steps make a larger bump."""

AXES = {"T", "data_seed", "init_seed", "weight_decay", "steps"}  # what its grid may sweep
