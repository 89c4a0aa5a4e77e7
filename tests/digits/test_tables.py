"""The tables of a run of classifiers, tidy, from training sets to verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.claims import Summary, judged
from stages.core import tables
from stages.core.bundle import Record
from stages.core.tables import Measured, Tables
from stages.experiments import memorization
from stages.experiments.memorization import claims as memorization_claims
from stages.experiments.memorization import figure as memorization_figure
from stages.experiments.memorization import measure as memorization_measure
from stages.experiments.mnist import claims as mnist_claims
from stages.experiments.mnist import figure as mnist_figure
from stages.families.digits import data, measures, training
from stages.families.digits.data.spec import Data, Measure, Training
from stages.families.digits.measures import MeasureError, Own
from stages.families.digits.measures.columns import SPEC as AXES
from stages.grid.cells import Cell, TrainedCell
from stages.grid.executor import Job, Outcome
from stages.statistics.memorization import roc
from tests.conftest import make_digits
from tests.experiments.verdicts import finding, part

POOL = Data(pool=120, wrong=0.1, subset=1.0, subset_seed=0, data_seed=0)
SPEC = Training(hidden=16, epochs=8, batch=16, lr=1e-2, weight_decay=0.0, init_seed=0, watched=2, keep="weights")
ASKED = Measure(images=40, far=50.0, alone=0.5, memorized=0.1)
SUBSETS, FAILED = 12, 12 + 2  # models of the ensemble; the cell after the two of the whole pool


def inline(function: Callable[..., Any], jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
    """What the executor does, in this process, the last job first."""
    for i in reversed(range(len(jobs))):
        yield i, Outcome(function(*jobs[i].arguments), None, 0.0, "")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> data.Mnist:
    folder = tmp_path_factory.mktemp("digits") / "raw"
    make_digits(folder, 200, 80)
    return data.read(folder)


@pytest.fixture(scope="module")
def cells(raw: data.Mnist) -> list[TrainedCell]:
    """An ensemble, two initialisations on all of its pool, one that failed, and one with right labels only."""
    half, right = POOL.model_copy(update={"subset": 0.7}), POOL.model_copy(update={"wrong": 0.0})
    outputs = SPEC.model_copy(update={"keep": "outputs"})
    specs = [Cell(half.model_copy(update={"subset_seed": seed}), outputs) for seed in range(SUBSETS)]
    specs += [Cell(POOL, SPEC.model_copy(update={"init_seed": seed})) for seed in range(3)]
    trained = []
    for i, cell in enumerate([*specs, Cell(right, SPEC)]):
        dataset = data.restore(data.sample(cell.data, raw), raw)
        done = training.train(cell.data, dataset, cell.training)
        record = Record({"status": "failed", "error": "killed"}, {}) if i == FAILED else Record(done.about, done.arrays)
        trained.append(TrainedCell(cell, dataset, record))
    return trained


@pytest.fixture(scope="module")
def measured(cells: list[TrainedCell], raw: data.Mnist) -> Measured:
    return measures.measure(cells, ASKED, Own(), raw, inline)


@pytest.fixture(scope="module")
def found(measured: Measured, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("tables")
    for name, table in measured.tables.items():
        tables.write(folder / f"{name}.parquet", table)
    return tables.read(folder)


def test_every_cell_has_a_row_also_one_that_failed(found: Tables, cells: list[TrainedCell]) -> None:
    assert found.cells.cell.tolist() == list(range(len(cells)))
    assert found.cells.status.value_counts().to_dict() == {"trained": SUBSETS + 3, "failed": 1}
    assert found.cells.error[FAILED] == "killed" and np.isnan(found.cells.epoch[FAILED])
    assert found.cells[found.cells.selected].cell.tolist() == [SUBSETS, SUBSETS + 3]  # the first of each training set
    assert found.cells.models.dropna().eq(SUBSETS).all() and found.cells.models.notna().sum() == SUBSETS + 2


def test_the_last_row_of_history_is_the_cell_s(found: Tables) -> None:
    last = found.history.groupby("cell").tail(1).set_index("cell")
    both = [name for name in last if name in found.cells]
    cells = found.cells.set_index("cell").loc[last.index, both]
    pd.testing.assert_frame_equal(last[both], cells, check_dtype=False)
    assert found.history.groupby("cell").epoch.apply(list).tolist() == [[1, 2, 8]] * 3


def test_scores_are_tidy(found: Tables) -> None:
    scores = found.scores
    assert scores.columns.tolist() == [*AXES, "T", "epoch", "labels", "asks", "statistic", "score", "value"]
    assert not scores.duplicated(["cell", "epoch", "labels", "asks", "statistic", "score"]).any()
    of_ensemble = scores[scores.cell.isin([SUBSETS, SUBSETS + 1])]
    asked = of_ensemble.groupby(["labels", "asks", "statistic"]).score.unique().map(set).to_dict()
    every = set(memorization.SCORES)
    assert asked == {
        ("all", "memorisation", "rank correlation"): every,
        ("all", "most memorised", "ROC area"): every,
        ("all", "wrong labels", "ROC area"): every | {"memorization"},
        ("all", "wrong labels", "precision"): every | {"memorization"},
        ("right", "memorisation", "rank correlation"): every,
        ("right", "most memorised", "ROC area"): every,
    }
    assert scores.cell.max() == SUBSETS + 1  # without wrong labels and memorisation there is nothing to tell


def test_a_score_s_value_is_that_of_the_images(found: Tables, measured: Measured) -> None:
    images = pd.DataFrame(dict(measured.every_item.values))
    images = images[(images.cell == SUBSETS) & (images["set"] == "training")]
    at_end = found.scores[(found.scores.cell == SUBSETS) & (found.scores.epoch == 8) & (found.scores.labels == "all")]
    known = images[images.memorization_log.notna() & images.memorization_even.notna()]
    for name in ("D_after", "loss", "nearest_neighbour"):
        area = at_end[(at_end.asks == "wrong labels") & (at_end.statistic == "ROC area") & (at_end.score == name)]
        assert area.value.item() == pytest.approx(roc(known[name], known.label != known.true_label).area)
        most = known.memorization_even >= known.memorization_even.quantile(1 - ASKED.memorized)
        area = at_end[(at_end.asks == "most memorised") & (at_end.score == name)]
        assert area.value.item() == pytest.approx(roc(known[name], most).area)


def test_without_an_ensemble_only_D_star_is_asked_for_wrong_labels(cells: list[TrainedCell], raw: data.Mnist) -> None:
    table = measures.measure(cells[SUBSETS : SUBSETS + 1], ASKED, Own(), raw, inline).tables["scores"]
    assert set(table.values["score"]) == {"D_after"} and set(table.values["asks"]) == {"wrong labels"}
    assert table.values["epoch"] == [1, 1, 2, 2, 8, 8]


def test_misclassified_images_are_counted_by_tenth(found: Tables) -> None:
    table = found["misclassified"]
    assert table.columns.tolist() == [*AXES, "T", "epoch", "tenth", "images"]
    moments = table.groupby(["cell", "epoch"])
    assert moments.tenth.apply(list).map(lambda tenths: tenths == list(range(10))).all()
    counted = found.history.set_index(["cell", "epoch"]).misclassified
    assert moments.images.sum().eq(counted).all() and counted.max() > 0


def test_git_keeps_the_columns_that_an_experiment_names(cells: list[TrainedCell], raw: data.Mnist) -> None:
    own = memorization_measure.OWN
    table = measures.measure(cells, ASKED, own, raw, inline).tables["items"]
    assert list(table.columns)[-len(own.items or ()) :] == list(own.items or ())
    items = pd.DataFrame(dict(table.values))
    shown = items[own.shown(items)] if own.shown else items
    assert set(shown["set"]) == {"training"} and set(shown.cell) == {SUBSETS} and len(shown) <= POOL.pool


def test_images_beyond_the_limit_are_the_highest_a_random_choice_and_the_sheet(found: Tables) -> None:
    items = found.items[found.items.cell == SUBSETS + 3]
    inside = items[items["set"] == "training"]
    assert (inside.rank_D <= ASKED.images // 2).sum() == ASKED.images // 2
    assert inside.sampled.sum() > 0 and inside.pixels.notna().sum() == 90
    assert not (inside.sampled & inside.pixels.notna()).any()
    assert inside[inside.pixels.isna()].sampled.all() and not inside.duplicated("image").any()


def test_every_image_is_in_the_long_table(measured: Measured) -> None:
    every = pd.DataFrame(dict(measured.every_item.values))
    assert every.groupby(["cell", "set"]).size().unique().tolist() == [POOL.pool, 80]
    assert every.D_after.between(0, 1 + 1e-9).all()


def test_curves_are_means_over_initialisations_of_models_with_weights(found: Tables) -> None:
    curves = measures.curves(found.cells)
    whole = found.cells[found.cells.cell.isin([SUBSETS, SUBSETS + 1])]
    assert curves.wrong.tolist() == [0.0, 0.1]
    assert curves.D_max[1] == pytest.approx(whole.D_max.mean())


def test_one_that_cannot_be_measured_stops_the_run(cells: list[TrainedCell], raw: data.Mnist) -> None:
    def broken(function: Callable[..., Any], jobs: Sequence[Job], title: str) -> Iterator[tuple[int, Outcome]]:
        yield 1, Outcome(None, "MemoryError", 0.0, "")

    with pytest.raises(MeasureError, match=f"cell {SUBSETS + 1} could not be measured: MemoryError"):
        measures.measure(cells, ASKED, Own(), raw, broken)


def judged_of(found: Tables) -> dict[str, Summary]:
    measure = SimpleNamespace(**ASKED.model_dump())
    return {of.__name__.split(".")[2]: judged(of, found, measure) for of in (memorization_claims, mnist_claims)}


def test_claims_read_the_tables(found: Tables) -> None:
    scores, summaries = found.scores, judged_of(found)
    asked = (scores.epoch == 8) & (scores.labels == "all") & (scores.score == "D_after")
    rho = scores[asked & (scores.asks == "memorisation")].value
    of, memorised = summaries["memorization"], "high D* mean memorised"
    assert part(of, memorised, "rank correlation").effect == pytest.approx(rho.mean())
    assert part(of, memorised, "rank correlation").sets == 2
    assert part(of, memorised, "ROC area for the 10 % most memorised").sets == 2  # as measure.memorized says
    area = scores[asked & (scores.asks == "wrong labels") & (scores.statistic == "ROC area")].value
    assert part(summaries["mnist"], "wrong labels stand out", "ROC area").effect == pytest.approx(area.mean())
    shown = finding(of, "tell more than other scores").shown
    assert shown is not None and set(shown["wrong labels"]) == set(memorization.SCORES.values())
    assert list(shown["wrong labels"].values()) == sorted(shown["wrong labels"].values(), reverse=True)
    shown = finding(of, "some time in training").shown
    assert shown is not None and set(shown) == {"epoch=1", "epoch=2", "epoch=8"}


def test_answers_follow_the_scores(found: Tables) -> None:
    for best, sign in (("D_before", 1), ("loss", -1)):
        value = found.scores.value.where(found.scores.score != best, 2.0)
        changed = Tables(
            cells=found.cells, history=found.history, items=found.items, scores=found.scores.assign(value=value)
        )
        of = judged_of(changed)["memorization"]
        for task in finding(of, "tell more than other scores").parts:
            assert task.effect * sign > 0
        shown = finding(of, "tell more than other scores").shown
        assert shown is not None and next(iter(shown["most memorised"])) == memorization.SCORES[best]


def test_without_memorisation_nothing_is_claimed_of_it(
    cells: list[TrainedCell], raw: data.Mnist, tmp_path: Path
) -> None:
    for name, table in measures.measure(cells[SUBSETS + 3 :], ASKED, Own(), raw, inline).tables.items():
        tables.write(tmp_path / f"{name}.parquet", table)
    found = tables.read(tmp_path)
    summary = judged_of(found)["memorization"]
    assert not summary.claims and not summary.headline
    assert not any(part.sets for _, of in summary.questions for part in of.parts)
    assert memorization_figure.draw(found, {}) == {}


def test_both_experiments_draw(found: Tables) -> None:
    assert set(memorization_figure.draw(found, {})) == {"memorization", "rivals"}
    assert set(mnist_figure.draw(found, {})) == {"curve", "training", "digits", "misclassified"}
