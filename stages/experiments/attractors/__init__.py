"""Are stored points attractors? A trained model's output as its next input, over and over."""

AXES = {"T", "m", "data_seed", "supports", "init"}  # what its grid may sweep

STARTS = {  # what iterating starts from
    "points": "training points",
    "mixtures": "means of two training points",
    "fresh": "fresh points",
    "features": "single features, those of largest D_f",
    "noise": "random directions of h",
}
KINDS = {  # of attractors: rest, or by the fewest training points, or features, whose mixture it is
    "rest": "the output at h = 0, or none",
    "point": "a training point",
    "points": "a mixture of two or three training points",
    "feature": "a feature",
    "features": "a mixture of two or three features",
    "other": "none of these",
}
