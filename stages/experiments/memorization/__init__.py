"""Whether D* finds memorised images: against counterfactual memorisation, and beside other scores."""

from typing import Any

AXES = {"subset", "subset_seed", "init_seed", "keep"}  # what its grid may sweep

SCORES = {  # of one model, whose larger values might tell what is memorised
    "D_after": "D*, hidden",
    "D_before": "D*, before the ReLU",
    "D_x": "D_x",
    "unit_share": "share of one unit",
    "loss": "loss",
    "margin": "margin",
    "gradient_norm": "gradient norm",
    "mahalanobis": "Mahalanobis",
    "h_deviation": "deviation of h",
    "input_curvature": "input curvature",
    "nearest_neighbour": "nearest neighbour",
}


def known(items: Any) -> Any:
    """Which rows of a table of images have a memorisation, by either half of the models."""
    return items.memorization_even.notna() & items.memorization_odd.notna()
