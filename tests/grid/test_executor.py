"""stages/grid/executor.py: every job ends in an outcome, whatever becomes of the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from stages.grid.executor import Job, run


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


@pytest.fixture
def cluster() -> Iterator[str]:
    """A scheduler and a worker of their own, started elsewhere, without this project on their path."""
    python, port = [sys.executable, "-m"], "18787"
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
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


def test_the_cells_go_to_the_cluster_that_the_environment_names(
    cluster: str, monkeypatch: pytest.MonkeyPatch, data, training
) -> None:
    import dask

    from stages.toy.data import sample
    from stages.toy.training import train

    points, spec = sample(data(T=3)), training(steps=50)
    with dask.config.set({"scheduler-address": cluster}):
        ((i, outcome),) = run(train, [Job((points, spec), 1.0)], "remote")
    assert i == 0 and outcome.error is None
    assert outcome.result.W.tobytes() == train(points, spec).W.tobytes()
