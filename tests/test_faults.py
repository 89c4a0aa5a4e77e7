"""What long runs meet: kills at any moment, a full disk, Ctrl-C, a second run, workers that the system kills.

Finished cells are never lost, wrong bytes never used, and what is said names what to mend.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.core import paths
from stages.grid.store import Store
from tests.conftest import Project
from tests.grid.test_store import record
from tests.test_smoke import trained

X = "dataset_size"
CELLS = 14


@pytest.fixture
def long(project: Project) -> Project:
    """A project whose cells take about half a second and save their state every twentieth of one."""
    project.patch("from stages.grid.checkpoint import Checkpoint\nCheckpoint.__init__.__defaults__ = (0.05,)\n")
    steps(project, 100_000)
    return project


def steps(project: Project, count: int) -> None:
    """Let each cell take so many steps, of the training sets there are."""
    project.set(f"{X}.smoke.grid.steps", count)
    project.through(X, "generate")


def models(project: Project) -> Path:
    return project.folder / paths.models(f"smoke/{X}")


def finished(project: Project) -> set[str]:
    return {path.stem for path in (project.folder / ".cells").glob("*/[0-9a-f]*.safetensors")}


def checkpoints(project: Project) -> list[Path]:
    return list((project.folder / ".cells").glob("*/[0-9a-f]*.checkpoint"))  # a kill may leave a temporary file


@contextlib.contextmanager
def running(project: Project, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A stage in a session of its own, which has no process left at the end."""
    command, options = project.command(*words, **environment)
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def of_session(leader: int) -> list[int]:
    """Processes of that session that are still there, zombies apart."""
    alive = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = status.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                alive.append(int(status.parent.name))
    return alive


def wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)


def kill_at_random(project: Project, kills: int) -> None:
    """Kill the training so many times, each at a random moment, then let it end; as if it had never been killed."""
    rng, done = random.Random(0), set[str]()
    for k in range(kills):
        with running(project, "train", X, WORKERS="2") as process:
            wait_for(lambda: checkpoints(project) or len(finished(project)) == CELLS, process)
            time.sleep(rng.uniform(0, 1))
            os.killpg(process.pid, signal.SIGKILL)
        now = finished(project)
        assert done <= now, f"kill {k} lost finished cells"
        done = now
        if len(done) == CELLS:  # all are finished: begin again
            (project.folder / ".cells").rename(project.folder / f"cells-{k}")
            models(project).unlink(missing_ok=True)
            done = set()
    output = project.succeed("train", X)
    assert trained(output) == [CELLS - len(done)] and "trained again" not in output
    resumed = models(project).read_bytes()
    assert not checkpoints(project)
    (project.folder / ".cells").rename(project.folder / "cells")
    assert trained(project.succeed("train", X)) == [CELLS]
    assert models(project).read_bytes() == resumed


@pytest.mark.slow
def test_ten_kills_at_random_moments_change_no_byte_and_lose_no_cell(long: Project) -> None:
    kill_at_random(long, 10)


@pytest.mark.long
def test_a_hundred_kills_do_neither(long: Project) -> None:
    kill_at_random(long, 100)


@pytest.mark.slow
def test_a_cell_goes_on_from_where_it_was_killed(long: Project) -> None:
    """The kill comes within one long cell, after it has saved its state a few times of many."""
    long.set(f"{X}.smoke.grids", [{"T": 30, "data_seed": 0}])
    steps(long, 500_000)
    saved = set[int]()

    def often() -> bool:
        with contextlib.suppress(FileNotFoundError):  # as it is replaced
            saved.update(path.stat().st_mtime_ns for path in checkpoints(long))
        return len(saved) >= 5

    with running(long, "train", X, WORKERS="1") as process:
        wait_for(often, process)
        os.killpg(process.pid, signal.SIGKILL)
    (checkpoint,) = checkpoints(long)
    content = checkpoint.read_bytes()
    output = long.succeed("train", X)
    assert trained(output) == [1] and not checkpoints(long)
    resumed = models(long).read_bytes()
    (cell,) = (long.folder / ".cells").rglob("[0-9a-f]*.safetensors")
    cell.unlink()
    assert trained(long.succeed("train", X)) == [1] and models(long).read_bytes() == resumed
    cell.unlink()
    checkpoint.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # a flipped bit: from the beginning then
    assert trained(long.succeed("train", X)) == [1] and models(long).read_bytes() == resumed


