"""The few pictures that tell the finding: which figures, and what they show."""

from __future__ import annotations

from typing import NamedTuple

from stages.report.drawings import files

HEADLINE = (
    "dataset_size",
    "regimes",
    "From points to features, and worse in between",
    "From T = 3 training points to T = infinity, new ones at every step: test loss, which rises before it falls in "
    "the shaded middle regime; the dimensionality of every feature and point; and the vectors themselves.",
)
PICTURES = (  # the finding: experiment, figure, what it says and what it shows
    (
        "geometry",
        "polygons",
        "Few points: each is stored, as the corner of a polygon, more or less regular",
        "Features (blue, columns of W) and hidden vectors of the training points (red) for T = 3 to 30 points; grey: "
        "the circle of the exact solution.",
    ),
    (
        "hidden_size",
        "hidden_size",
        "More data, or more hidden dimensions, can each hurt",
        "Test loss above that of output 0 for every number of training points and of hidden dimensions, and how far "
        "training sets differ; triangles: where a clear rise along T or m ends.",
    ),
    (
        "replication_gap",
        "replication_gap",
        "Why replications disagree: a sum or a mean, which rescales Adam's eps",
        "Test loss and the norm of b over T for eight values of eps, and the highest mean test loss against eps over "
        "1 - S for three sizes of the problem; stars: the paper and a replication.",
    ),
    (
        "counterfactual",
        "regimes",
        "What is stored, where it generalises, what is memorised",
        "Over T: test loss on fresh features and on mixtures of the training points; the largest dimensionality of a "
        "feature and of a point; and how much better models reconstruct a point for having been trained on it.",
    ),
)


class Picture(NamedTuple):
    """One of the few that tell the finding: the image of that name of an experiment."""

    title: str
    experiment: str
    image: str
    caption: str


def headline(scale: str) -> Picture | None:
    """The first one, if it has been drawn."""
    return _picture(HEADLINE, scale)


def pictures(scale: str) -> list[Picture]:
    """Those of PICTURES that have been drawn."""
    return [picture for of in PICTURES if (picture := _picture(of, scale))]


def _picture(of: tuple[str, str, str, str], scale: str) -> Picture | None:
    name, figure, title, caption = of
    return Picture(title, name, figure, caption) if any(f.stem == figure for f in files(name, scale)) else None
