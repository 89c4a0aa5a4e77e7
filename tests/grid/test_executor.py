"""stages/grid/executor.py: every job ends in an outcome, whatever becomes of the others."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from stages.grid.executor import Job, WorkersError, run
from tests.conftest import Project


def work(kind: str, value: int) -> int:
    if kind == "raise":
        raise ValueError(f"no {value}\nsecond line")
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "sleep":
        time.sleep(0.2)
    return 10 * value


def test_a_failing_and_a_killing_job_leave_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "2")
    kinds = ["", "raise", "", "sleep", "die", "", "sleep", ""]
    outcomes = dict(run(work, [Job((kind, i), i + 1.0) for i, kind in enumerate(kinds)], "jobs"))
    assert outcomes.keys() == set(range(len(kinds)))
    for i, kind in enumerate(kinds):
        if kind == "raise":
            assert outcomes[i].error == "ValueError: no 1 second line"
        elif kind == "die":
            assert "KilledWorker" in (outcomes[i].error or "")
        else:
            assert outcomes[i].error is None and outcomes[i].result == 10 * i and outcomes[i].seconds >= 0


def test_no_jobs_start_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.grid.executor._client", None)
    assert list(run(work, [], "none")) == []


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_workers_is_said_in_one_line(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", given)
    with pytest.raises(WorkersError, match=f"WORKERS is '{given}'; allowed: a number of processes from 1"):
        list(run(work, [Job(("", 1), 1.0)], "jobs"))


@pytest.fixture
def cluster() -> Iterator[str]:
    """A scheduler and a worker of their own, started elsewhere, without this project on their path."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    python, address = [sys.executable, "-m"], f"tcp://127.0.0.1:{port}"
    quiet: dict[str, Any] = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"], **quiet
    )
    worker = subprocess.Popen(
        [*python, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"], **quiet
    )
    yield address
    for process in (worker, scheduler):
        process.kill()
        process.wait()


def test_cells_go_to_the_cluster_that_the_environment_names_and_run_this_checkout_s_code(
    cluster: str, project: Project
) -> None:
    """Twice on one worker: what an earlier client brought must not train for a later one."""
    project.set("geometry.smoke.data.T", [3])
    project.succeed("generate", "geometry")
    project.succeed("train", "geometry")
    models = project.folder / "data/models/smoke/geometry.safetensors"
    here = models.read_bytes()
    code = project.folder / "stages/toy/training.py"
    for version in (1, 2):
        shutil.rmtree(project.folder / ".cells")
        code.write_text(
            code.read_text().replace("    history = ", f"    model.W[0, 0] += {version - 1}\n    history = ")
        )
        output = project.succeed("train", "geometry", DASK_SCHEDULER_ADDRESS=cluster)
        assert "16 to train" in output and "failed" not in output
        assert (models.read_bytes() == here) == (version == 1)
