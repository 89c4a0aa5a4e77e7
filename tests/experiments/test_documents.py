"""Claims and figures of documents, on tables made up to be known."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, Summary
from stages.claims import judged as judge
from stages.core.tables import Tables
from stages.experiments.documents import KINDS, NATURAL, main
from stages.experiments.documents import claims as documents_claims
from stages.experiments.documents.figure import draw
from tests.experiments.verdicts import finding, part, verdict

ASKED = SimpleNamespace(prefix=16, passages=1)
EACH, EPOCHS, USUAL = 12, (4, 32, 64), 32  # of the last there are most models
IDENTIFIERS, COPIES, LONGER = "identifiers is memorised more", "more often is memorised more", "more in more epochs"


MODELS = (*(("transformer", 0, 0.0, k) for k in EPOCHS), ("relu", 0, 0.0, 32), ("transformer", 2, 0.5, 32))


def rows(pool: str, better: float) -> Iterator[dict[str, Any]]:
    """EACH documents of every kind, of two seeds, at two numbers of epochs; or 40 of 1 to 8 copies."""
    for model, base, repeats, epochs in MODELS if pool == "kinds" else [("transformer", 0, 0.0, 2)]:
        about = {"model": model, "base": base, "repeats": repeats, "epochs": epochs, "pool": pool, "copies_of": 1}
        if pool == "copies":
            for document in range(40):
                copies = {"copies_of": 2 ** (document % 4), "memorization": better * 2.0 ** (document % 4)}
                yield about | copies | {"kind": "bible", "document": document, "init_seed": 0}
            continue
        for seed, (k, kind), document in itertools.product((0, 1), enumerate(KINDS), range(EACH)):
            gain = better * epochs / 32 * (1 + k)
            of = {"kind": kind, "document": k * EACH + document, "init_seed": seed}
            yield about | of | {"memorization": gain + 0.01 * document}


def items(better: float = 1.0) -> pd.DataFrame:
    """Kinds gain the more the later they are named; `better`: so many nats more with copies and epochs."""
    found = pd.DataFrame([*rows("kinds", better), *rows("copies", better)])
    found = found.assign(cell=range(len(found)), epoch=found.epochs, loss_out=found.memorization + 1, loss_in=1.0)
    half, share = found.memorization, found.memorization / 20
    models = np.where(found.epochs == USUAL, 32, 16)
    found = found.assign(
        models_in=models,
        models_out=models,
        memorization_even=half,
        memorization_odd=half,
        memorization_probability=share,
    )
    return found.assign(recited_in=share, recited_out=0.0)


def tables(better: float = 1.0) -> Tables:
    of = items(better)
    cells = of[["cell", "epochs"]].assign(reliability=0.9, reliability_probability=0.8, reliability_tokens=0.7)
    tokens = main(of).assign(one=1).merge(pd.DataFrame({"one": 1, "place": range(8)}))
    tokens = tokens.assign(token=" a", loss_out=tokens.loss_out + tokens.place)
    return Tables(cells=cells, items=of, tokens=tokens)


def judged(better: float = 1.0) -> Summary:
    return judge(documents_claims, tables(better), ASKED)


def test_guesses_are_judged_in_both_directions() -> None:
    found, other = judged(), judged(-1.0)
    assert verdict(found, IDENTIFIERS) == FAILS  # one word repeated is the next kind, and gains one nat more
    assert part(found, IDENTIFIERS, "nats").effect == pytest.approx(-1) and verdict(other, IDENTIFIERS) == HOLDS
    assert (verdict(found, COPIES), verdict(other, COPIES)) == (HOLDS, FAILS)
    assert (verdict(found, LONGER), verdict(other, LONGER)) == (HOLDS, FAILS)


def test_questions_are_answered_from_transformers_from_scratch_over_documents() -> None:
    found = judged()
    kinds = finding(found, "Which kind")
    assert [of.effect for of in kinds.parts] == pytest.approx([1 + k + 0.055 for k in range(len(KINDS))])
    assert {of.sets for of in kinds.parts} == {EACH} and kinds.shown is not None and len(kinds.shown) == 2
    assert part(found, "Bible memorised more", "Bible less Shakespeare, nats").effect == pytest.approx(-1)
    assert part(found, "easy that is memorised", "share taken away, Bible").effect == pytest.approx(1)
    assert part(found, "how fast", "taken away, Bible").effect == pytest.approx(
        np.mean([1 - 1 / (2 + 0.01 * k) for k in range(EACH)])
    )
    assert part(found, "recited word for word", "not trained on").effect == 0
    assert part(found, "two halves", "all documents").effect == pytest.approx(0.9)
    assert part(found, "evenly", "loss out").effect == pytest.approx(1)  # the share taken away grows with the loss out
    natural = np.mean([1 + list(KINDS).index(kind) + 0.055 for kind in NATURAL])
    assert found.headline == pytest.approx({"reliability": 0.9, "memorization": natural})


def test_nothing_trained_claims_nothing() -> None:
    made = tables()
    empty = Tables({name: made[name].head(0) for name in ("cells", "items", "tokens")})
    found = judge(documents_claims, empty, ASKED)
    assert not any(of.sets for _, answer in (*found.claims, *found.questions) for of in answer.parts)
    assert draw(empty, {}) == {}


def test_figures_are_drawn_of_what_is_there() -> None:
    assert set(draw(tables(), {})) == {"kinds", "copies_and_epochs", "passages"}
