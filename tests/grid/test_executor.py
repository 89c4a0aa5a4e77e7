"""stages/grid/executor.py: every job ends in an outcome, whatever becomes of the others."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
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
            assert outcomes[i].error is None and outcomes[i].result == 10 * i
            assert (0.2 if kind == "sleep" else 0) <= outcomes[i].seconds < 5 and outcomes[
                i
            ].host == socket.gethostname()


def test_no_jobs_start_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.grid.executor._client", None)
    assert list(run(work, [], "none")) == []


def pages_taken(arrays: int, size: int) -> int:
    """Minor page faults while so many arrays of `size` bytes come and go."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(arrays):
        np.ones(size, dtype=np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_a_worker_uses_freed_memory_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "1")
    arrays, size = 100, 2**22
    ((_, outcome),) = run(pages_taken, [Job((arrays, size), 1.0)], "jobs")
    assert outcome.result < arrays * size / resource.getpagesize() / 10


def test_a_cluster_beside_another_says_nothing_of_its_ports(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setenv("WORKERS", "1")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # taken already
            taken.bind(("", 8787))
            taken.listen()
        assert [outcome.result for _, outcome in run(work, [Job(("", 1), 1.0)], "jobs")] == [10]
    assert not [str(warning.message) for warning in recwarn if "ort" in str(warning.message)]


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_workers_is_said_in_one_line(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", given)
    with pytest.raises(WorkersError, match=f"WORKERS is '{given}'; allowed: a number of processes from 1"):
        list(run(work, [Job(("", 1), 1.0)], "jobs"))


OTHER_CODE = """
_train = train


def train(*arguments: Any) -> Trained:
    done = _train(*arguments)
    done.arrays["W"][0, 0] += 1
    return done
"""


class Cluster:
    """A scheduler of its own and workers on this machine, started elsewhere, without this project on their path."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.address = f"tcp://127.0.0.1:{port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def start(self, kind: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )
        self.processes.append(process)
        return process

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        words = (self.address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
        return self.start("worker", *words, **environment)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster without workers."""
    made = Cluster()
    yield made
    for process in reversed(made.processes):
        process.kill()
        process.wait()


@pytest.mark.slow
def test_cells_go_to_the_cluster_that_the_environment_names_and_run_this_checkout_s_code(
    cluster: Cluster, project: Project
) -> None:
    """Twice on one worker: what an earlier client brought must not train for a later one."""
    cluster.worker()
    project.set("geometry.smoke.grid.T", [3])
    project.through("geometry", "generate", "train")
    models = project.folder / "data/models/smoke/geometry.safetensors"
    here = models.read_bytes()
    for version in (1, 2):
        shutil.rmtree(project.folder / ".cells")
        if version == 2:
            project.append("stages/families/toy/training/__init__.py", OTHER_CODE)
        output = project.succeed("train", "geometry", DASK_SCHEDULER_ADDRESS=cluster.address)
        assert "16 to train" in output and "failed" not in output
        assert (models.read_bytes() == here) == (version == 1)


@pytest.mark.slow
def test_a_cluster_that_has_no_worker_yet_is_waited_for(cluster: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    later = threading.Timer(3, cluster.worker)
    later.start()
    with dask.config.set(scheduler_address=cluster.address):
        (outcome,) = [outcome for _, outcome in run(time.sleep, [Job((0.0,), 1)], "sleeping")]
    assert outcome.error is None
    assert f"waiting: the scheduler at {cluster.address} has no worker yet\n" in capfd.readouterr().err


@pytest.mark.slow
def test_a_worker_that_dies_in_the_middle_of_a_cell_leaves_it_to_another(cluster: Cluster, project: Project) -> None:
    """Two workers of a cluster, no disk shared with the store; what comes back is what is trained here."""
    project.set("geometry.smoke.grid", {"T": [3], "data_seed": 0, "weight_decay": 1e-2, "steps": 200_000})
    project.through("geometry", "generate")
    doomed, _ = cluster.worker(), cluster.worker()
    command, options = project.command("train", "geometry", DASK_SCHEDULER_ADDRESS=cluster.address)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    deadline = time.monotonic() + 60
    while not list((project.folder / ".cells").rglob("[0-9a-f]*.safetensors")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    doomed.kill()
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0 and "failed" not in errors, output + errors
    models = project.folder / "data/models/smoke/geometry.safetensors"
    there = models.read_bytes()
    shutil.rmtree(project.folder / ".cells")
    project.succeed("train", "geometry")
    assert models.read_bytes() == there


@pytest.mark.slow
@pytest.mark.parametrize(("how", "then"), [("kill", 0.0), ("kill", 0.3), ("terminate", 1.5)])
def test_a_scheduler_that_dies_ends_the_run_in_one_line(
    cluster: Cluster, capfd: pytest.CaptureFixture[str], how: str, then: float
) -> None:
    """Between two jobs, whatever the run does for how long before it asks for the next."""
    cluster.worker()
    with dask.config.set(scheduler_address=cluster.address):
        outcomes = run(time.sleep, [Job((0.1,), 1)] * 100, "sleeping")
        next(outcomes)
        getattr(cluster.processes[0], how)()
        time.sleep(then)
        start = time.monotonic()
        with pytest.raises(
            WorkersError, match=r"lost the cluster's scheduler, .*; cells that are in the store are kept"
        ):
            list(outcomes)
    assert time.monotonic() - start < 10 and "Traceback" not in capfd.readouterr().err


def _speak(listening: socket.socket, words: bytes) -> None:
    """Say this to whoever calls, and keep the connection."""
    connection, _ = listening.accept()
    connection.sendall(words)
    time.sleep(30)


@pytest.mark.slow
@pytest.mark.parametrize("speaks", [None, b"", b"HTTP/1.0 400 Bad request\r\n\r\n"])
def test_an_address_where_no_scheduler_answers_is_refused_in_one_line(project: Project, speaks: bytes | None) -> None:
    """Nothing is there; something that never answers; something else."""
    project.through("geometry", "generate")
    project.patch("from stages.grid import executor\nexecutor.PATIENCE = 2\n")
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{there.getsockname()[1]}"
        if speaks is not None:
            there.listen()
            threading.Thread(target=_speak, args=(there, speaks), daemon=True).start()
        done = project.run("train", "geometry", DASK_SCHEDULER_ADDRESS=address)
    wrong = f"error: DASK_SCHEDULER_ADDRESS is '{address}'; allowed: where a scheduler answers within 2 seconds"
    assert done.returncode == 1 and done.stderr.strip() == wrong


@pytest.mark.slow
def test_an_address_that_is_none_is_refused_in_one_line(project: Project) -> None:
    project.through("geometry", "generate")
    done = project.run("train", "geometry", DASK_SCHEDULER_ADDRESS="localhost")
    assert done.returncode == 1 and done.stderr.startswith("error: DASK_SCHEDULER_ADDRESS is 'localhost'; allowed: ")


@pytest.mark.slow
def test_workers_of_other_versions_are_refused_in_one_line(cluster: Cluster, project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "other" / "numpy-0.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    cluster.worker(PYTHONPATH=str(folder.parent))
    project.through("geometry", "generate")
    done = project.run("train", "geometry", DASK_SCHEDULER_ADDRESS=cluster.address)
    said = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(said) == 1 and said[0].startswith("error: worker tcp://"), done.stderr
    assert "has numpy 0.1 and not " in said[0] and not list((project.folder / ".cells").rglob("*.safetensors"))
