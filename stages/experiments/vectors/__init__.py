"""What the stored vectors are like as the training set grows: lengths, order, overlap (text on Figures 2 to 4)."""

AXES = {"T", "data_seed", "init_seed"}  # what its grid may sweep
