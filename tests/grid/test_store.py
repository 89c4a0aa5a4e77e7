"""stages/grid/store.py: keys know all that decides a cell, and only an intact file of that key is ever used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.core.bundle import Record
from stages.families.toy import training as room
from stages.families.toy.data.spec import Training
from stages.grid.store import Store, key_of


def cell_key(dataset: str, spec: Training) -> str:
    return key_of(room.decides(spec) | {"dataset": dataset})


def record(key: str) -> Record:
    return Record({"key": key, "status": "trained"}, {"W": np.arange(8, dtype=np.float32)})


def test_a_record_comes_back_by_its_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get("ab12") is None
    store.put(record("ab12"), {"seconds": 1.5})
    found = store.get("ab12")
    assert found is not None and found.digest() == record("ab12").digest()


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-3]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"),
        lambda path: path.write_text("hello"),
    ],
    ids=["truncated", "empty", "edited", "foreign"],
)
def test_a_harmed_file_is_reported_and_not_used(
    tmp_path: Path, harm: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.put(record("ab12"), {})
    (path,) = tmp_path.rglob("*.safetensors")
    harm(path)
    assert store.get("ab12") is None
    warning = capsys.readouterr().err
    assert str(path) in warning and "trained again" in warning and warning.count("\n") == 1


def test_another_cell_s_file_under_this_key_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    store.put(record("ab12"), {})
    (path,) = tmp_path.rglob("*.safetensors")
    path.rename(path.with_name("ab34.safetensors"))
    assert store.get("ab34") is None and "another cell" in capsys.readouterr().err


def test_the_store_is_the_repository_s_that_dvc_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert Store().folder == tmp_path / ".cells"


def test_every_field_of_the_spec_the_data_and_the_version_change_the_key(
    training: Callable[..., Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {cell_key("d", training()), cell_key("e", training())}
    changes = {"m": 3, "init": "xavier_uniform", "init_seed": 1, "reduction": "sum", "steps": 1, "lr": 0.5}
    changes |= {"init_scale": 2.0, "parent_T": 9, "snapshots": 5}
    changes |= {"hidden": "relu", "tied": False, "power": 4, "importance": 0.5}
    changes |= {"warmup": 0.5, "weight_decay": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 0.5, "engine": "torch"}
    assert changes.keys() | {"corners"} == Training.model_fields.keys()
    keys |= {cell_key("d", training(**{name: value})) for name, value in changes.items()}
    keys |= {cell_key("d", training(init="feature_polygon", corners=corners)) for corners in (3, 4)}
    monkeypatch.setattr(importlib.import_module(room.decides.__module__), "VERSION", room.VERSION + 1)
    keys.add(cell_key("d", training()))
    assert len(keys) == 3 + len(changes) + 2


def test_auto_and_the_engine_it_means_are_one_cell(training: Callable[..., Training]) -> None:
    assert cell_key("d", training(engine="auto")) == cell_key("d", training(engine="fused"))
