"""How fast the engines are, as ratios within one run on one core: `python -m tests.benchmarks.engines`, some minutes.

Prints four tables:

1. whole steps that visit every pair against the plain eager PyTorch loop that people use (dense points, autograd,
   torch.optim.AdamW), and the gradient pass over all pairs against the core's limit: its useful flops, 6 m a pair, over
   the best torch.mm's;
2. where such a step goes;
3. what a variant of the model costs in it;
4. peak memory of one cell at n = 10,000, T = 100,000, m = 2 above what the imports take.

`--whole n,T,m ...` prints another in their place: whole trainings of 50,000 steps with every pair and with those alone
that are undecided (undecided.py), one after the other, and what the eager loop would take by a step of it. Minutes to
hours.

Each figure is the median of `--repeats` timings, what is compared taking turns, so that a noisy neighbour meets both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import numpy as np
import torch

from stages.families.toy.data.drawing import sample
from stages.families.toy.data.points import Points
from stages.families.toy.data.spec import LARGEST_FUSED_M
from stages.families.toy.model.model import Model, initial_weights
from stages.families.toy.training import adamw
from stages.families.toy.training.adamw import Optimiser
from stages.families.toy.training.engines.fused import Fused
from stages.families.toy.training.engines.staircase import Staircase
from stages.families.toy.training.engines.tiled import Tiled
from stages.families.toy.training.engines.torch import Torch
from stages.families.toy.training.schedule import schedule
from tests.conftest import drawn

SPARSITY = {1000: 0.99, 10_000: 0.999}
SIZES = [(n, T, m) for n in SPARSITY for T in (30, 1000, 10_000) for m in (2, 4, 8, 32, 128, 512)]
ENGINES = {"fused": Fused, "fused, undecided pairs": Staircase, "tiled": Tiled, "torch": Torch}
OPTIMISER = Optimiser(1e-4, 0.9, 0.999, 1e-8, 1e-2)
VARIANTS: dict[str, dict[str, Any]] = {
    "the paper's": {},
    "p = 1": {"power": 1},
    "p = 4": {"power": 4},
    "ReLU(h)": {"relu": True},
    "untied": {"U": True},
    "importance": {"importance": True},
    "weights": {"weight": True},
    "masks": {"masked": True},
}


def training_set(n: int, T: int) -> Points:
    """The points of a benchmark."""
    return sample(drawn(n=n, S=SPARSITY[n], T=T, data_seed=0))


def initial(n: int, m: int) -> Model:
    """The paper's model at its start."""
    return Model(initial_weights(m, n, "xavier_normal", 0), np.zeros(n, dtype=np.float32))


def eager_step(points: Points, m: int) -> Callable[[], None]:
    """One step of the plain loop over dense points."""
    x = torch.zeros(points.T, points.n)
    x[torch.tensor(points.row), torch.tensor(points.feature.astype(np.int64))] = torch.tensor(points.value)
    W = torch.tensor(initial_weights(m, points.n, "xavier_normal", 0), requires_grad=True)
    b = torch.zeros(points.n, requires_grad=True)
    optimiser = torch.optim.AdamW([W, b], lr=1e-3, eps=1e-8)

    def step() -> None:
        optimiser.zero_grad()
        loss = ((x - torch.relu(x @ W.T @ W + b)) ** 2).sum(dim=1).mean() / points.n
        loss.backward()
        optimiser.step()

    return step


def our_steps(engine: Any, count: int) -> Callable[[], Any]:
    """`count` steps without a recorded loss."""
    steps = schedule(count, 1e-3, 0.05, 0.9, 0.999)._replace(record=np.zeros(count, dtype=bool))
    return lambda: engine.advance(steps)


def fused_passes(engine: Fused) -> dict[str, Callable[[], Any]]:
    """The four passes of a step, each for itself."""
    compiled, P, arrays = engine._compiled, engine._P, engine._arrays
    G, H, GH, block, R = engine._workspace
    importance, weight, masked = engine._factors
    step = adamw.steps(schedule(2, 1e-3, 0.05, 0.9, 0.999), 1e-2)
    now = [array[1] for array in step]
    compiled.hidden(P, *arrays[:4], H)  # what it holds before is anything, subnormal numbers too
    return {
        "hidden": lambda: compiled.hidden(P, *arrays[:4], H),
        "pairs": lambda: compiled.gradients(P, G, importance, H, GH, weight, block),
        "sparse": lambda: compiled.sparse(P, G, importance, H, GH, *arrays[:5], R, weight, masked, arrays[5], False),
        "AdamW": lambda: compiled.update(P, G, *engine._moments, *now, engine._constants),
    }


def pair_pass(engine: Fused | Tiled) -> Callable[[], Any]:
    """The gradient pass over all pairs alone."""
    return fused_passes(engine)["pairs"] if isinstance(engine, Fused) else lambda: engine._dense(None)


