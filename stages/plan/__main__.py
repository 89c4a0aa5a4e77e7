"""Say what a run would cost before it is started: cells that are missing, and their time at this machine's own rates.

`python -m stages.plan` plans every run of a scale; names of runs or experiments choose. Rates are measured: some of the
missing cells are trained for a moment, on as many processes at a time as the run would have, and a cost law is fitted.
"""

from __future__ import annotations

import argparse
import statistics

from stages.core.command import end_in_one_line
from stages.grid.cells import Grid
from stages.grid.executor import local_workers
from stages.grid.store import Store
from stages.params import HELD_OUT, SCALES, ParamsError, load_all
from stages.plan.costs import plans
from stages.plan.full import full_grid
from stages.plan.law import Law
from stages.plan.schedule import table


def goodness(of: Law) -> str:
    """How far a law is off on timings that it was not fitted to."""
    errors = [abs(error) for error in of.errors]
    if not errors:
        return "every kind of step was timed"
    worst, usual = max(errors), statistics.median(errors)
    return f"off by {usual:.0%} (median) and {worst:.0%} (most) on {len(errors)} timings it was not fitted to"


def wanted(names: list[str], scale: str) -> dict[str, Grid]:
    """The grids of these names, each a run or an experiment at that scale; all of the scale if there is none.

    Raises:
        ParamsError: there is none of such a name.
    """
    every = load_all()
    runs = [name if "/" in name else f"{scale}/{name}" for name in names]
    if wrong := [run for run in runs if run not in every]:
        known = sorted(run.removeprefix(f"{scale}/") for run in every if run.startswith(f"{scale}/"))
        raise ParamsError(f"there is no experiment {', '.join(wrong)}; there are {', '.join(known)}")
    return {run: every[run] for run in runs or every if runs or run.startswith(f"{scale}/")}


def main() -> None:
    """Read the command line; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", help="runs, laptop/geometry, or experiments; all if none is named")
    parser.add_argument(
        "--scale", choices=(*SCALES, HELD_OUT), default="laptop", help="of experiments named without one"
    )
    parser.add_argument("--cores", type=int, nargs="+", default=None, help="cores to split it over")
    parser.add_argument("--full", action="store_true", help="the paper's full grid instead, T to 500,000, T x m map")
    arguments = parser.parse_args()
    if min(arguments.cores or [1]) < 1:
        parser.error("--cores: numbers from 1")

    def work() -> None:
        chosen = {"full grid": full_grid()} if arguments.full else wanted(arguments.runs, arguments.scale)
        found, by = plans(chosen, Store())
        print(table(found, arguments.cores or [local_workers()]))
        for family, one in by.items():
            print(f"cost law of {family}: {goodness(one)}")

    end_in_one_line(work)


if __name__ == "__main__":
    main()
