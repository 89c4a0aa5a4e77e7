"""Does a dictionary learned from activations find stored points and features?"""

from typing import NamedTuple

AXES = {"n", "S", "T", "eps", "m", "copies", "data_seed", "repeated"}  # what its grid may sweep


class Way(NamedTuple):
    """How a dictionary is learned: from what, by what, how sparse."""

    source: str
    method: str
    sparsity: float


SOURCES = {
    "trained": "hidden vectors of training points, as often as each is there",
    "fresh": "hidden vectors of fresh points",
    "outputs": "outputs for training points",
}
METHODS = {"coding": "sparse coding", "autoencoder": "sparse autoencoder", "factors": "non-negative factorisation"}
SPARSITIES = (0.3, 0.6)  # weights of the L1 penalty
WAYS = [
    Way(source, method, sparsity)
    for source in ("trained", "fresh")
    for method in ("coding", "autoencoder")
    for sparsity in SPARSITIES
] + [Way("outputs", "factors", 0.0)]
TARGETS = {  # what there is to find
    "points": "training points that the model reproduces",
    "features": "features of at least half of the largest D_f",
    "planted": "points that are there several times",
}
