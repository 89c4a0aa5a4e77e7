"""What is left of wrong labels, and of the rest; amounts are chosen on half of the training sets, judged on others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.claims import Finding, intervals, labelled_rows, question
from stages.core.tables import Tables
from stages.experiments.edits import CONTROL, METHODS, NOTHING, TOLD

SPARED = 0.01  # of the validation accuracy that a removal may cost
CHOSEN = f"""The amount with which least is recalled, at {SPARED:.0%} of validation accuracy lost at most, is chosen on
even training sets; odd ones judge, and an interval is over these."""
AMOUNTS = (192, 256, 384)  # directions
RECALLED = "wrong labels recalled: "


def untouched(removals: pd.DataFrame) -> pd.DataFrame:
    """The models with wrong labels before anything is taken out, by training set."""
    rows: pd.DataFrame = removals[(removals.removal == NOTHING) & (removals.wrong > 0)]
    return rows.set_index("data_seed")


def chosen(removals: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By removal: the rows of odd training sets at the amount that even ones choose; those that spare enough."""
    if not len(removals):
        return {}
    before = untouched(removals)
    found = {}
    for name in METHODS:
        of = removals[removals.removal == name]
        even = of[of.data_seed % 2 == 0].groupby("amount")[["recalled_untold", "validation"]].mean()
        spared = even[even.validation >= before.validation[before.index % 2 == 0].mean() - SPARED]
        if len(spared):
            amount = spared.recalled_untold.idxmin()
            odd = of[(of.amount == amount) & (of.data_seed % 2 == 1)].set_index("data_seed")
            found[name] = odd.assign(gained=odd.validation - before.validation[odd.index])
    return found


def best(found: dict[str, pd.DataFrame]) -> list[str]:
    """Removals, those that leave the least first."""
    return sorted(found, key=lambda name: float(found[name].recalled_untold.mean()))


def early(tables: Tables) -> pd.DataFrame:
    """Models on the way, with wrong labels: what is recalled, and validation accuracy, by training set and epoch."""
    rows: pd.DataFrame = tables["history"][tables["history"].wrong > 0]
    return rows


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """What the best removal leaves."""
    found = chosen(tables["removals"])
    if not found:
        return {}
    of = found[best(found)[0]]
    return {"recalled": float(of.recalled_untold.mean()), "validation_gained": float(of.gained.mean())}


@question("Can wrong labels be taken out of a classifier without loss?", source="the discussion; Merullo et al. 2025")
def taken_out(tables: Tables, measure: Any) -> Finding:
    """Recall of wrong labels that no removal was told, and what validation accuracy gains."""
    found, before = chosen(tables["removals"]), untouched(tables["removals"])
    odd = before[before.index % 2 == 1]
    parts = [intervals.mean(f"{RECALLED}nothing taken out", odd.recalled_untold)]
    for name in best(found):
        parts.append(intervals.mean(f"{RECALLED}{METHODS[name]}", found[name].recalled_untold))
        parts.append(intervals.mean(f"validation accuracy gained: {METHODS[name]}", found[name].gained))
    columns = ["amount", "recalled_told", "corrected", "right_kept", "validation"]
    rows = pd.DataFrame({METHODS[name]: found[name][columns].mean() for name in best(found)}).T
    return Finding(
        parts,
        labelled_rows(rows, "removal") if len(rows) else None,
        f"Wrong labels of the half that no removal is told. {CHOSEN}",
    )


