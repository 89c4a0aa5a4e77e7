"""The paper's figures at their largest, as a grid of cells."""

from __future__ import annotations

from stages.grid.cells import Cell, Grid
from stages.params import load_all

FULL_T: tuple[int, ...] = (3, 5, 6, 8, 10, 15, 30, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
FULL_T += (20_000, 50_000, 100_000, 200_000, 500_000)
FULL_MAP_T = (30, 100, 300, 1000, 2000, 5000, 10_000, 20_000)
FULL_MAP_M = (2, 3, 4, 5, 6, 8, 16, 32)


def full_grid() -> Grid:
    """The paper's figures at their largest: T to 500,000 and infinity at m = 2, and a T x m map, four sets each."""
    usual = load_all()["paper/dataset_size"].cells[0]
    cells = [
        Cell(
            usual.data.model_copy(update={"T": T, "data_seed": seed, "points": "fresh" if fresh else "random"}),
            usual.training.model_copy(update={"m": m}),
        )
        for seed in range(4)
        for T, m, fresh in [
            *((T, 2, False) for T in FULL_T),
            (1000, 2, True),
            *((T, m, False) for T in FULL_MAP_T for m in FULL_MAP_M if m != 2),
        ]
    ]
    return Grid("toy", tuple(cells))
