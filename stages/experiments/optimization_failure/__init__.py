"""How often training on a few points ends short of the regular polygon, and how (the paper's T = 8; a later blog)."""

AXES = {"T", "supports", "data_seed", "init_seed", "lr", "steps"}  # what its grid may sweep
SHAPES = ("regular", "two circles", "dead point", "other")  # of hidden vectors, as measure.py tells them apart
