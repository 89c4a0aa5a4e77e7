"""How many points it takes to learn features, for several sparsities and weight decays (Jermyn's comment)."""

AXES = {"S", "T", "m", "data_seed", "init_seed", "eps", "weight_decay"}  # what its grid may sweep
