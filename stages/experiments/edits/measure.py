"""What is left of wrong labels, and of everything else, after each removal; and how few units one image hangs on."""

from __future__ import annotations

from typing import Any

import numpy as np

from stages.core.random import generator
from stages.core.tables import Column
from stages.experiments.edits import NOTHING
from stages.families.digits.measures import Own
from stages.families.digits.measures.images import Images
from stages.families.digits.measures.removals import Amounts, Effects, halves, removals, units_to_flip
from stages.families.digits.model.classifier import Classifier

AMOUNTS = Amounts((1, 4, 16, 32, 64, 128, 192, 256, 384), (0.25, 0.5, 0.75, 0.85, 0.9, 0.95, 0.98, 0.99))
UNITS = (1, 2, 4, 8, 16, 32, 64, 128)

REMOVALS = {
    "removal": Column(str, "what is taken out: see stages/experiments/edits/__init__.py"),
    "amount": Column(float, "of it: directions, units, or share of a matrix's entries or singular values"),
    "recalled_told": Column(float, "share of wrong labels predicted, of the half that some removals are told"),
    "recalled_untold": Column(float, "the same of the other half"),
    "corrected": Column(float, "share of images with a wrong label whose true one is predicted"),
    "right_kept": Column(float, "share of training images with the right label that is predicted"),
    "validation": Column(float, "share of validation images that is right"),
}
FLIPS = {
    "labels": Column(str, "of which training images: right or wrong"),
    "units": Column(int, "taken out, of the image's own"),
    "flipped": Column(float, "share of the labels predicted before that no longer are"),
    "median": Column(float, "median over these images of units until that is so"),
}


def rows(model: Classifier, training: Images, validation: Images) -> dict[str, list[dict[str, Any]]]:
    """Rows of REMOVALS and of FLIPS for one classifier; where no label is wrong, of nothing taken out."""
    targets = halves(training.wrong, generator(f"halves of {training.wrong.sum()}"))
    effect = Effects(training, validation, targets)
    if not training.wrong.any():
        return {"removals": [_removed(NOTHING, 0, effect(model))], "flips": []}
    removed = [
        _removed(one.name, one.amount, effect(one.edited)) for one in removals(model, training, targets.told, AMOUNTS)
    ]
    return {"removals": removed, "flips": list(_flips(model, training))}


def _removed(name: str, amount: float, found: dict[str, Any]) -> dict[str, Any]:
    return {"removal": name, "amount": amount} | found


def _flips(model: Classifier, training: Images) -> list[dict[str, Any]]:
    fewest = units_to_flip(model, training)
    found = []
    for labels, of in (("right", ~training.wrong), ("wrong", training.wrong)):
        own = fewest[of & (fewest > 0)]
        if len(own):
            found += [
                {"labels": labels, "units": k, "flipped": (own <= k).mean(), "median": np.median(own)} for k in UNITS
            ]
    return found


OWN = Own(items=(), shown=lambda items: items.image < 0, tables={"removals": REMOVALS, "flips": FLIPS}, rows=rows)