@question("Does taking out make a better classifier than stopping early?")
def stopping(tables: Tables, measure: Any) -> Finding:
    """Removals that are told half of the wrong labels, and those that are not, against the best epoch."""
    removals, rows = tables["removals"], early(tables)
    of = removals[removals.removal.isin(METHODS)] if len(removals) else removals
    if not len(of) or not len(rows):
        return Finding()
    epochs = rows[rows.data_seed % 2 == 0].groupby("epoch", as_index=False).validation_accuracy.mean()
    epoch = int(epochs.loc[epochs.validation_accuracy.idxmax(), "epoch"])
    stopped = rows[(rows.epoch == epoch) & (rows.data_seed % 2 == 1)].set_index("data_seed")
    clean = removals[(removals.wrong == 0) & (removals.data_seed % 2 == 1)].set_index("data_seed").validation
    parts = [
        intervals.mean(f"{RECALLED}stopped early", stopped.wrong_fitted),
        intervals.mean("validation accuracy: stopped early", stopped.validation_accuracy),
        intervals.mean("validation accuracy: trained on right labels", clean),
    ]
    shown = {"stopped early": f"epoch {epoch}"}
    for words, some in (
        ("told nothing", of[~of.removal.isin([*TOLD, CONTROL])]),
        ("told half of the wrong labels", of[of.removal.isin(TOLD)]),
    ):
        even = some[some.data_seed % 2 == 0].groupby(["removal", "amount"], as_index=False).validation.mean()
        if not len(even):
            continue
        way = even.loc[even.validation.idxmax(), ["removal", "amount"]]
        edited = some[(some[["removal", "amount"]] == way).all(axis=1) & (some.data_seed % 2 == 1)].set_index(
            "data_seed"
        )
        shown[words] = f"{METHODS[way.removal]}, {way.amount:g}"
        parts.append(intervals.mean(f"{RECALLED}taken out, {words}", edited.recalled_untold))
        parts.append(intervals.mean(f"validation accuracy: taken out, {words}", edited.validation))
        gained = edited.validation - stopped.validation_accuracy
        parts.append(intervals.mean(f"validation accuracy over stopping early: taken out, {words}", gained))
    return Finding(
        parts,
        shown,
        "The removal, its amount and the epoch of highest validation accuracy on even training sets; odd ones judge.",
    )


@question("Are the directions that are taken out those of wrong labels, or any of so many?")
def which_directions(tables: Tables, measure: Any) -> Finding:
    """What directions of several kinds leave, as many of each."""
    rows = tables["removals"]
    kinds = [name for name in METHODS if "directions" in METHODS[name]]
    rows = rows[rows.removal.isin(kinds) & rows.amount.isin(AMOUNTS)] if len(rows) else rows
    parts = (
        [
            intervals.mean(f"{RECALLED}{METHODS[name]}, {amount}", of.recalled_untold)
            for amount in AMOUNTS
            for name in kinds
            if len(of := rows[(rows.removal == name) & (rows.amount == amount)])
        ]
        if len(rows)
        else []
    )
    by = rows.groupby(["removal", "amount"]).validation.mean().unstack() if len(rows) else pd.DataFrame()
    return Finding(
        parts,
        {
            f"validation accuracy without {amount}": {METHODS[str(k)]: float(v) for k, v in by[amount].items()}
            for amount in by
        }
        or None,
        "Wrong labels of the half that no removal is told; of all training sets, as no amount is chosen.",
    )


@question("Does what is told of half of the wrong labels take out the other half?")
def other_half(tables: Tables, measure: Any) -> Finding:
    """What is left of those that were told less what is left of the others."""
    found = chosen(tables["removals"])
    parts = []
    for name in TOLD:
        if name in found:
            parts += [
                intervals.mean(f"recalled of those told: {METHODS[name]}", found[name].recalled_told),
                intervals.mean(f"of the others: {METHODS[name]}", found[name].recalled_untold),
            ]
    return Finding(parts, None, CHOSEN)


@question("Does a wrong label hang on fewer units than a right one?", source="Maini et al. 2023: it does")
def few_units(tables: Tables, measure: Any) -> Finding:
    """Its own units to take out until a label is predicted no more."""
    flips = tables["flips"]
    if not len(flips):
        return Finding()
    median = flips.drop_duplicates(["cell", "labels"]).pivot(index="data_seed", columns="labels", values="median")
    median = median.reindex(columns=["wrong", "right"])  # of labels that none of is predicted there is no median
    after = flips.pivot_table(index="units", columns="labels", values="flipped")
    return Finding(
        [intervals.mean(f"median units, {labels} labels", median[labels]) for labels in median],
        labelled_rows(after, "units"),
        "Units in the order of what they cost that image's margin. Shown: the share of labels lost by then.",
    )
