"""A cell trained by another processor: the same bytes under an emulated Haswell, which has AVX2 and nothing wider."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.families.toy.data.spec import Data, Training
from stages.families.toy.model.compiler import INSTRUCTION_SET
from tests.conftest import ROOT
from tests.toy.test_training import digest, run

CODE = """
import sys
from stages.families.toy.model.compiler import INSTRUCTION_SET
from tests.toy.test_training import *
data, training = sys.stdin.read().splitlines()
trained = run(Data.model_validate_json(data), Training.model_validate_json(training))
print(INSTRUCTION_SET, digest(trained))
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-x86_64 (Debian: qemu-user)")
@pytest.mark.skipif(not INSTRUCTION_SET.startswith("x86-64"), reason="compares with an x86-64 processor")
@pytest.mark.parametrize(("T", "steps"), [(30, 500), (100, 600), (2100, 60)])  # every pair, lengths, boxes
def test_an_emulated_processor_trains_the_same_bytes(
    data: Callable[..., Data], training: Callable[..., Training], T: int, steps: int
) -> None:
    spec, how = data(T=T), training(steps=steps)
    emulated = subprocess.run(
        ["qemu-x86_64", "-cpu", "Haswell", str(Path(sys.executable).resolve()), "-c", CODE],
        input=f"{spec.model_dump_json()}\n{how.model_dump_json()}\n",
        env={"PYTHONPATH": ":".join([str(ROOT), *sys.path])},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert emulated.stdout.split() == ["x86-64-v3", digest(run(spec, how))]
