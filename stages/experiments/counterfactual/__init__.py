"""Whether dimensionality measures memorisation in the toy model: against counterfactual memorisation of every point."""

AXES = {"T", "m", "subset", "subset_seed", "data_seed", "init_seed", "steps"} | {
    "repeated",
    "copies",
    "masked",
    "alike",
    "left_out",
    "left_out_by",
}  # what its grid may sweep
