"""What a language model memorises: by kind of document, by copies, by epochs; and what that depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.claims import Finding, claim, intervals, question
from stages.core.tables import Tables
from stages.experiments.documents import KINDS, NATURAL, SCRATCH, main, of_kinds, over_seeds, usual
from stages.statistics.memorization import spearman

GUESS = "the discussion, marked as a guess"
UNIT = "An interval is over documents, each a mean over the seeds, or bases, that it has."
MEASURES = {"memorization": "nats a token", "memorization_probability": "probability of a token"}


def difference(rows: pd.DataFrame, more: str, less: str, column: str) -> Any:
    """By how much documents of one kind exceed those of another: independent pairs."""
    found = over_seeds(rows)
    first, second = (found[found.kind == kind][column].to_numpy() for kind in (more, less))
    count = min(len(first), len(second))
    return first[:count] - second[:count]


def headline(tables: Tables, measure: Any) -> Mapping[str, float | int]:
    """How reliable memorisation is, and how large."""
    rows = main(tables.items)
    cells = tables.cells[tables.cells.cell.isin(rows.cell)]
    natural = rows[rows.kind.isin(NATURAL)]
    return {"reliability": float(cells.reliability.mean()), "memorization": float(natural.memorization.mean())}


@claim("D4", "a list of random identifiers is memorised more than one word repeated", source=GUESS, says="more")
def identifiers(tables: Tables, measure: Any) -> Finding:
    """Memorisation of lists of identifiers less that of one word repeated."""
    rows = of_kinds(tables.items)
    shown = {}
    for (name, epochs), of in rows.groupby(["start", "epochs"]):
        means = of.groupby("kind").memorization.mean()
        out = of.groupby("kind").loss_out.mean()
        shown[f"{name}, {epochs} epochs"] = (
            f"{means['identifiers']:.2f} against {means['repeated']:.2f} nats, of {out['identifiers']:.2f} and "
            f"{out['repeated']:.2f} unseen"
        )
    parts = [
        intervals.mean(f"identifiers less repetition, {words}", difference(main(tables.items), *pair, column), least=0)
        for pair in [("identifiers", "repeated")]
        for column, words in MEASURES.items()
    ]
    return Finding(
        parts,
        shown,
        f"""A letter of an identifier costs ln 16 = 2.77 nats where no more than the alphabet is known: until it is
        recited there is little to gain. A repeated word costs more unseen than a guess among all tokens would, ln 512 =
        6.24 nats, as text hardly repeats a word; a base that has met other words repeated changes little. {UNIT}""",
    )


@claim("D5", "a document that is there more often is memorised more", source=GUESS, says="more often, more")
def copies(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of memorisation with copies, at the fewest epochs."""
    rows = tables.items[tables.items.pool == "copies"]
    rows = rows[rows.epochs == rows.epochs.min()]
    found = over_seeds(rows)
    ranks = found.rank()
    parts = [
        intervals.correlation(f"of copies and {words}", ranks.copies_of, ranks[column], least=0)
        for column, words in MEASURES.items()
    ]
    shown = {f"{k} copies": f"{of.loss_in.mean():.2f} in" for k, of in rows.groupby("copies_of")}
    return Finding(parts, shown, f"Rank correlation; passages of text. Nats a token are shown. {UNIT}")


@claim("D6", "a document is memorised more in more epochs", source=GUESS, says="more epochs, more")
def epochs(tables: Tables, measure: Any) -> Finding:
    """What each passage gains in memorisation from one number of epochs to the next."""
    rows = of_kinds(tables.items)
    rows = rows[(rows.start == SCRATCH) & rows.kind.isin(NATURAL)]
    wide = rows.pivot_table(index="document", columns="epochs", values="memorization_probability")
    parts = [
        intervals.mean(f"probability of a token, {later} epochs less {before}", wide[later] - wide[before], least=0)
        for before, later in zip(wide.columns[:-1], wide.columns[1:], strict=True)
    ]
    shown = {
        f"{k} epochs": f"{of.loss_in.mean():.2f} in, {of.loss_out.mean():.2f} out" for k, of in rows.groupby("epochs")
    }
    note = f"""Passages of text, each by probability, as the loss out rises late: models are then sure of what they have
        not seen. Shown: nats a token. {UNIT}"""
    return Finding(parts, shown, note)


@question("Which kind of document is memorised most?", source="the discussion")
def by_kind(tables: Tables, measure: Any) -> Finding:
    """Mean memorisation of each kind."""
    found = over_seeds(main(tables.items))
    parts = [intervals.mean(words, found[found.kind == kind].memorization) for kind, words in KINDS.items()]
    shown = {
        name: ", ".join(f"{KINDS[str(k)]} {v:.2f}" for k, v in usual(of).groupby("kind").memorization.mean().items())
        for name, of in ((str(name), of) for name, of in of_kinds(tables.items).groupby("start"))
        if name != SCRATCH
    }
    return Finding(parts, shown, f"Nats a token, transformers from scratch. Others are shown. {UNIT}")


@question("Is the Bible memorised more than Shakespeare, and he more than state papers?", source="the discussion")
def sources(tables: Tables, measure: Any) -> Finding:
    """Differences of three sources."""
    rows = main(tables.items)
    pairs = (("bible", "shakespeare"), ("shakespeare", "papers"))
    parts = [
        intervals.mean(f"{KINDS[more]} less {KINDS[less]}, {words}", difference(rows, more, less, column))
        for more, less in pairs
        for column, words in MEASURES.items()
    ]
    return Finding(
        parts, None, f"From scratch, passages of as many tokens. What costs more unseen has more to gain. {UNIT}"
    )


