"""Points that are in the training set several times: stored beside the features, or instead (Jermyn's comment)."""

AXES = {"T", "repeated", "copies", "data_seed", "init_seed", "snapshots"}  # what its grid may sweep
