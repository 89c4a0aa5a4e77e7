"""How far results move with learning rate, initialisation, eps and seeds, by the number of hidden dimensions."""

AXES = {"T", "m", "data_seed", "init_seed", "init", "init_scale", "lr", "eps"}  # what its grid may sweep
