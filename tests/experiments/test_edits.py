"""The choice of an amount on half of the training sets, and its judgement on the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.edits import METHODS, NOTHING
from stages.experiments.edits import claims as edits_claims
from stages.experiments.edits.claims import chosen
from stages.experiments.edits.figure import draw
from stages.experiments.edits.measure import FLIPS, REMOVALS, rows
from stages.families.digits.measures.images import Images
from stages.families.digits.model.classifier import Classifier
from tests.experiments.verdicts import part

OUT, EARLY, OTHER, UNITS = "without loss", "stopping early", "other half", "fewer units"
CURVED, OWN = "low curvature, W", "own directions"


def made(sets: int = 6) -> Tables:
    """Low curvature leaves .2 at .9 and gains .01, and at .99 nothing and loses .5; on odd sets .3 is left at .9."""
    removals, history, flips = [], [], []
    for seed in range(sets):
        shift, cell = 1e-4 * seed, {"cell": 2 * seed, "data_seed": seed, "wrong": 0.1}
        usual = {"recalled_told": 0.5, "corrected": 0.1, "right_kept": 1.0}
        for removal, amount, recalled, validation in (
            (NOTHING, 0, 0.9, 0.93),
            (CURVED, 0.9, 0.3 if seed % 2 else 0.2, 0.94),
            (CURVED, 0.99, 0.0, 0.43),
            (OWN, 64, 0.6, 0.935),
        ):
            row = {"removal": removal, "amount": amount, "recalled_untold": recalled + shift, "validation": validation}
            removals.append(cell | usual | row)
        clean = {"cell": 2 * seed + 1, "wrong": 0.0, "removal": NOTHING, "amount": 0, "validation": 0.96}
        removals.append(cell | dict.fromkeys(usual) | {"recalled_untold": None} | clean)
        for epoch, fitted, right in ((1, 0.0, 0.92), (4, 0.1, 0.938), (50, 0.9, 0.93)):
            moment = {"epoch": epoch, "wrong_fitted": fitted, "validation_accuracy": right + shift}
            history.append(cell | moment)
        for labels, median in (("wrong", 5.0), ("right", 40.0)):
            flips += [cell | {"labels": labels, "units": k, "flipped": 0.5, "median": median} for k in (1, 8)]
    return Tables(removals=pd.DataFrame(removals), history=pd.DataFrame(history), flips=pd.DataFrame(flips))


def test_amounts_are_chosen_on_even_sets_among_those_that_spare_the_rest() -> None:
    found = chosen(made()["removals"])
    assert set(found) == {CURVED, OWN}
    assert set(found[CURVED].amount) == {0.9} and set(found[CURVED].index) == {1, 3, 5}
    summary = judge(edits_claims, made(), None)
    assert part(summary, OUT, f"recalled: {METHODS[CURVED]}").effect == pytest.approx(0.3003)
    assert part(summary, OUT, f"gained: {METHODS[CURVED]}").effect == pytest.approx(0.01)
    assert part(summary, OUT, "nothing taken out").effect == pytest.approx(0.9003)
    assert part(summary, EARLY, "accuracy: taken out, told nothing").effect == pytest.approx(0.94)
    assert part(summary, EARLY, "accuracy: taken out, told half").effect == pytest.approx(0.935)
    assert part(summary, EARLY, "accuracy: stopped early").effect == pytest.approx(0.9383)
    assert part(summary, EARLY, "right labels").effect == pytest.approx(0.96)
    assert part(summary, OTHER, f"those told: {METHODS[OWN]}").effect == pytest.approx(0.5)
    assert part(summary, UNITS, "wrong labels").effect == 5
    assert draw(made(), {}).keys() == {"edits"}


def test_a_removal_that_spares_nothing_is_not_judged() -> None:
    of = made()["removals"]
    assert set(chosen(of.assign(validation=np.where(of.removal == OWN, 0.5, of.validation)))) == {CURVED}


def test_without_wrong_labels_nothing_is_said() -> None:
    removals = made()["removals"]
    tables = Tables(removals=removals[removals.wrong == 0], history=made().history)
    summary = judge(edits_claims, tables, None)
    assert not any(part.sets for _, of in summary.questions for part in of.parts) and draw(tables, {}) == {}


def test_rows_are_of_every_removal_where_labels_are_wrong() -> None:
    rng = np.random.default_rng(0)
    model = Classifier(*(rng.normal(size=shape).astype(np.float32) for shape in ((16, 12), (16,), (10, 16), (10,))))
    x = rng.random((60, 12)).astype(np.float32)
    label = model.logits(x).argmax(axis=1).astype(np.uint8)
    images = Images(x, label, np.where(np.arange(60) < 20, (label + 1) % 10, label).astype(np.uint8))
    found: dict[str, Any] = rows(model, images, images._replace(true_label=label))
    removals, flips = pd.DataFrame(found["removals"]), pd.DataFrame(found["flips"])
    assert set(removals) == REMOVALS.keys() and set(flips) == FLIPS.keys()
    assert set(METHODS) <= set(removals.removal) and not removals.duplicated(["removal", "amount"]).any()
    first = removals.iloc[0]
    assert first.removal == NOTHING and first.recalled_told == first.recalled_untold == first.right_kept == 1
    right = rows(model, images._replace(true_label=label), images)
    assert [row["removal"] for row in right["removals"]] == [NOTHING] and right["flips"] == []
