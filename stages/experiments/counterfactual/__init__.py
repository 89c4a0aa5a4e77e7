"""Whether dimensionality measures memorisation in the toy model: against counterfactual memorisation of every point."""

AXES = {"T", "m", "subset", "subset_seed", "data_seed", "init_seed", "steps"} | {
    "repeated",
    "copies",
    "masked",
    "alike",
    "left_out",
    "left_out_by",
}  # what its grid may sweep
# What may tell which points are memorised: scores by one model of all points, and means over models of subsets
SCORES = {"D_x": "D_x", "D_star": "D*", "norm": "norm of h", "loss": "loss, negative"}
MEANS = {"D_x_mean": "mean D_x", "norm_mean": "mean norm of h", "explained_mean": "mean share explained"}
