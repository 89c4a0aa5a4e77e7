"""What every verb's command line shares: `python -m stages.<verb> <run>`, a run being `laptop/geometry`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from stages.core.errors import UserError


def main(
    verb: Callable[[str], None], name: str = "run", meaning: str = "scale and experiment: laptop/geometry"
) -> None:
    """Read the one argument of the command line, do the verb, and end in one line on what a user can mend."""
    parser = argparse.ArgumentParser(description=sys.modules[verb.__module__].__doc__)
    parser.add_argument(name, help=meaning)
    argument = getattr(parser.parse_args(), name)
    end_in_one_line(lambda: verb(argument))


def end_in_one_line(work: Callable[[], None]) -> None:
    """Do the work; Ctrl-C, and an error that a user can mend, end the process in one line."""
    signal.signal(signal.SIGINT, _stop)
    try:
        work()
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
