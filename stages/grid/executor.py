"""Run jobs on dask.distributed: local processes by default, any cluster through DASK_SCHEDULER_ADDRESS.

One thread a job and the largest first, so that no core idles at the end. Two jobs for each thread of the cluster are
out at a time, so that memory does not grow with the grid. A job that fails, or kills its worker again and again, is
given back as failed and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import os
import socket
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, NamedTuple

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, as_completed
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError, connect
from distributed.utils import silence_logging_cmgr
from distributed.versions import VersionMismatchWarning
from tqdm import tqdm

import stages
from stages.core.errors import UserError

MALLOC = {"MALLOC_MMAP_THRESHOLD_": 2**25, "MALLOC_TRIM_THRESHOLD_": 2**28}  # bytes; distributed's own: 2**17 and 2**16
PATIENCE = 10  # seconds that a scheduler may take to answer
PACKAGES = ("numpy", "numba", "torch", "distributed", "safetensors")  # that bytes or messages hang on


class WorkersError(UserError):
    """WORKERS is not a number of processes, or the cluster's workers are not like this machine."""


class Job(NamedTuple):
    """Arguments of one call, and its cost relative to the others'."""

    arguments: tuple[Any, ...]
    work: float


class Outcome(NamedTuple):
    """What became of a job: its result, or why there is none. `seconds` and `host` say what it cost and where."""

    result: Any
    error: str | None
    seconds: float
    host: str


def run(function: Callable[..., Any], jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
    """Call `function` with each job's arguments; yields (index of the job, outcome) as they end, with a progress bar.

    WORKERS in the environment sets the number of local processes (default: one a core).
    """
    if not jobs:
        return
    try:
        with _client(len(jobs)) as client, _progress(jobs, title) as bar:
            for done, (i, outcome) in enumerate(_outcomes(client, function, jobs), start=1):
                yield i, outcome
                bar.set_description_str(f"{title}: {done} of {len(jobs)} cells", refresh=False)
                bar.update(jobs[i].work)
    except (CancelledError, ClosedClientError, CommClosedError):  # of a job's own errors it has an outcome
        raise WorkersError(
            "lost the cluster's scheduler, or it dropped this run's jobs; cells that are in the store are kept"
        ) from None


def _outcomes(client: Client, function: Callable[..., Any], jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome]]:
    waiting = iter(sorted(range(len(jobs)), key=lambda i: -jobs[i].work))
    index_of = {}

    def submit(i: int) -> Any:
        future = client.submit(_timed, function, jobs[i].arguments, pure=False)
        index_of[future.key] = i
        return future

    running = as_completed([submit(i) for i in itertools.islice(waiting, 2 * max(1, _threads(client)))])
    for future in running:
        error = future.exception()
        yield index_of.pop(future.key), Outcome(None, _one_line(error), 0.0, "") if error else future.result()
        future.release()
        room = 2 * _threads(client) - len(index_of)  # workers may have come since
        for following in itertools.islice(waiting, max(1, room)):
            running.add(submit(following))


def _threads(client: Client) -> int:
    if client.status != "running":  # it would wait for the scheduler to come back, without its jobs
        raise ClosedClientError
    return sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())


