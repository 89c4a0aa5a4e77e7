"""What is the model doing where test loss is highest? The points that carry it, and the bits that are stored."""

AXES = {"T", "m", "n", "S", "eps", "data_seed"}  # what its grid may sweep
WORST = 0.01  # share of fresh points, those of largest loss, that are looked at
