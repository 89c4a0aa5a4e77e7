"""params.yaml becomes cells: the canonical order, scales, counts and keys that advance together."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from stages.params import HELD_OUT, SCALES, listed, load_all
from tests.conftest import ROOT, RUNS
from tests.sections import Sections
from tests.smoke import merged_params


@pytest.fixture
def sections(tmp_path: Path) -> Sections:
    return Sections(tmp_path)


def geometry(sections: Sections, scale: str = "smoke") -> Any:
    return sections.load()[f"{scale}/geometry"].cells


def test_every_scale_of_every_experiment_is_valid(tmp_path: Path) -> None:
    sections = merged_params()
    YAML().dump(sections, tmp_path / "params.yaml")
    experiments = load_all(ROOT / "stages/runs.yaml", tmp_path / "params.yaml")
    names = [name for name in sections if name not in (*RUNS["families"], "scales")]
    scaled = [f"{scale}/{name}" for name in names for scale in SCALES]
    assert list(experiments) == [*scaled, *(f"{HELD_OUT}/{name}" for name in names)]


def test_the_list_of_runs_names_each_experiment_once_and_experiments_at_the_papers_scale() -> None:
    runs, sections = listed(ROOT / "stages/runs.yaml"), YAML(typ="safe").load(ROOT / "params.yaml")
    experiments = load_all(ROOT / "stages/runs.yaml", ROOT / "params.yaml")
    assert {name.removeprefix("laptop/") for name in runs if name.startswith("laptop/")} == set(sections) - {
        *RUNS["families"],
        "scales",
    }
    assert set(runs) < set(experiments)
    assert experiments["laptop/memorization"].family == "digits" and experiments["paper/geometry"].family == "toy"


def test_cells_are_the_product_of_the_axes_in_one_order(sections: Sections) -> None:
    cells = geometry(sections)
    grid = sections["geometry"]["grid"] | sections["geometry"]["smoke"]["grid"]
    sizes = [axis["count"] if isinstance(axis, dict) else len(axis) for axis in grid.values()]
    assert len(cells) == len(set(cells)) == math.prod(sizes)
    sections.set("geometry.smoke.grid.T", [6, 3, 5, 3])
    sections.set("geometry.grid.points", ["disjoint", "random"])
    assert geometry(sections) == cells


def test_a_scale_changes_the_usual_values_and_an_experiment_what_it_says(sections: Sections) -> None:
    sections["geometry"] = {
        "grid": {"T": [3, 5], "data_seed": [0, 1]},
        "grids": [{"weight_decay": 0.3}, {"weight_decay": [0.1, 0.2]}],
        "measure": {"vectors": 7, "frames": 2},
        "paper": {"grid": {"T": 4}, "measure": {"vectors": 8}},
        "smoke": {"grids": [{}]},
    }
    runs = sections.load()
    laptop, paper, smoke = (runs[f"{scale}/geometry"] for scale in SCALES)
    assert {cell.data.n for cell in laptop.cells} == {1000} and {cell.data.n for cell in paper.cells} == {10_000}
    assert {cell.training.eps for cell in paper.cells} == {1e-8}
    assert [len(run.cells) for run in (laptop, paper, smoke)] == [12, 6, 4]
    assert {cell.data.T for cell in paper.cells} == {4} and {cell.data.T for cell in smoke.cells} == {3, 5}
    assert {cell.training.weight_decay for cell in paper.cells} == {0.1, 0.2, 0.3}
    assert {cell.training.weight_decay for cell in smoke.cells} == {0.01}
    assert [(run.measure.vectors, run.measure.frames) for run in (laptop, paper, smoke)] == [(7, 2), (8, 2), (7, 2)]
    assert (laptop.measure.test_points, smoke.measure.test_points) == (200_000, 2000)
    del sections["geometry"]["paper"], sections["geometry"]["smoke"]
    assert {len(sections.load()[f"{scale}/geometry"].cells) for scale in SCALES} == {12}


@pytest.mark.parametrize("name", ["params.yaml", "tests/smoke.yaml", "stages/runs.yaml"])
def test_every_reader_of_yaml_reads_the_same(name: str) -> None:
    text = (ROOT / name).read_text()
    assert pyyaml.safe_load(text) == YAML(typ="safe").load(text)


def test_rewriting_the_file_as_dvc_does_for_an_experiment_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    with modify_yaml(path) as content:
        content["toy"]["n"] = content["toy"]["n"]
        content["geometry"]["grid"]["T"] = content["geometry"]["grid"]["T"]
    assert path.read_text() == (ROOT / "params.yaml").read_text()


def test_each_grid_overrides_what_is_common_to_all(sections: Sections) -> None:
    sections["geometry"] = block = {
        "grid": {"T": 7, "weight_decay": [0.1, 0.5]},
        "grids": [
            {"T": 3, "init_seed": [0, 1, 2]},
            {"T": [5, 6], "data_seed": [0, 1], "weight_decay": 0.2},
            {},
        ],
    }
    cells = geometry(sections)
    assert {T: sum(c.data.T == T for c in cells) for T in (3, 5, 6, 7)} == {3: 6, 5: 2 * 1, 6: 2, 7: 2}
    assert {c.training.weight_decay for c in cells if c.data.T in (5, 6)} == {0.2}
    for wrong, words in (
        ({"T": 3}, "geometry.grids is {'T': 3}; allowed: a list of grids"),
        (None, "geometry.grids is null; allowed: a list of grids"),
        ([{"date": {}}], "geometry.grids.0.date is not a key; allowed: n, S"),
        ([{}, 3], "geometry.grids.1 is 3, not a block of keys; allowed: n, S"),
        ([{}, {"T": []}], "geometry.grids.1.T is []"),
        ([{}, {"T": 0}], "geometry.grids.1.T is 0; allowed: greater than or equal to 1"),
        ([{"init": "feature_polygon"}], "geometry.grids.0: corners are 3 or more"),
    ):
        block["grids"] = wrong
        assert words in sections.message()


def test_a_count_is_the_list_that_it_stands_for(sections: Sections) -> None:
    sections["geometry"] = {"grid": {"T": 5, "data_seed": {"count": 3}}}
    assert {c.data.data_seed for c in geometry(sections)} == {0, 1, 2}
    sections.set("geometry.grid.data_seed", {"count": 2, "start": 3})
    assert {c.data.data_seed for c in geometry(sections)} == {3, 4}
    for wrong in ({"count": 0}, {"count": True}, {"count": 2, "from": 3}, {"start": 3}, {"count": 2, "each": 2}):
        sections.set("geometry.grid.data_seed", wrong)
        assert "geometry.grid.data_seed is" in (said := sections.message()) and "{count: K}" in said


def test_lists_and_counts_inside_a_form_are_axes(sections: Sections) -> None:
    sections["geometry"] = {"grid": {"T": [9, 10], "points": ["disjoint", "random"]}}
    sections.listed["laptop"]["counterfactual"] = {"family": "toy"}
    forms = [
        "all",
        {"repeated": 1, "copies": [2, 3], "masked": [True, False]},
        {"left_out": {"count": 3, "start": 1}, "left_out_by": ["similarity", "random"]},
        {"subset": 0.5, "subset_seed": {"count": 4}},
    ]
    sections["counterfactual"] = {"grid": {"T": 9, "trained_on": forms}}
    cells = sections.load()["smoke/counterfactual"].cells
    assert len(cells) == 1 + 2 * 2 + 3 * 2 + 4
    assert {(c.data.repeated, c.data.copies, c.data.masked) for c in cells if c.data.repeated} == {
        (1, copies, masked) for copies in (2, 3) for masked in (True, False)
    }
    assert {c.data.left_out for c in cells} == {0, 1, 2, 3} and {c.data.subset_seed for c in cells} == {0, 1, 2, 3}


def test_keys_in_zip_advance_together(sections: Sections) -> None:
    sections["geometry"] = {"grid": {"T": [5, 6], "zip": {"init_seed": [7, 8], "data_seed": {"count": 2}}}}
    axes = [(c.data.T, c.training.init_seed, c.data.data_seed) for c in geometry(sections)]
    assert sorted(axes) == [(T, init, seed) for T in (5, 6) for init, seed in ((7, 0), (8, 1))]
    sections.set("geometry.grid.zip", {"init_seed": {"count": 2, "each": 3}, "data_seed": {"count": 6, "start": 1}})
    seeds = {(c.training.init_seed, c.data.data_seed) for c in geometry(sections)}
    assert seeds == {(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6)}
    sections.set(
        "geometry.grid.zip",
        [{"init_seed": [7, 8], "data_seed": [0, 1]}, {"weight_decay": [0.1, 0.2], "points": ["random", "disjoint"]}],
    )
    assert len(geometry(sections)) == 2 * 2 * 2
    sections["geometry"]["grids"] = [{"zip": {}}, {"zip": {"T": [3, 4], "init_seed": [1, 2]}}]
    assert [(c.data.T, c.training.init_seed) for c in geometry(sections)] == [(3, 1), (4, 2), (5, 0), (6, 0)]


@pytest.mark.parametrize(
    ("zipped", "says"),
    [
        (
            {"T": [3, 5], "data_seed": [1, 2, 3]},
            "geometry.grid.zip has 2 of T, 3 of data_seed; allowed: as many values",
        ),
        ({"Tee": [3, 5]}, "geometry.grid.zip.Tee is not a key; allowed: n, S, T"),
        ({"S": [0.5, 0.6]}, "geometry.grid.zip.S is there twice; allowed: once, in zip or beside it"),
        ({"T": [0, 5]}, "geometry.grid.zip.T is 0; allowed: greater than or equal to 1"),
        ({"T": []}, "geometry.grid.zip.T is []; allowed: a value or a list of at least one"),
        ({"T": {"count": 0, "each": 2}}, "{count: K, start: i} for i to i + K - 1, and each: r for r times each"),
        ([{"T": 3}, 3], "geometry.grid.zip is 3, not a block of keys"),
        (None, "geometry.grid.zip is null, not a block of keys"),
        ([{"T": [3, 5]}, {"T": [3, 5]}], "geometry.grid.zip.T is there twice"),
    ],
)
def test_what_is_wrong_with_a_zip_is_said(sections: Sections, zipped: Any, says: str) -> None:
    sections["geometry"] = {"grid": {"S": 0.9, "zip": zipped}}
    assert says in sections.message()