def medians(repeats: int, *calls: Callable[[], Any]) -> list[float]:
    """Seconds of each call, which take turns: as often in one timing as fill 20 ms."""
    for call in calls:
        call()
    counts = [max(1, round(0.02 / max(seconds(call), 1e-7))) for call in calls]
    times = [[seconds(call, count) for call, count in zip(calls, counts, strict=True)] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def seconds(call: Callable[[], Any], count: int = 1) -> float:
    """Wall time of one of `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def best_sgemm(repeats: int) -> float:
    """Flops a second of torch.mm at the square size that it is fastest at."""
    sizes = (512, 768, 1024, 1536, 2048)
    squares = [torch.randn(size, size) for size in sizes]
    times = medians(repeats, *[lambda a=a: torch.mm(a, a) for a in squares])
    return max(2 * size**3 / t for size, t in zip(sizes, times, strict=True))


def compare(repeats: int) -> None:
    """Table 1."""
    print("| n | T | m | engine | eager step, ms | our step, ms | ratio | gradient pass, pairs/s | of sgemm |")
    print("|---|---|---|---|---|---|---|---|---|")
    for n, T, m in SIZES:
        points, name = training_set(n, T), "fused" if m <= LARGEST_FUSED_M else "tiled"
        engine = ENGINES[name](points, initial(n, m), OPTIMISER)
        count = max(1, int(2e8 / (n * T * m)))
        eager, ours, pairs = medians(repeats, eager_step(points, m), our_steps(engine, count), pair_pass(engine))
        ours, rate = ours / count, n * T / pairs
        share = 6 * m * rate / best_sgemm(repeats)
        row = (f"{n:,}", f"{T:,}", m, name, f"{1e3 * eager:.3g}", f"{1e3 * ours:.3g}", f"{eager / ours:.3g}")
        print("|", *(f"{cell} |" for cell in row), f"{rate:.3g} | {share:.0%} |", flush=True)


def whole(sizes: list[str], steps: int = 50_000) -> None:
    """Trainings from the first step to the last: the processor's seconds, and their ratio to both others'."""
    print("| n | T | m | every pair, s | undecided, s | ratio | eager, s | ratio |\n|---|---|---|---|---|---|---|---|")
    for n, T, m in (map(int, size.split(",")) for size in sizes):
        points, found = training_set(n, T), []
        for engine in (Fused, Staircase):
            advance(engine(points, initial(n, m), OPTIMISER), 1)  # machine code is made
            found.append(advance(engine(points, initial(n, m), OPTIMISER), steps))
        eager = steps * medians(3, eager_step(points, m))[0]
        ratios = f"{found[0] / found[1]:.2f} | {eager:,.0f} | {eager / found[1]:,.0f}"
        print(f"| {n:,} | {T:,} | {m} | {found[0]:.3g} | {found[1]:.3g} | {ratios} |", flush=True)


def advance(engine: Fused, steps: int) -> float:
    """The processor's seconds for so many steps of a whole training."""
    start = time.thread_time()
    engine.advance(schedule(steps, 1e-3, 0.05, 0.9, 0.999))
    return time.thread_time() - start


def profile(repeats: int) -> None:
    """Table 2."""
    print("\n| n | T | m | hidden, us | pairs, us | sparse, us | AdamW, us |\n|---|---|---|---|---|---|---|")
    for n, T, m in SIZES:
        if m <= LARGEST_FUSED_M:
            passes = fused_passes(Fused(training_set(n, T), initial(n, m), OPTIMISER))
            times = medians(repeats, *passes.values())
            print(f"| {n:,} | {T:,} | {m} |", *(f"{1e6 * t:.3g} |" for t in times), flush=True)


def variants(repeats: int) -> None:
    """Table 3."""
    print("\n| variant, n = T = 1,000, m = 2 | step, us | to the paper's |\n|---|---|---|")
    rng, n, steps, calls = np.random.default_rng(0), 1000, 50, []
    for changes in VARIANTS.values():
        points, model = training_set(n, 1000), initial(n, 2)
        points = points._replace(
            weight=np.ones(points.T, dtype=np.float32) if "weight" in changes else None,
            masked=rng.random(points.T) < 0.5 if "masked" in changes else None,
        )
        model = model._replace(
            U=model.W.copy() if "U" in changes else None,
            importance=np.ones(n, dtype=np.float32) if "importance" in changes else None,
            **{name: changes[name] for name in ("power", "relu") if name in changes},
        )
        calls.append(our_steps(Fused(points, model, OPTIMISER), steps))
    times = medians(repeats, *calls)
    for name, t in zip(VARIANTS, times, strict=True):
        print(f"| {name} | {1e6 * t / steps:.4g} | {t / times[0]:.2f} |")


def memory() -> None:
    """Table 4: each engine in a process of its own."""
    print("\n| engine, n = 10,000, T = 100,000, m = 2 | peak memory above the imports, MB |\n|---|---|")
    for name in ENGINES:
        command = [sys.executable, "-m", __spec__.name, "--memory-of", name]
        print(f"| {name} |", subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip(), "|")


def memory_of(name: str) -> int:
    """Peak memory of a training set, its engine and two steps, in MB above what the process held before."""
    before = peak()
    our_steps(ENGINES[name](training_set(10_000, 100_000), initial(10_000, 2), OPTIMISER), 2)()
    return (peak() - before) // 1024


def peak() -> int:
    """Peak memory of this process in KiB, on Linux (getrusage's would be the parent's, if that was larger)."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--whole", nargs="+", metavar="n,T,m", help="whole trainings of these sizes")
    parser.add_argument("--memory-of", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.whole:
        whole(arguments.whole)
        return
    if arguments.memory_of:
        print(memory_of(arguments.memory_of))
        return
    compare(arguments.repeats)
    profile(arguments.repeats)
    variants(arguments.repeats)
    memory()


if __name__ == "__main__":
    main()
