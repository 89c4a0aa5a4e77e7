"""What a language model is made from: its documents and how it is trained.

Each field is a key of params.yaml, which says what it means, and a column of the tables.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stages.core.spec import Spec, TrainingSpec

CONTEXT = 64  # tokens of a document
SEEDS = 2**32
LARGEST_GIB = 16  # of a cell's arrays

Pool = Literal["kinds", "copies", "families", "rules", "twins", "spans", "cuts", "base"]
USED = {  # keys that a pool has a use for, beside those that all have; others keep their neutral value
    "kinds": (),
    "copies": ("most",),
    "families": ("members", "edits"),
    "rules": ("edits", "span"),
    "twins": (),
    "spans": ("most", "span"),
    "cuts": (),
    "base": (),
}
NEUTRAL = {"most": 1, "members": 1, "edits": 0, "span": 0}


class Data(Spec):
    """Which documents there are, and which of them a model is trained on: pools are described in documents.py."""

    pool: Pool = Field(description="kinds, copies, families, rules, twins, spans, cuts or base: data/documents.py")
    each: int = Field(ge=1, le=10**5, description="documents of each kind or number of copies; families; or passages")
    most: int = Field(ge=1, le=2**10, description="copies of a document, at most")
    members: int = Field(ge=1, le=100, description="near-duplicates in a family, its first one included")
    edits: int = Field(ge=0, le=CONTEXT, description="tokens in which a near-duplicate differs from its family's first")
    span: int = Field(ge=0, le=CONTEXT // 2, description="tokens of a span that is shared, or that gives no gradient")
    repeats: float = Field(
        ge=0, le=1, description="documents of one word repeated in a base, as a share of its passages"
    )
    subset: float = Field(gt=0, le=1, description="share of the documents that is trained on, drawn at random")
    subset_seed: int = Field(ge=0, lt=SEEDS, description="which")
    data_seed: int = Field(ge=0, lt=SEEDS, description="seed of the documents")

    @model_validator(mode="after")
    def _go_together(self) -> Data:
        for key, neutral in NEUTRAL.items():
            if key not in USED[self.pool] and getattr(self, key) != neutral:
                raise ValueError(f"a pool of {self.pool} has no {key}; allowed: {key} {neutral}")
        if self.pool == "families" and self.members < 2:
            raise ValueError("families of 1 document are none; allowed: members >= 2")
        if self.pool in ("rules", "spans") and not self.span:
            raise ValueError(f"a pool of {self.pool} has a span; allowed: span >= 1")
        return self


class Training(TrainingSpec):
    """How a model of the next token is trained: cross-entropy, AdamW, warm-up and cosine."""

    model: Literal["transformer", "relu"] = Field(description="decoder-only transformer, or one hidden ReLU layer")
    width: int = Field(ge=4, le=4096, description="dimensions of the residual stream, or hidden ReLU units")
    layers: int = Field(ge=1, le=48, description="layers of a transformer; 1 of the other")
    base: int = Field(ge=0, le=10**4, description="passes over other text first, one base a seed; 0: from scratch")
    base_passages: int = Field(ge=1, le=10**5, description="passages of other text that a base is trained on")
    epochs: int = Field(ge=1, le=10**5, description="passes over the documents")
    batch: int = Field(ge=1, le=10**4, description="documents a step")
    lr: float = Field(gt=0, le=1e3, description="peak learning rate")
    warmup: float = Field(ge=0, lt=1, description="share of the steps that warm up linearly; cosine to 0 after")
    weight_decay: float = Field(ge=0, le=1e6, description="decoupled weight decay")
    init_seed: int = Field(ge=0, lt=SEEDS, description="seed of the initial weights and of the order of documents")
    watched: int = Field(ge=0, le=32, description="models kept on the way: after 1, 2, 4, ... epochs, so many at most")
    keep: Literal["weights", "outputs"] = Field(
        description="what is kept of each: its weights, or what it predicts at the pool's tokens"
    )

    def check(self, data: Any) -> None:
        """Raise ValueError where the parts do not go together; the message is `key is value; allowed`."""
        if self.model == "relu" and self.layers != 1:
            raise ValueError(f"layers is {self.layers}; allowed: 1 of a model of one hidden layer")
        if data.repeats and not self.base and data.pool != "base":
            raise ValueError("base is 0; allowed: more where repeats says what its passages are")
        size = 4 * self.width**2 * (12 * self.layers) * (4 + (self.watched if self.keep == "weights" else 0))
        if size > LARGEST_GIB * 2**30:
            raise ValueError(f"width is {self.width}; allowed: arrays of up to {LARGEST_GIB} GiB")

    def parent(self, data: Data) -> tuple[Data, Training] | None:
        """What the base is made from, if there is one: passages of text that no document is from."""
        if not self.base:
            return None
        passages = Data(
            pool="base",
            each=self.base_passages,
            **NEUTRAL,
            repeats=data.repeats,
            subset=1.0,
            subset_seed=0,
            data_seed=0,
        )
        changed = {"base": 0, "epochs": self.base, "watched": 0, "keep": "weights"}
        return passages, self.model_copy(update=changed)


class Measure(Spec):
    """What extraction measures; params.yaml says what each key is."""

    prefix: int = Field(ge=1, lt=CONTEXT)
    passages: int = Field(ge=0, le=10**4)
    ablated: int = Field(ge=0, le=10**4)
