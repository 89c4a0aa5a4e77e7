"""Points that are in the training set several times: stored beside the features, or instead (Jermyn's comment)."""

AXES = {"T", "repeated", "copies", "data_seed", "init_seed", "snapshots", "reduction"}  # what its grid may sweep
HIGHEST = 8  # features whose dimensionality is drawn over the steps: those of largest D at some time
