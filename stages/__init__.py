"""Superposition, memorization and double descent: the pipeline's code, one DVC stage a module."""

import signal
import sys

if sys.argv[0] == "-m":  # while `python -m stages.train` imports, Ctrl-C ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
