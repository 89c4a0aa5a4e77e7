"""stages/families/toy/model/compiler.py: aligned memory, and machine code that a second process finds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.families.toy.model import compiler
from stages.families.toy.model.compiler import aligned_zeros, from_source
from tests.conftest import ROOT, drawn

SOURCE = """
@inner
def twice(x):
    return x + x

@entry
def four_times(x):
    return twice(twice(x))
"""
CODE = f"""
from stages.families.toy.model.compiler import from_source
f = from_source({SOURCE!r}, "test").four_times
assert f(2.5) == 10.0
print(sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values()))
"""


@pytest.mark.parametrize("count", [1, 16, 1000])
def test_aligned_zeros_start_on_a_cache_line(count: int) -> None:
    array = aligned_zeros(count)
    assert array.shape == (count,) and array.dtype == np.float32 and not array.any()
    assert array.ctypes.data % 64 == 0 and array.flags.c_contiguous


def test_a_second_process_finds_the_machine_code() -> None:
    assert from_source(SOURCE, "test").four_times(2.5) == 10.0
    again = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert again.stdout.split() == ["1", "0"]


TRAIN = """
import sys, numpy as np
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.data.drawing import sample
from stages.families.toy.training.engines.fused import Fused
from stages.families.toy.model.model import Model, initial_weights
from stages.families.toy.training.schedule import schedule
from stages.families.toy.data.spec import Data
points = sample(Data.model_validate_json(sys.argv[1]))
for power in map(int, sys.argv[2:]):
    model = Model(initial_weights(2, 40, "xavier_normal", 0), np.zeros(40), power=power)
    engine = Fused(points, model, Optimiser(1.0, 0.9, 0.999, 1e-6, 0.0))
    engine.advance(schedule(5, 1e-2, 0.0, 0.9, 0.999))
    print(engine.model.W.tobytes().hex())
"""


@pytest.mark.slow
def test_code_kept_by_two_processes_is_not_mixed_up_in_a_third(tmp_path: Path) -> None:
    """Numba counts the functions of a process: two texts' functions of one name could get the same symbol."""
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    spec = drawn(n=40, S=0.8, T=9).model_dump_json()
    alone, both = [], []
    for powers, results in ((["2"], alone), (["1"], alone), (["2", "1"], both)):
        command = [sys.executable, "-c", TRAIN, spec, *powers]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        results += done.stdout.split()
    assert alone == both and alone[0] != alone[1]


def test_code_is_kept_by_all_that_it_is_made_from(tmp_path: Path) -> None:
    """A package whose code changed has another folder for it; the one before may still be in use."""
    package = tmp_path / "stages/families/toy"
    (package / "model").mkdir(parents=True)
    for name in ("", "..", "../.."):
        (package / name / "__init__.py").touch()
    (package / "model/compiler.py").write_text(Path(compiler.__file__).read_text())
    folders = []
    for text in ("", "# changed"):
        (package / "model/pairs.py").write_text(text)
        subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, check=True, capture_output=True)
        folders.append({path.name for path in (package / "__pycache__").glob("kernels-*")})
    assert len(folders[0]) == 1 and len(folders[1]) == 2 and folders[0] < folders[1]
    (old,) = (package / "__pycache__" / name for name in folders[0])
    os.utime(old, (0, 0))
    subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, check=True, capture_output=True)
    assert not old.exists()


def test_where_nothing_can_be_written_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_KERNELS", None)
    assert from_source(SOURCE, "test without a folder").four_times(2.5) == 10.0
