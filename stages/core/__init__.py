"""What every stage stands on: files, tables, errors, the command line. It knows no model, no grid and no experiment."""

import multiprocessing
import signal
import sys
from pathlib import Path

if Path(__file__).parents[1] in Path(sys.argv[0]).parents and multiprocessing.parent_process() is None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while `python -m stages.train` imports, Ctrl-C prints no traceback
