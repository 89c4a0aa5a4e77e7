"""Whether D* finds memorised images: against counterfactual memorisation, and beside other scores."""

FAMILY = "digits"
AXES = {"subset", "subset_seed", "init_seed", "keep"}  # what its grid may sweep
