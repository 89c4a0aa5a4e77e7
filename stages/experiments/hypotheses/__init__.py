"""n features or T points: to which world does each solution generalise, and are the two dual to each other?"""

AXES = {"n", "S", "T", "supports", "alike", "transposed", "data_seed", "m", "init", "init_seed", "reduction"} | {
    "lr",
    "eps",
    "weight_decay",
}  # what its grid may sweep
