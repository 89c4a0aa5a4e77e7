"""Passages on the page: from the table of tokens, each coloured by what models gain on it."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages.core import paths
from stages.report import content
from stages.report.passages import DARKEST, passages


def test_passages_are_those_of_transformers_from_scratch_trained_longest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert passages("laptop") == []
    wanted = ("transformer", 0, 32, 0)
    rows = []
    for of in (
        ("transformer", 0, 32, 1),
        wanted,
        ("transformer", 0, 4, 0),
        ("transformer", 0, 64, 0),
        ("relu", 0, 32, 0),
        ("transformer", 2, 32, 0),
    ):
        about = dict(zip(("model", "base", "epochs", "init_seed"), of, strict=True)) | {"pool": "kinds", "loss_in": 1.0}
        about |= {"models_in": 32 if of[2] == 32 else 16, "models_out": 32 if of[2] == 32 else 16}
        for document, kind, reference in ((3, "bible", "bible 3 4"), (1, "random", None)):
            about |= {"document": document, "kind": kind, "reference": reference}
            for place in (1, 0, 2):
                loss = 1 + (place * DARKEST / 2 if of == wanted else 5.0)
                rows.append(about | {"place": place, "token": f" {place}", "loss_out": loss})
    folder = paths.tables("laptop/documents")
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(folder / "tokens.parquet")
    first, second = passages("laptop")
    assert (first.kind, first.reference, second.kind, second.reference) == ("random tokens", "", "Bible", "bible 3 4")
    assert [token.text for token in first.tokens] == [" 0", " 1", " 2"]
    assert [token.strength for token in first.tokens] == [0, 50, 100] and first.tokens[1].nats == DARKEST / 2
    assert (first.loss_in, first.loss_out) == pytest.approx((1, 1 + DARKEST / 2))


def test_a_picture_of_256_colours_is_the_same_to_the_eye(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 200), np.linspace(0, 1, 100))
    image = np.full((100, 200, 3), 255.0)
    image[np.hypot(x - 0.3, y - 0.5) < 0.2] = (195, 49, 47)
    image[np.abs(x - y) < 0.02] = (31, 98, 180)
    image[90:] = 255 * x[90:, :, None]
    path = tmp_path / "a.png"
    Image.fromarray(image.astype(np.uint8)).save(path)
    shown = tmp_path / "b.png"
    shown.write_bytes(_bytes(content.address(path)))
    found = np.asarray(Image.open(shown).convert("RGB"), dtype=float)
    assert found.shape == image.shape and abs(found - image).max() < 8


def _bytes(address: str) -> bytes:
    return base64.b64decode(address.partition(",")[2])
