"""Claims on tables that are known."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.claims import FAILS, HOLDS, UNDECIDED, judged
from stages.core.tables import Tables
from stages.experiments.reductions import claims
from stages.experiments.reductions.figure import draw
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


def jermyn(D_f: tuple[float, float], losses: tuple[float, ...]) -> pd.DataFrame:
    """A sum at the paper's size: D_f at T (1 - S) = 10 and 20; test loss at T of 30 to 20,000."""
    sizes = (30, 100, 200, 2000, 10_000, 20_000)
    rows = [
        {"T": T, "n": 10_000, "S": 0.999, "data_seed": seed, "reduction": "sum", "status": "trained"}
        | {"D_f_max": dict(zip(sizes[-2:], D_f, strict=True)).get(T, 0.01) + seed / 1e4, "D_x_max": 0.1}
        | {"norm_W": 3.0, "norm_b": 2.0, "test_loss": loss * (1 + seed / 1e5), "constant_loss": 0.999}
        for T, loss in zip(sizes, losses, strict=True)
        for seed in range(4)
    ]
    return pd.DataFrame(rows)


RISING = (1.003, 1.0, 1.1, 5000.0, 0.999, 0.999)  # by 1 % a tenth of the way from T = 100 to 200, and to 5,000


@pytest.mark.parametrize(
    ("D_f", "expected"), [((0.15, 0.26), HOLDS), ((0.25, 0.26), FAILS), ((0.15, 0.16), FAILS), ((0.2, 0.26), UNDECIDED)]
)
def test_features_of_a_sum_appear_late(D_f: tuple[float, float], expected: str) -> None:
    cells = jermyn(D_f, RISING)
    cells["D_f_max"] -= 1.5e-4  # the mean over sets is as given
    assert verdict(judged(claims, Tables({"cells": cells}), MEASURE), "only from T") == expected
    other = judged(claims, Tables({"cells": cells.assign(n=1000)}), MEASURE)
    assert verdict(other, "only from T") == UNDECIDED and not finding(other, "only from T").parts


def test_a_sum_s_test_loss_rises_early_and_far() -> None:
    def of(*losses: float) -> str:
        return verdict(judged(claims, Tables({"cells": jermyn((0.15, 0.26), losses)}), MEASURE), "rises from T")

    assert of(*RISING) == HOLDS
    assert of(1.003, 1.0, 1.1, 411.0, 0.999, 0.999) == of(1.003, 1.0, 1.0, 5000.0, 0.999, 0.999) == FAILS
    found = judged(claims, Tables({"cells": jermyn((0.15, 0.26), RISING)}), MEASURE)
    assert part(found, "rises from T", "risen").effect == pytest.approx(0.1 * 2**0.1, rel=1e-3)
    assert part(found, "rises from T", "highest").effect == pytest.approx(5000, rel=1e-3)


def test_onset_is_after_the_lowest_loss_before_the_peak() -> None:
    sizes = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert claims.onset(pd.Series([1.2, 1.0, 1.02, 9.0, 0.5], sizes)) == pytest.approx(2 * 2**0.5)
    assert pd.isna(claims.onset(pd.Series([1.2, 1.0, 0.9, 0.8, 0.5], sizes)))


def test_many_points_are_compared_where_both_have_them() -> None:
    cells = table(middle=40, end=0.9915)
    more = cells[(cells["T"] == 4000) & (cells.reduction == "sum")].assign(T=8000, test_loss=0.5)
    found = judged(claims, Tables({"cells": pd.concat([cells, more])}), MEASURE)
    assert part(found, "many points", "less a mean").effect == pytest.approx(-0.0015)


def test_the_figure_states_what_holds_in_the_middle_whatever_else_fails() -> None:
    sizes = table(middle=40, end=0.99)
    vectors = [sizes.query("data_seed == 0").assign(kind=kind, x=1.0, y=0.0, norm=1.0) for kind in ("feature", "point")]
    items = pd.concat(vectors)
    verdicts = [{"claim": "a sum raises it by orders of magnitude", "verdict": HOLDS}, {"claim": "", "verdict": FAILS}]
    drawn = draw(Tables({"cells": sizes, "items": items}), {"claims": verdicts})["reductions"]
    assert drawn.get_suptitle().startswith("Summed rather than averaged")
    assert not draw(Tables({"cells": sizes.query("reduction == 'sum'"), "items": items}), {})