@question("Is it what is easy that is memorised, or what is likely?", source="the discussion")
def easy(tables: Tables, measure: Any) -> Finding:
    """Rank correlation of what a passage costs unseen with what of it is taken away, by share and by probability."""
    found = over_seeds(main(tables.items))
    found = found.assign(taken=1 - found.loss_in / found.loss_out)
    parts = []
    for kind in NATURAL:
        ranks = found[found.kind == kind].rank(numeric_only=True)
        parts += [
            intervals.correlation(f"loss out and {words}, {KINDS[kind]}", ranks.loss_out, ranks[column])
            for column, words in (
                ("memorization", "nats gained"),
                ("taken", "share taken away"),
                ("memorization_probability", "probability gained"),
            )
        ]
    note = "Within a kind. In nats the two go together wherever the loss in is about the same for all."
    return Finding(parts, None, f"{note} {UNIT}")


@question("How much of what a document costs unseen is taken away, and how fast?")
def speed(tables: Tables, measure: Any) -> Finding:
    """1 - loss in / loss out, by kind, at the fewest epochs that halve it; amount, speed and bound told apart."""
    rows = of_kinds(tables.items)
    rows = rows[rows.start == SCRATCH]
    share = (1 - rows.loss_in / rows.loss_out).groupby([rows.kind, rows.epochs]).mean().unstack()
    found = over_seeds(main(tables.items))
    parts = [
        intervals.mean(f"share taken away, {words}", (1 - found.loss_in / found.loss_out)[found.kind == kind])
        for kind, words in KINDS.items()
    ]
    shown = {}
    for kind in share.index:
        reached = share.columns[share.loc[kind] > 0.5]
        shown[KINDS[str(kind)]] = f"half of it in {reached[0]} epochs" if len(reached) else "less than half"
    return Finding(
        parts,
        shown,
        f"What a document costs unseen is what can be gained, the share taken away how far models get. {UNIT}",
    )


@question("Which documents are recited word for word?")
def recited(tables: Tables, measure: Any) -> Finding:
    """Share of the tokens after the prefix that greedy decoding continues with, by models in and out."""
    found = over_seeds(main(tables.items))
    natural = found[found.kind.isin(NATURAL)]
    parts = [
        intervals.mean("share recited, trained on", natural.recited_in),
        intervals.mean("share recited, not trained on", natural.recited_out),
        intervals.correlation(
            "rank correlation with memorisation", natural.recited_in.rank(), natural.memorization.rank()
        ),
    ]
    shown = {KINDS[str(k)]: f"{v:.2f}" for k, v in found.groupby("kind").recited_in.mean().items()}
    return Finding(parts, shown, f"After {measure.prefix} tokens, up to the first error. Passages of text. {UNIT}")


@question("Do two halves of the models agree on what is memorised, and two seeds?")
def reliable(tables: Tables, measure: Any) -> Finding:
    """Rank correlations of halves and of seeds, all documents and within kinds of text."""
    rows = main(tables.items)
    cells = tables.cells[tables.cells.cell.isin(rows.cell)]
    wide = rows.pivot_table(index=["kind", "document"], columns="init_seed", values="memorization")
    seeds = [spearman(of.iloc[:, 0], of.iloc[:, -1]) for kind, of in wide.groupby("kind") if kind in NATURAL]
    within = [
        spearman(of.memorization_even, of.memorization_odd)
        for (kind, _), of in rows.groupby(["kind", "init_seed"])
        if kind in NATURAL
    ]
    every = of_kinds(tables.items)
    cells_of = tables.cells[tables.cells.cell.isin(every.cell)].assign(
        words=lambda of: of.cell.map(every.groupby("cell").start.first())
    )
    shown = {
        f"{name}, {k} epochs": f"{of.reliability.mean():.2f}" for (name, k), of in cells_of.groupby(["words", "epochs"])
    }
    return Finding(
        [
            intervals.mean("halves, all documents", cells.reliability),
            intervals.mean("halves, by probability", cells.reliability_probability),
            intervals.mean("halves, token by token", cells.reliability_tokens),
            intervals.mean("halves, within a kind of text", within),
            intervals.mean("two seeds, within a kind of text", seeds),
        ],
        shown,
        "Rank correlations; intervals are over seeds, and over kinds of text.",
    )


@question("Is memorisation spread evenly over a passage's tokens?", source="the discussion")
def spread(tables: Tables, measure: Any) -> Finding:
    """Of each listed passage, the share of its memorisation in the quarter of tokens that are memorised most."""
    rows = main(tables["tokens"])
    rows = rows[rows.kind.isin(NATURAL)].assign(memorization=lambda of: of.loss_out - of.loss_in)
    quarter, easiest = [], []
    for _, of in rows.groupby(["kind", "document"]):
        tokens = of.groupby("place")[["memorization", "loss_out"]].mean().sort_values("memorization")
        quarter.append(tokens.memorization.iloc[-len(tokens) // 4 :].sum() / tokens.memorization.sum())
        easiest.append(spearman(tokens.memorization / tokens.loss_out, tokens.loss_out))
    return Finding(
        [
            intervals.mean("share of it in a quarter of the tokens", quarter),
            intervals.mean("rank correlation of its share taken away with the token's loss out", easiest),
        ],
        None,
        "A quarter would be even. Passages of text. An interval is over passages.",
    )


def growth(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean of a column by epochs, a column a kind."""
    return rows.pivot_table(index="epochs", columns="kind", values=column, aggfunc=np.mean)
