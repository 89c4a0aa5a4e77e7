"""What every stage's command line shares: `python -m stages.<stage> <experiment> --scale <scale>`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from stages.errors import UserError
from stages.params import SCALES, Experiment, load

Stage = Callable[[str, str, Experiment], None]


def main(stage: Stage) -> None:
    """Read the command line and params.yaml, run the stage, and end in one line on what a user can mend."""
    parser = argparse.ArgumentParser(description=sys.modules[stage.__module__].__doc__)
    parser.add_argument("experiment", help="a section of params.yaml")
    parser.add_argument("--scale", choices=SCALES, default="laptop")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, _stop)
    try:
        stage(arguments.experiment, arguments.scale, load(arguments.experiment, arguments.scale))
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename or error}: no such file; run the stages before this one first")
    except (UserError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


def _stop(number: int, frame: FrameType | None) -> None:
    """End at once on Ctrl-C, wherever this process is: an exception can get lost in a library's callback."""
    for worker in multiprocessing.active_children():
        worker.kill()
    os.write(sys.stderr.fileno(), b"\nstopped: finished cells are kept, the next run goes on from them\n")
    os._exit(130)  # what would be tidied up at an ordinary exit takes seconds, and is nothing that lasts
