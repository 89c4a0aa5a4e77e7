"""Can what a classifier has memorised be taken out, and what generalises be kept?"""

AXES = {"wrong", "data_seed", "init_seed"}  # what its grid may sweep
NOTHING = "nothing"  # taken out
TOLD = ("own directions", "units by gradient")  # removals that are told half of the wrong labels
METHODS = {  # by the names of stages/families/digits/measures/removals.py
    "low curvature, W": "weights of low curvature, first layer",
    "low curvature, V": "weights of low curvature, second layer",
    "low curvature, W and V": "weights of low curvature, both layers",
    "small singular values, W": "small singular values, first layer",
    "small singular values, V": "small singular values, second layer",
    "own directions": "own directions of half of the wrong labels",
    "highest D*": "directions of the images of highest D*",
    "random directions": "random directions",
    "units by gradient": "units by gradient of half of the wrong labels",
    "random units": "random units",
    "random entries, W": "random entries in the same basis, first layer",
}
