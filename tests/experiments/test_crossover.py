"""Where two made-up curves of train loss cross."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from stages.claims import FAILS, HOLDS, UNDECIDED, judged
from stages.core.tables import Tables
from stages.experiments.crossover import claims
from stages.experiments.crossover.claims import crossing, lowest, with_kind
from stages.experiments.crossover.figure import draw
from stages.experiments.crossover.measure import OWN
from stages.families.toy.data.points import unit_points
from stages.families.toy.model.model import Model
from stages.statistics.clusters import clusters, cosine_within
from tests.conftest import MEASURE
from tests.experiments.verdicts import finding, part, verdict

CROSSES, THERE, EARLY = CLAIMS = (
    "lower train loss up to some T",
    "near T (1 - S) = 500",
    "from random weights training turns",
)
CLUSTERS = "clusters of correlated points"
NO_ITEMS = pd.DataFrame({"cell": []})


def cells(cross: float, plain: int = 500, sets: int = 8, S: float = 0.9) -> pd.DataFrame:
    """Features gain .02 of the loss whatever T, points .02 at T = cross and less beyond; plain runs turn at `plain`."""
    rows = []
    for T in (300, 1000, 3000, 10_000):
        for seed in range(sets):
            for start, kind in ((100, "points"), (20_000, "features"), (0, "points" if plain > T else "features")):
                for worse in (0.0, 1e-3):  # learning rates
                    gain = 0.02 if kind == "features" else 0.02 * cross / T
                    rows.append(
                        {"T": T, "n": 1000, "S": S, "data_seed": seed, "parent_T": start, "status": "trained"}
                        | {"train_loss": 1 - gain + worse, "test_loss": 0.98 if kind == "features" else 1.1}
                        | {
                            "cosine_within": 0.4,
                            "cosine_permuted": 0.1,
                            "clustered": 0.8,
                            "clusters": 9,
                            "clustered_permuted": 0.6,
                        }
                        | {"constant_loss": 0.9999, "features_learned": 5 if kind == "features" else 0}
                    )
    return pd.DataFrame(rows).assign(cell=range(len(rows)))


def found(runs: pd.DataFrame) -> list[str]:
    result = judged(claims, Tables(cells=runs), MEASURE)
    return [verdict(result, text) for text in CLAIMS]


def test_the_lowest_of_each_kind_is_kept() -> None:
    least = lowest(with_kind(cells(2000, sets=2)))
    assert len(least) == 4 * 2 * 2
    assert set(least[least.kind == "generalising"].train_loss.round(6)) == {0.98}


def test_the_crossing_is_found_between_the_sizes_it_lies_between() -> None:
    assert found(runs := cells(2000)) == [HOLDS, UNDECIDED, HOLDS]  # plain training turns at 500
    assert 100 < judged(claims, Tables(cells=runs), MEASURE).headline["crossover_n1000"] < 300
    assert finding(judged(claims, Tables(cells=runs), MEASURE), THERE).shown  # a bound from below decides nothing
    assert found(cells(2000, plain=5000)) == found(cells(2000, plain=20_000)) == [HOLDS, UNDECIDED, FAILS]


def test_training_sets_of_several_n_are_judged_at_one_and_shown_for_all() -> None:
    both = pd.concat([cells(2000), cells(100, sets=4, S=0.8).assign(n=300), cells(2000, sets=4, S=0.8).assign(n=200)])
    result = judged(claims, Tables(cells=both), MEASURE)
    assert found(both) == found(cells(2000))
    assert result.headline["crossover_n200"] == pytest.approx(2 * result.headline["crossover_n1000"])
    assert part(result, "by n?", "n = 200").sets == 4
    assert draw(Tables(cells=both, items=NO_ITEMS), dict(result.headline)).keys() == {"crossover"}


def test_without_a_crossing_the_claim_fails_or_cannot_tell() -> None:
    assert found(cells(100)) == [FAILS, UNDECIDED, FAILS]
    assert found(cells(10**6)) == [UNDECIDED, UNDECIDED, HOLDS]  # may yet
    assert found(cells(10**6, plain=20_000)) == [UNDECIDED] * 3
    some = pd.concat([cells(2000), cells(10**6, sets=1).assign(data_seed=99)])
    assert found(some)[0] == UNDECIDED


@pytest.mark.parametrize("sets", [1, 4])
def test_few_training_sets_cannot_tell(sets: int) -> None:
    assert found(cells(2000, sets=sets)) == [UNDECIDED] * 3


def test_without_both_kinds_and_with_nothing_trained_it_cannot_tell() -> None:
    runs = cells(2000)
    for some in (runs.test_loss > 1, runs["T"] == 300, (runs.test_loss < 1) | (runs["T"] == 300)):
        assert found(runs[some]) == [UNDECIDED] * 3
    nothing = Tables(cells=runs.assign(status="failed"))
    assert found(nothing.cells) == [UNDECIDED] * 3 and draw(nothing, {}) == {}


def test_the_figure_is_drawn_with_and_without_a_crossing() -> None:
    for cross in (2000, 10**6):
        summary = {"crossover_n1000": 200.0} if cross < 10**6 else {}
        assert draw(Tables(cells=cells(cross, sets=2), items=NO_ITEMS), summary).keys() == {"crossover"}


def test_what_neither_stores_points_nor_learns_features_that_generalise_is_neither() -> None:
    runs = cells(2000)[:3].assign(
        train_loss=[0.999, 0.98, 0.98], test_loss=[1.1, 1.1, 0.98], constant_loss=0.99, features_learned=[0, 2, 0]
    )
    assert set(with_kind(runs).kind) == {"neither"}


def test_the_crossing_is_where_the_difference_goes_below_zero_for_good() -> None:
    assert crossing(pd.Series({100: 1.0, 1000: -1.0, 2000: 1.0, 4000: -1.0})) == pytest.approx(2000 * 2**0.5)
    assert crossing(pd.Series({100: 1.0, 1000: 2.0})) is None
    assert crossing(pd.Series({100: -1.0, 1000: -2.0})) is None


def test_clusters_are_of_correlated_points_where_their_cosine_is_larger() -> None:
    def of(runs: pd.DataFrame) -> str:
        return verdict(judged(claims, Tables(cells=runs), MEASURE), CLUSTERS)

    runs = cells(2000)
    more = 1e-3 * runs.data_seed
    runs = runs.assign(cosine_within=runs.cosine_within + more, clustered=runs.clustered + more)
    assert of(runs) == HOLDS
    assert of(runs.assign(cosine_within=0.11 + more / 10)) == of(runs.assign(clustered=0.5)) == FAILS
    assert of(runs.assign(cosine_within=None, clustered=0.0)) == FAILS  # without clusters there is no cosine
    assert of(runs[runs.data_seed < 1]) == of(runs[:0]) == UNDECIDED


def test_clusters_of_the_best_memorising_solution_are_drawn() -> None:
    runs = cells(2000, sets=1)
    angle = np.repeat([0.0, 1.0, 4.0], 5) + np.tile(np.linspace(0, 0.05, 5), 3)
    vectors = pd.DataFrame({"x": np.cos(angle), "y": np.sin(angle), "norm": 1.0, "kind": "point", "cell": 0})
    drawn = draw(Tables(cells=runs, items=vectors), {})["clusters"]
    assert "3 clusters" in drawn.get_axes()[0].get_title()


def test_what_is_measured_of_clusters() -> None:
    """Three groups of points that share a feature, stored at three places; one point at the origin."""
    feature = np.concatenate([[k, 10 + 5 * k + i] for k in range(3) for i in range(5)] + [[3, 30]])
    points = unit_points(40, np.arange(0, 33, 2), feature, np.ones(32))
    W = np.zeros((2, 40), dtype=np.float32)
    W[:, :3] = [[1.0, -0.5, -0.5], [0.0, 0.8, -0.8]]
    W[0, 10:25] = 0.01 * np.arange(15)  # so that no feature is large, and none of two places
    found = OWN.cell(Model(W, np.zeros(40, dtype=np.float32)), points, MEASURE.model_copy(update={"learned": 1.0}))
    assert found["clusters"] == 3 and found["clustered"] == 15 / 16
    assert found["cosine_within"] == pytest.approx(0.5) and found.keys() == OWN.columns.keys()
    assert found["cosine_permuted"] is None or found["cosine_permuted"] < 0.5
    assert OWN.cell(Model(W, np.zeros(40, dtype=np.float32)), points, MEASURE) == {}  # three features are learned


def test_of_few_vectors_or_none_there_are_no_clusters() -> None:
    X = sparse.csr_array(np.eye(2))
    assert clusters(np.zeros((5, 2))).tolist() == [-1] * 5 and clusters(np.ones((2, 2))).tolist() == [-1, -1]
    assert clusters(np.empty((0, 2))).tolist() == [] and cosine_within(clusters(np.ones((2, 2))), X) is None


def test_the_cosine_within_clusters_is_that_of_all_pairs_in_them() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((20, 6)) * (rng.random((20, 6)) < 0.7)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    labels = rng.integers(-1, 4, 20)
    pairs = [(i, j) for i in range(20) for j in range(20) if i != j and labels[i] == labels[j] >= 0]
    assert cosine_within(labels, sparse.csr_array(X)) == pytest.approx(np.mean([X[i] @ X[j] for i, j in pairs]))
