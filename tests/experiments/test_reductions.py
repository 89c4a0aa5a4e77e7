"""Claims on tables that are known."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, judged
from stages.core.tables import Tables
from stages.experiments.reductions import claims
from tests.conftest import MEASURE
from tests.experiments.verdicts import finding, part, verdict


def table(middle: float, end: float, D_x: float = 0.5) -> pd.DataFrame:
    """Test loss 1.02 in the middle and .99 at the end for a mean; `middle` and `end` for a sum."""
    rows = []
    for T, mean, other in ((5, 1.1, 1.2), (200, 1.02, middle), (4000, 0.99, end)):
        for seed in (0, 1, 2):
            for reduction, loss in (("mean", mean), ("sum", other)):
                rows.append(
                    {"T": T, "S": 0.99, "data_seed": seed, "reduction": reduction, "status": "trained"}
                    | {"norm_W": 10.0, "norm_b": {5: 3.0, 200: 20.0, 4000: 1.0}[T] * (3 if reduction == "sum" else 1)}
                    | {"test_loss": loss + seed / 1e4, "D_x_max": D_x, "D_f_max": 0.3, "constant_loss": 0.9926}
                )
    return pd.DataFrame(rows)


def test_a_sum_is_told_from_a_mean_in_the_middle() -> None:
    def of(cells: pd.DataFrame) -> str:
        return verdict(judged(claims, Tables({"cells": cells}), MEASURE), "middle regime")

    assert of(table(middle=40, end=0.99)) == HOLDS
    assert of(table(middle=1.1, end=0.99)) == FAILS
    alone = table(40, 0.99).query("reduction == 'mean'")
    assert of(alone) == of(table(40, 0.99).query("data_seed == 0")) == of(alone[:0]) == UNDECIDED


def test_what_few_and_many_points_do_under_both_is_answered() -> None:
    found = judged(claims, Tables({"cells": table(middle=40, end=0.9915)}), MEASURE)
    assert part(found, "few points", "sum").effect == 1 and part(found, "many points", "output, mean").effect > 0.002
    assert part(found, "many points", "less a mean").effect == pytest.approx(-0.0015)
    found = judged(claims, Tables({"cells": table(40, 0.99, D_x=0.1)}), MEASURE)
    assert [part.effect for part in finding(found, "few points").parts] == [0, 0]


def test_norms_cross_twice_and_a_sum_s_bias_is_three_times_a_mean_s() -> None:
    cells = pd.concat([table(40, 0.99).assign(data_seed=lambda of, k=k: of.data_seed + 3 * k) for k in range(4)])

    def of(cells: pd.DataFrame, text: str) -> str:
        return verdict(judged(claims, Tables({"cells": cells}), MEASURE), text)

    assert of(cells, "below that of W") == HOLDS
    assert of(cells.assign(norm_b=cells.norm_b.where(cells.reduction == "mean", 60.0)), "below that of W") == FAILS
    assert of(cells, "three times") == UNDECIDED  # another size
    paper = cells.assign(n=10_000, S=0.999)
    assert of(paper, "three times") == HOLDS and of(paper.assign(norm_b=5.0), "three times") == FAILS