def _timed(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    start = time.perf_counter()
    result = function(*arguments)
    return Outcome(result, None, time.perf_counter() - start, socket.gethostname())


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


@contextlib.contextmanager
def _client(jobs: int) -> Iterator[Client]:
    # a saturation of 1 keeps jobs off a worker's own queue, where a neighbour that kills the worker would taint them
    # and a job brings its images along, which is what a client warns of
    settings = {
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    # by default a worker gives all freed memory back, and takes the pages of each step's arrays anew: half of its time
    settings |= {f"distributed.nanny.pre-spawn-environ.{name}": size for name, size in MALLOC.items()}
    with dask.config.set(settings):
        if address := dask.config.get("scheduler-address", None):
            _reach(address)
            quietly = silence_logging_cmgr(logging.CRITICAL)  # it tells of a scheduler that goes in tracebacks
            differing = warnings.catch_warnings(action="ignore", category=VersionMismatchWarning)
            with quietly, differing, Client() as client, tempfile.TemporaryDirectory() as folder:
                _wait_for_workers(client, address)
                _check_versions(client)  # in place of distributed's own table of what differs
                client.run(_forget_code())
                client.upload_file(str(_zipped_code(Path(folder))))
                yield client
            return
        workers = min(jobs, local_workers())
        # after Ctrl-C the tracker of semaphores tidies up behind this process; it need not say so
        quiet = [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning"]
        os.environ["PYTHONWARNINGS"] = ",".join(filter(None, quiet))
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=":0",  # any free port: the usual one is taken where another run is under way
            memory_limit=0,
            silence_logs=logging.CRITICAL,  # workers complain when their scheduler goes; failures are reported here
        )
        with cluster, Client(cluster) as client:
            yield client


def local_workers() -> int:
    """How many processes a run on this machine has: one a core, or as many as WORKERS in the environment says."""
    given = os.environ.get("WORKERS", "")
    if given and not (given.isdecimal() and int(given) > 0):
        raise WorkersError(f"WORKERS is {given!r}; allowed: a number of processes from 1")
    return int(given or CPU_COUNT)


def _reach(address: str) -> None:
    """Refuse an address where no scheduler answers: a client would wait for it, and then say so at length."""

    async def answer() -> None:
        await (await connect(address)).close()

    try:
        asyncio.run(asyncio.wait_for(answer(), PATIENCE))
    except Exception as error:  # whatever is said there, if anything
        raise WorkersError(
            f"DASK_SCHEDULER_ADDRESS is {address!r}; allowed: where a scheduler answers within {PATIENCE} seconds"
        ) from error


def _wait_for_workers(client: Client, address: str) -> None:
    """Wait for the first worker of a cluster, and say so."""
    if not _threads(client):
        print(f"waiting: the scheduler at {address} has no worker yet", file=sys.stderr)
    while not _threads(client):
        time.sleep(0.2)


def _check_versions(client: Client) -> None:
    """Refuse workers on which the same cell might become other bytes than here."""
    function = _versions()
    here = function(PACKAGES)
    for address, there in client.run(function, PACKAGES).items():
        wrong = [f"{name} {there[name]} and not {here[name]}" for name in here if there[name] != here[name]]
        if wrong:
            raise WorkersError(f"worker {address} has {', '.join(wrong)}; allowed: the versions of this machine")


def _versions() -> Callable[[tuple[str, ...]], dict[str, str]]:
    """A function that travels by value, see `_forget_code`: a machine's versions of Python and of packages."""

    def versions(packages: tuple[str, ...]) -> dict[str, str]:
        import importlib.metadata as metadata
        import platform

        found = {"Python": ".".join(platform.python_version_tuple()[:2])}
        for name in packages:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = "(not installed)"
        return found

    return versions


def _forget_code() -> Callable[[], None]:
    """A function for workers to run: drop the modules of this project that an earlier client brought.

    It is nested, and imports what it needs, so that it travels by value to a worker that has no such module.
    """

    def forget() -> None:
        import sys

        for name in [name for name in sys.modules if name.split(".")[0] == "stages"]:
            del sys.modules[name]

    return forget


def _zipped_code(folder: Path) -> Path:
    """This checkout's code, for workers without it; named by its content, as importers cache by name."""
    root = Path(stages.__file__).parent
    code = {str(path.relative_to(root.parent)): path.read_bytes() for path in sorted(root.rglob("*.py"))}
    digest = hashlib.sha256(repr(code).encode()).hexdigest()[:16]
    archive = folder / f"code-{digest}.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in code.items():
            file.writestr(name, content)
    return archive


def _progress(jobs: Sequence[Job], title: str) -> Any:
    """A bar in units of work, so that its time left is right though the largest jobs go first."""
    return tqdm(
        total=sum(job.work for job in jobs),
        desc=f"{title}: 0 of {len(jobs)} cells",
        bar_format="{desc} |{bar:30}| {percentage:3.0f} % {elapsed}, {remaining} left",
        smoothing=0,
        mininterval=0.5 if sys.stderr.isatty() else 15,
        dynamic_ncols=True,
    )
