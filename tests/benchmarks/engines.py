"""Ratios of the engines' speed, in one run on one core: `python -m tests.benchmarks.engines`.

Eager is what people run today: dense points, autograd, torch.optim.AdamW, one thread. Each figure is the median of
`--repeats` timings, engines taking turns, so that a noisy neighbour meets both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import numpy as np
import torch

from stages.toy.adamw import Optimiser
from stages.toy.data import Points, sample
from stages.toy.engines.fused import Fused
from stages.toy.engines.tiled import Tiled
from stages.toy.model import initial_weights
from stages.toy.schedule import schedule
from stages.toy.spec import LARGEST_FUSED_M, Data

SIZES = [(1000, 0.99, 30, 2), (1000, 0.99, 1000, 2), (10_000, 0.999, 30, 2)]
SIZES += [(10_000, 0.999, 1000, m) for m in (2, 4, 8, 32, 128)]


def eager_step(points: Points, m: int) -> Callable[[], None]:
    """One step of the plain loop over dense points."""
    x = torch.zeros(points.T, points.n)
    x[torch.tensor(points.row), torch.tensor(points.feature.astype(np.int64))] = torch.tensor(points.value)
    W = torch.tensor(initial_weights(m, points.n, "xavier_normal", 0), requires_grad=True)
    b = torch.zeros(points.n, requires_grad=True)
    adamw = torch.optim.AdamW([W, b], lr=1e-3, eps=1e-8)

    def step() -> None:
        adamw.zero_grad()
        loss = ((x - torch.relu(x @ W.T @ W + b)) ** 2).sum(dim=1).mean() / points.n
        loss.backward()  # type: ignore[no-untyped-call]
        adamw.step()

    return step


def our_steps(points: Points, m: int, count: int) -> Callable[[], Any]:
    """`count` steps of the engine that `auto` takes."""
    W, b = initial_weights(m, points.n, "xavier_normal", 0), np.zeros(points.n, dtype=np.float32)
    engine = Fused if m <= LARGEST_FUSED_M else Tiled
    model = engine(points, W, b, Optimiser(1 / points.n, 0.9, 0.999, 1e-8, 1e-2))
    steps = schedule(count, 1e-3, 0.05, 0.9, 0.999)._replace(record=np.zeros(count, dtype=bool))
    return lambda: model.advance(steps)


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    print("| n | T | m | engine | eager step, ms | our step, ms | ratio |\n|---|---|---|---|---|---|---|")
    for n, S, T, m in SIZES:
        points = sample(Data(n=n, S=S, T=T, supports="random", data_seed=0))
        count = max(3, int(6e8 / (n * T * m)))
        eager, ours = eager_step(points, m), our_steps(points, m, count)
        eager(), ours()  # warm
        times = [(seconds(eager), seconds(ours) / count) for _ in range(repeats)]
        a, b = (statistics.median(column) for column in zip(*times, strict=True))
        name = "fused" if m <= LARGEST_FUSED_M else "tiled"
        print(f"| {n:,} | {T:,} | {m} | {name} | {1e3 * a:.3g} | {1e3 * b:.3g} | {a / b:.3g} |", flush=True)


if __name__ == "__main__":
    main()
