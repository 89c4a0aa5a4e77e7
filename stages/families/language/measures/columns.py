"""The columns of a run's tables."""

from __future__ import annotations

from stages.core.tables import Column
from stages.families.language.data.spec import Data, Training

SPEC = {"cell": Column(int, "position of the cell in the grid")} | Data.columns() | Training.columns()
AXES = SPEC | {"epoch": Column(int, "passes over the documents so far")}

CELLS = (
    SPEC
    | {
        "status": Column(str, "trained or failed"),
        "error": Column(str, "why the cell failed"),
        "engine_used": Column(str, "versions that its bytes depend on"),
    }
    | {
        "epoch": Column(int, "passes over the documents at the end"),
        "documents": Column(int, "of the pool"),
        "trained_on": Column(int, "of them that it is trained on"),
        "loss_in": Column(float, "mean loss of those, nats a token"),
        "loss_out": Column(float, "mean loss of the other documents of the pool"),
        "models": Column(int, "of its ensemble: those that differ in which documents they are trained on"),
        "reliability": Column(float, "rank correlation of two halves' memorisation of the pool's documents"),
        "reliability_probability": Column(float, "the same of memorisation by probability"),
        "reliability_tokens": Column(float, "rank correlation of two halves' memorisation of the pool's tokens"),
    }
)

DOCUMENT = AXES | {
    "document": Column(int, "its place in the pool"),
    "kind": Column(str, "what it is: data/documents.py"),
    "family": Column(int, "its family in the pool"),
    "copies_of": Column(int, "how often it is there where it is trained on"),
    "reference": Column(str, "where its passage is from"),
}

ITEMS = DOCUMENT | {
    "models_in": Column(int, "models that are trained on it"),
    "models_out": Column(int, "models that are not"),
    "loss_in": Column("float32", "its loss by the former, nats a token"),
    "loss_out": Column("float32", "its loss by the latter"),
    "memorization": Column("float32", "counterfactual memorisation: loss_out - loss_in"),
    "memorization_even": Column("float32", "the same by half of the models"),
    "memorization_odd": Column("float32", "and by the other half"),
    "memorization_probability": Column("float32", "mean probability of its tokens, in less out"),
    "recited_in": Column("float32", "share of its tokens after measure.prefix that greedy decoding continues with, in"),
    "recited_out": Column("float32", "the same by models that are not trained on it"),
    "whole_in": Column("float32", "share of models trained on it that recite all of them"),
}

CONDITIONS = DOCUMENT | {
    "own": Column(bool, "whether the document is trained on"),
    "others": Column(int, "of its family's others, how many are: of the other chapter, of twins, 1 or 0"),
    "rule": Column(str, "what is left out about a target"),
    "models": Column(int, "models, times documents, in this condition"),
    "loss": Column(float, "its loss by them, nats a token"),
}

INFLUENCE = AXES | {
    "member": Column(int, "of a family, 0 the first, from which the others were edited"),
    "by": Column(int, "another member of it, or itself"),
    "group": Column(int, "of families"),
    "families": Column(int, "in the group"),
    "slope": Column(float, "nats a token that `member` loses where `by` is left out, a mean over what else is there"),
    "alone": Column(float, "the same where all others are there"),
}

BLOCKS = DOCUMENT | {
    "offset": Column(int, "where in its stretch the document's window starts"),
    "place": Column(int, "first of the block's tokens in it"),
    "masked": Column(bool, "whether they give no gradient"),
    "loss_in": Column("float32", "loss of the block by models trained on the document, or on its stretch"),
    "loss_out": Column("float32", "loss by the other models"),
}

TOKENS = DOCUMENT | {
    "place": Column(int, "of the token in its document"),
    "token": Column(str, "its text"),
    "models_in": Column(int, "models that are trained on the document"),
    "models_out": Column(int, "models that are not"),
    "loss_in": Column("float32", "its loss by models trained on the document"),
    "loss_out": Column("float32", "its loss by the other models"),
}

SCORES = AXES | {
    "layer": Column(int, "of the hidden vectors; -1: of none"),
    "of": Column(str, "tokens, or passages by the mean over their tokens"),
    "among": Column(str, "all of the pool, or natural: its passages of text"),
    "asks": Column(str, "memorisation: rank correlation among those trained on; seen: ROC area for trained on or not"),
    "score": Column(str, "of one model"),
    "value": Column(float, "what the statistic is"),
}

ABLATIONS = AXES | {
    "document": Column(int, "passage that something is taken out for"),
    "seen": Column(bool, "whether it is trained on"),
    "layer": Column(int, "of whose hidden vectors"),
    "removed": Column(
        str,
        "D*: directions most the passage's alone; units, and turned units, axes of a random basis, that are; units by "
        "gradient; memorised: the one direction that tells memorised tokens best; random directions and units",
    ),
    "count": Column(int, "how many directions or units"),
    "loss": Column("float32", "the passage's loss before"),
    "loss_after": Column("float32", "and after"),
    "recited": Column("float32", "share of its tokens after the prefix that is recited before"),
    "recited_after": Column("float32", "and after"),
    "others": Column("float32", "mean loss of other passages that are trained on, before"),
    "others_after": Column("float32", "and after"),
    "others_recited": Column("float32", "share that is recited of them before"),
    "others_recited_after": Column("float32", "and after"),
    "share": Column("float32", "how much of the first direction or unit is the passage's"),
}

# what `dvc plots` draws, and what it is drawn over
CURVES = ("loss_in", "loss_out")
SWEEP = ("epochs", "model", "base", "pool", "edits", "init_seed")
