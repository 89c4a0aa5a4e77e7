"""A cell trained by another processor: the same bytes under an emulated Haswell, which has AVX2 and nothing wider."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages.families.toy.data.spec import Data, Training
from stages.families.toy.model.compiler import INSTRUCTION_SET
from tests.conftest import ROOT
from tests.toy.test_training import digest, run

Cells = dict[int, tuple[Data, Training]]
STEPS = {30: 500, 100: 600, 2100: 60}  # by T: every pair, lengths, boxes
COMMAND = ["qemu-x86_64", "-cpu", "Haswell", str(Path(sys.executable).resolve()), "-c"]
CODE = """
import sys
from stages.families.toy.model.compiler import INSTRUCTION_SET
from tests.toy.test_training import *
data, training = sys.argv[1:]
trained = run(Data.model_validate_json(data), Training.model_validate_json(training))
print(INSTRUCTION_SET, digest(trained))
"""


@pytest.fixture(scope="module")
def cells(data: Callable[..., Data], training: Callable[..., Training]) -> Cells:
    return {T: (data(T=T), training(steps=steps)) for T, steps in STEPS.items()}


@pytest.fixture(scope="module")
def emulated(cells: Cells, request: pytest.FixtureRequest) -> Iterator[dict[int, subprocess.Popen[str]]]:
    """A process for each cell that is asked for, all at once: one after the other they would leave a core idle."""
    here = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    with contextlib.ExitStack() as stack:
        started = {}
        for T in [item.callspec.params["T"] for item in here]:
            process = subprocess.Popen(
                [*COMMAND, CODE, *(spec.model_dump_json() for spec in cells[T])],
                env={"PYTHONPATH": ":".join([str(ROOT), *sys.path])},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started[T] = stack.enter_context(process)
            stack.callback(process.kill)
        yield started


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-x86_64 (Debian: qemu-user)")
@pytest.mark.skipif(not INSTRUCTION_SET.startswith("x86-64"), reason="compares with an x86-64 processor")
@pytest.mark.parametrize("T", STEPS)
def test_an_emulated_processor_trains_the_same_bytes(
    cells: Cells, emulated: dict[int, subprocess.Popen[str]], T: int
) -> None:
    printed, errors = emulated[T].communicate(timeout=600)
    assert emulated[T].returncode == 0, errors
    assert printed.split() == ["x86-64-v3", digest(run(*cells[T]))]
