"""Can what a classifier has memorised be taken out, and what generalises be kept?"""

AXES = {"wrong", "data_seed", "init_seed"}  # what its grid may sweep
NOTHING = "nothing"  # taken out
TOLD = ("own directions", "units by margin")  # removals that are told half of the wrong labels
CONTROL = "own directions of right labels"  # that are told as many of these
METHODS = {  # by the names of stages/families/digits/measures/removals.py
    "low curvature, W": "weights of low curvature, first layer",
    "low curvature, V": "weights of low curvature, second layer",
    "low curvature, W and V": "weights of low curvature, both layers",
    "small singular values, W": "small singular values, first layer",
    "small singular values, V": "small singular values, second layer",
    "own directions": "own directions of half of the wrong labels",
    "own directions of right labels": "own directions of as many right labels",
    "highest D*": "directions of the images of highest D*",
    "least variance": "directions of least variance",
    "random directions": "random directions",
    "units by margin": "units by margin of half of the wrong labels",
    "random units": "random units",
    "small entries, W": "small weights in the same basis, first layer",
}
