"""Cells trained by another processor: the same bytes under an emulated Haswell, which has AVX2 and nothing wider.

The machine code for it is made here, as the emulator takes minutes to compile; the emulated process finds and runs it.
"""

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

STEPS = {30: 500, 100: 600, 2100: 60}  # by T: every pair, lengths, boxes
Cells = dict[int, tuple[Data, Training]]
HASWELL = "x86-64-v3"  # the instruction set that it has
PYTHON = str(Path(sys.executable).resolve())
CODE = """
import sys
from stages.families.toy.model.compiler import INSTRUCTION_SET
from tests.toy.test_training import *
print(INSTRUCTION_SET)
for data, training in zip(sys.argv[1::2], sys.argv[2::2]):
    print(digest(run(Data.model_validate_json(data), Training.model_validate_json(training))))
"""


@pytest.fixture(scope="module")
def cells(data: Callable[..., Data], training: Callable[..., Training]) -> Cells:
    return {T: (data(T=T), training(steps=steps)) for T, steps in STEPS.items()}


@pytest.fixture(scope="module")
def emulated(cells: Cells) -> dict[int, str]:
    """Digests of the cells that the emulated processor trained, by T."""
    specs = [spec.model_dump_json() for cell in cells.values() for spec in cell]
    environment = {"PYTHONPATH": ":".join([str(ROOT), *sys.path])}
    for processor, told in (([], {"NUMBA_CPU_NAME": HASWELL}), (["qemu-x86_64", "-cpu", "Haswell"], {})):
        done = subprocess.run(
            [*processor, PYTHON, "-c", CODE, *specs],
            env=environment | told,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        compiled_for, *digests = done.stdout.split()
        assert compiled_for == HASWELL
    return dict(zip(cells, digests, strict=True))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-x86_64 (Debian: qemu-user)")
@pytest.mark.skipif(not INSTRUCTION_SET.startswith("x86-64"), reason="compares with an x86-64 processor")
@pytest.mark.parametrize("T", STEPS)
def test_an_emulated_processor_trains_the_same_bytes(cells: Cells, emulated: dict[int, str], T: int) -> None:
    assert emulated[T] == digest(run(*cells[T]))