@pytest.mark.slow
def test_ctrl_c_ends_within_two_seconds_says_so_and_leaves_no_process(long: Project) -> None:
    steps(long, 5_000_000)
    with running(long, "train", X, WORKERS="2") as process:
        wait_for(lambda: checkpoints(long), process)
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the run
        output, errors = process.communicate(timeout=20)
        seconds = time.monotonic() - start
        while of_session(process.pid) and time.monotonic() < start + 2:
            time.sleep(0.01)
        assert not of_session(process.pid), (
            seconds,
            errors,
            [Path(f"/proc/{p}/cmdline").read_text() for p in of_session(process.pid)],
        )
    assert seconds < 2, seconds
    assert process.returncode not in (0, None)
    said = re.sub(r".*\r", "", errors).strip().splitlines()
    assert said[-1] == "stopped: finished cells are kept, the next run goes on from them", errors
    assert "Traceback" not in output + errors and errors.count("stopped") == 1, errors


def test_ctrl_c_while_a_stage_imports_prints_no_traceback(project: Project) -> None:
    imported, began = project.folder / "stages/core/paths.py", project.folder / "began"
    slow = f"import time\nopen({str(began)!r}, 'w').close()\ntime.sleep(60)\n"
    first = "from __future__ import annotations\n"
    imported.write_text(imported.read_text().replace(first, first + slow))
    with running(project, "train", X) as process:
        wait_for(began.exists, process)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT and not output + errors


@pytest.mark.slow
def test_two_runs_at_once_both_end_and_agree(long: Project) -> None:
    steps(long, 20_000)
    with running(long, "train", X) as first, running(long, "train", X) as second:
        ends = [process.communicate(timeout=120) for process in (first, second)]
    assert first.returncode == second.returncode == 0, ends
    both = models(long).read_bytes()
    assert len(finished(long)) == CELLS
    assert trained(long.succeed("train", X)) == [0] and models(long).read_bytes() == both


@pytest.mark.slow
def test_a_second_dvc_repro_is_refused_and_the_first_goes_on(long: Project) -> None:
    long.init()
    long.set(f"{X}.smoke.grid.steps", 75_000)
    with running(long, "dvc", "repro", f"train@{X}") as first:
        wait_for(lambda: checkpoints(long), first)
        second = long.run("dvc", "repro", f"train@{X}")
        assert second.returncode != 0 and "lock" in second.stderr.lower()
        output, errors = first.communicate(timeout=240)
    assert first.returncode == 0, output + errors
    assert len(finished(long)) == CELLS


@pytest.mark.slow
def test_a_worker_that_the_system_kills_costs_its_cell_some_time_and_the_others_nothing(long: Project) -> None:
    with running(long, "train", X, WORKERS="2") as process:
        wait_for(lambda: checkpoints(long), process)
        workers = [pid for pid in of_session(process.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
        assert len(workers) >= 2
        os.kill(workers[-1], signal.SIGKILL)  # as the kernel does when memory runs out
        output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors
    assert len(finished(long)) == CELLS and "failed" not in errors, errors


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("may not mount a disk of its own")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_is_said_in_one_line_and_what_was_there_stays(long: Project, small_disk: Path) -> None:
    """The store is on a disk that fills while cells are trained; with room again, only the rest are."""
    steps(long, 2_000)
    (long.folder / ".cells").symlink_to(small_disk)
    done = long.run("train", X)
    said = re.sub(r".*\r", "", done.stderr).strip().splitlines()
    assert done.returncode == 1 and "No space left on device" in said[-1] and said[-1].startswith("error: ")
    assert "Traceback" not in done.stderr and not models(long).exists()
    kept = finished(long)
    assert 0 < len(kept) < CELLS and not list(small_disk.glob("*/.*"))  # nothing half-written
    (long.folder / ".cells").unlink()
    subprocess.run(["cp", "-r", small_disk, long.folder / ".cells"], check=True)
    output = long.succeed("train", X)
    assert trained(output) == [CELLS - len(kept)] and "trained again" not in output


@pytest.mark.slow
def test_what_is_no_cell_in_the_store_is_left_alone(long: Project) -> None:
    steps(long, 200)
    store = long.folder / ".cells"
    (store / "ab").mkdir(parents=True)
    for name in ("notes.txt", "ab/other.safetensors", "ab/README"):
        (store / name).write_text("mine")
    long.succeed("train", X)
    assert all((store / name).read_text() == "mine" for name in ("notes.txt", "ab/other.safetensors", "ab/README"))


@pytest.mark.parametrize(("days", "kept"), [(1e4, True), (-29, True), (-31, False)])
def test_a_clock_that_jumps_deletes_no_work(tmp_path: Path, days: float, kept: bool) -> None:
    """Files of a future that is no more, and of a past that a wrong clock made. Unfinished cells go after a month."""
    store = Store(tmp_path)
    store.put(record("ab12"), {})
    checkpoint = store.checkpoint("cd34")
    checkpoint.save({})
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (time.time() + days * 86400,) * 2)
    store.tidy()
    assert store.get("ab12") is not None and checkpoint.path.exists() == kept
