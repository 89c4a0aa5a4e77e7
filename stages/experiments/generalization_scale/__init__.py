"""How many points it takes to learn features, for several sparsities and weight decays (Jermyn's comment)."""

AXES = {"n", "S", "T", "m", "data_seed", "reduction", "eps", "weight_decay"}  # what its grid may sweep
