"""stages/params.py: one clear line for whatever is wrong, wherever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages.params import HELD_OUT, LARGEST_GRID, SCALES, ParamsError, listed, load_all
from tests.sections import Sections


@pytest.fixture
def sections(tmp_path: Path) -> Sections:
    return Sections(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (
            "geometry.smoke.grid.Tee",
            [3],
            "geometry.smoke.grid.Tee is not a key; allowed: n, S, T, first_of, points, tr",
        ),
        ("geometry.grid.vectors", 3, "geometry.grid.vectors is not a key; allowed: n, S, T"),
        ("geometry.measure.T", 3, "geometry.measure.T is not a key; allowed: test_points, test_seed, vectors"),
        ("geometry.smoke.grit", {}, "geometry.smoke.grit is not a key; allowed: grid, grids, measure"),
        ("geometry.tiny", {}, "geometry.tiny is not a key; allowed: grid, grids, measure, paper, smoke"),
        ("scales.tiny", {}, "scales.tiny is not a key; allowed: paper, smoke"),
        ("scales.paper.toys", {}, "scales.paper.toys is not a key; allowed: digits, language, toy"),
        ("scales.paper.toy.Tee", 3, "scales.paper.toy.Tee is not a key; allowed: n, S, T"),
        ("toy.Tee", 3, "toy.Tee is not a key; allowed: n, S, T"),
        ("geometry.smoke.grid.S", 1.2, "geometry.smoke.grid.S is 1.2; allowed: less than 1"),
        ("geometry.smoke.grid.S", "0.9", "geometry.smoke.grid.S is '0.9'; allowed: a valid number"),
        ("geometry.smoke.grid.T", [3, 0], "geometry.smoke.grid.T is 0; allowed: greater than or equal to 1"),
        ("geometry.smoke.grid.T", [], "geometry.smoke.grid.T is []; allowed: a value or a list of at least one"),
        ("geometry.smoke.grid.T", [[3], [5]], "geometry.smoke.grid.T is [[3], [5]]; allowed: a value or a list of at"),
        ("geometry.smoke.grid.T", None, "geometry.smoke.grid.T is null; allowed: a valid integer"),
        ("geometry.smoke.grid.T", "many", "geometry.smoke.grid.T is 'many'; allowed: a valid integer"),
        ("geometry.smoke.grid.T", True, "geometry.smoke.grid.T is True; allowed: a valid integer"),
        ("geometry.smoke.grid.T", 3.5, "geometry.smoke.grid.T is 3.5; allowed: a valid integer"),
        (
            "geometry.smoke.grid.T",
            10**9,
            "geometry.smoke.grid.T is 1000000000; allowed: less than or equal to 10000000",
        ),
        ("geometry.smoke.grid.data_seed", 2**64, "data_seed is 18446744073709551616; allowed: less than 4294967296"),
        ("geometry.smoke.grid.n", 10**400, "geometry.smoke.grid.n is 1000000000000"),
        ("geometry.smoke.grid.lr", 10**400, "geometry.smoke.grid.lr is 1000000000000"),
        ("geometry.smoke.grid.init", "x" * 9999, "xxx ...; allowed: 'xavier_normal', 'xavier_uniform'"),
        ("geometry.smoke.grid.steps", 10**9, "geometry.smoke.grid.steps is 1000000000; allowed: less than or equal to"),
        ("geometry.measure.test_points", 10**9, "geometry.measure.test_points is 1000000000; allowed: less than or"),
        ("geometry.smoke.grid.points", "odd", "is 'odd'; allowed: random, disjoint, fresh, transposed, {alike}"),
        ("geometry.smoke.grid.points", {"alike": 1}, "is {'alike': 1}; allowed: alike greater than or equal to 2"),
        ("geometry.smoke.grid.points", {"alke": 3}, "is {'alke': 3}; allowed: random, disjoint, fresh, transposed, {"),
        (
            "geometry.smoke.grid.trained_on",
            {"subset": 0.5},
            "geometry.smoke.grid.trained_on is {'subset': 0.5}; allowed: all, or one of {repeated, copies, masked}, "
            "{subset, subset_seed}, {left_out, left_out_by}",
        ),
        ("geometry.smoke.grid.trained_on", {"subset": 1.5, "subset_seed": 0}, "allowed: subset less than 1"),
        (
            "geometry.smoke.grid.trained_on",
            {"left_out": {"x": 3}},
            "trained_on.left_out is {'x': 3}; allowed: a value, a",
        ),
        ("geometry.smoke.grid.trained_on", {"left_out": 30}, "left_out 30 and subset 1.0 of 3 leave no point"),
        ("geometry.smoke.grid.m", 121, "geometry.smoke.grid.m is 121; allowed: m <= n, and n is 120"),
        ("geometry.smoke.grid.lr", float("inf"), "geometry.smoke.grid.lr is inf; allowed: a finite number"),
        (
            "geometry.smoke.grid.eps",
            0,
            "geometry.smoke.grid.eps is 0; allowed: greater than or equal to 0.0000000000000",
        ),
        ("geometry.smoke.measure.learned", 2, "geometry.smoke.measure.learned is 2; allowed: less than 1"),
        ("geometry.smoke.grid.T", [100], "disjoint points of 6 features allow T <= 20 at n = 120"),
        ("toy.beta1", 1.0, "toy.beta1 is 1.0; allowed: less than 1"),
        ("toy.T", 0, "toy.T is 0; allowed: greater than or equal to 1"),
        ("toy.T", [3, 5], "toy.T is [3, 5]; allowed: a valid integer"),
        ("toy.S", None, "toy.S is null; allowed: a valid number"),
        ("toy.m", 1001, "toy.m is 1001; allowed: m <= n, and n is 1000"),
        ("toy.corners", 3, "toy: corners are 3 or more with init feature_polygon, and 0 with any other"),
        ("digits.pool", 60_001, "digits.pool is 60001; allowed: less than or equal to 60000"),
        ("scales.paper.toy.S", 1.0, "scales.paper.toy.S is 1.0; allowed: less than 1"),
        ("scales.paper.toy", None, "scales.paper.toy is null, not a block of keys; allowed: n, S, T"),
        ("scales", None, "scales is null, not a block of keys; allowed: paper, smoke"),
        ("geometry.grid.S", -1, "geometry.grid.S is -1; allowed: greater than or equal to 0"),
        (
            "geometry.smoke.grid.reduction",
            ["mean", "sum"],
            "reduction is ['mean', 'sum']; allowed: one value, since this",
        ),
        ("geometry.smoke.grid.points", [{"alike": 2}, {"alike": 3}], "alike is [2, 3]; allowed: one value"),
        (
            "geometry.smoke.grid",
            {"engine": "fused", "m": 16},
            "engine fused allows m <= 8; auto, tiled and torch take any",
        ),
        ("geometry.smoke.grid.first_of", 2, "the first 3 points are of a set of at least as many: first_of >= 3, or 0"),
        (
            "geometry.grid",
            {"points": "fresh", "first_of": 30},
            "fresh points are allowed with trained_on all and first_of 0",
        ),
        (
            "geometry.smoke.grid.trained_on",
            {"repeated": 3, "copies": 1},
            "3 repeated points of one copy each are none; allowed: repeated 1, or copies >= 2",
        ),
        ("geometry.smoke.grid.trained_on", {"repeated": 9, "copies": 2}, "9 repeated points allow T >= 9"),
        ("geometry.smoke.grid.corners", 2, "corners are 3 or more with init feature_polygon, and 0 with any other"),
        ("geometry.smoke.grid.corners", 5, "corners are 3 or more with init feature_polygon, and 0 with any other"),
        ("geometry.smoke.grid.init", "feature_polygon", "corners are 3 or more with init feature_polygon"),
        (
            "geometry.smoke.grid",
            {"init": "feature_polygon", "corners": 121},
            "geometry.smoke.grid.corners is 121; allowed: at most n, 120",
        ),
        ("geometry.smoke.grid", {"init": "point_polygon", "m": 3}, "init point_polygon allows m = 2, tied weights"),
        (
            "geometry.smoke.grid",
            {"init": "point_polygon", "points": "random"},
            "geometry.smoke.grid.init is point_polygon; allowed: with T >= 3 and disjoint points",
        ),
        ("geometry.smoke.grid.parent_T", 30, "parent_T is 30; disjoint points of 6 features allow T <= 20 at n = 120"),
        ("geometry.smoke.grid", {3: 5}, "geometry.smoke.grid.3 is not a key"),
        ("geometry.smoke.measure.test_points", 1, "allowed: greater than or equal to 2"),
        ("style", {"grid": {}}, "style is no experiment: there is no stages/experiments/style with AXES"),
        ("geometri", {"grid": {}}, "geometri is no experiment: there is no stages/experiments/geometri with AXES"),
        ("history", {"grid": {}}, "history is of no family: stages/runs.yaml has to list it, with one family"),
        ("geometry", None, "geometry is null, not a block of keys; allowed: grid, grids, measure, paper, smoke"),
        ("geometry.grid", None, "geometry.grid is null, not a block of keys; allowed: n, S"),
        ("geometry.smoke", None, "geometry.smoke is null, not a block of keys; allowed: grid, grids, measure"),
        ("memorization.grid.pool", 0, "memorization.grid.pool is 0; allowed: greater than or equal to 1"),
        ("memorization.grid.hidden", 10**6, "memorization.grid.hidden is 1000000; allowed: arrays of up to 16 GiB"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(sections: Sections, key: str, value: Any, says: str) -> None:
    sections.set(key, value)
    assert says in sections.message()


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        ({"n": 10**7, "T": 10**7, "S": 0.9}, "geometry.smoke.grid.T is 10000000; allowed: arrays of up to 16 GiB, and"),
        ({"n": 10**7, "m": 10**4, "T": 3}, "geometry.smoke.grid.m is 10000; allowed: arrays of up to 16 GiB, and here"),
        ({"n": 10**5, "T": 10**5, "engine": "torch"}, "geometry.smoke.grid.T is 100000; allowed: arrays of up to"),
    ],
)
def test_a_cell_that_no_memory_holds_is_refused(sections: Sections, grid: dict[str, Any], says: str) -> None:
    sections.set("geometry.smoke.grid", {"S": 0.999, "points": "random"} | grid)
    assert says in sections.message()


@pytest.mark.parametrize(
    "grid",
    [
        {"data_seed": {"count": 10**9}},
        {"init_seed": {"count": 1000}, "data_seed": {"count": 1001}},
        {"trained_on": {"subset": 0.5, "subset_seed": {"count": LARGEST_GRID + 1}}},
        {"zip": {"data_seed": {"count": 2, "each": 10**30}}},
        {"trained_on": {"left_out": {"count": 10**4, "start": 1}, "left_out_by": ["random"] * 10**3}},
    ],
)
def test_a_grid_of_too_many_cells_is_refused_before_it_is_made(sections: Sections, grid: dict[str, Any]) -> None:
    sections["geometry"] = {"grid": grid}
    assert f"cells; allowed: up to {LARGEST_GRID}" in sections.message()


def test_a_missing_key_or_section_is_named(sections: Sections) -> None:
    del sections["toy"]["S"]
    assert sections.message() == "toy.S is missing"
    sections["toy"]["S"] = 0.99
    whole = sections.pop("geometry")
    assert "there is no section for run laptop/geometry; there are laptop/memorization" in sections.message()
    sections["geometry"] = whole
    sections.listed["smoke"] = {"geometry": {"family": "toy"}}
    assert "smoke/geometry" in sections.load()
    del sections["toy"]
    assert sections.message() == "section toy is missing"


def test_the_held_out_runs_are_the_laptop_s_on_other_training_sets(sections: Sections) -> None:
    sections["geometry"]["grid"] |= {"data_seed": [0, 3], "parent_T": 9}
    runs = sections.load()
    assert {name.split("/")[0] for name in runs} == {*SCALES, HELD_OUT}
    first = sections["scales"][HELD_OUT]["first_set"]
    for name in ("geometry", "memorization"):
        laptop, held_out = runs[f"laptop/{name}"], runs[f"{HELD_OUT}/{name}"]
        assert held_out.measure == laptop.measure and held_out.family == laptop.family
        for cell, other in zip(laptop.cells, held_out.cells, strict=True):
            seed = cell.data.data_seed + first
            assert other == cell._replace(data=cell.data.model_copy(update={"data_seed": seed}))
            assert other.parent is None or other.parent.data.data_seed == seed
    sections["geometry"]["grid"]["data_seed"] = [0, first]
    assert sections.message() == (
        f"laptop/geometry has data_seed {first}; allowed: less than scales.held_out.first_set, {first}"
    )
    sections["scales"][HELD_OUT]["first_set"] = 0
    assert sections.message().startswith("scales.held_out.first_set is 0; allowed: an integer above 0, below ")
    sections["scales"][HELD_OUT] = {"first": 500}
    assert "scales.held_out.first is not a key; allowed: first_set" in sections.message()
    del sections["scales"][HELD_OUT]
    sections["geometry"]["grid"]["data_seed"] = [0]
    assert {name.split("/")[0] for name in sections.load()} == {*SCALES}


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ({"laptop": {"geometry": {"family": "tou"}}}, "laptop.geometry.family is 'tou'; allowed: digits, language"),
        ({"laptop": {"geometry": {}}}, "laptop.geometry.family is null; allowed: digits, language, toy"),
        ({"laptop": {"geometry": {"famly": "toy"}}}, "laptop.geometry.famly is not a key; allowed: family"),
        ({"laptop": ["geometry"]}, "laptop is ['geometry'], not a block of keys"),
        ({"desktop": {}}, "desktop is not a key; allowed: laptop, paper, smoke, held_out, families"),
        ([], "all of it is [], not a block of keys"),
        (
            {"laptop": {"geometry": {"family": "toy"}}, "paper": {"geometry": {"family": "digits"}}},
            "geometry is of digits and toy: stages/runs.yaml has to list it, with one family",
        ),
    ],
)
def test_what_is_wrong_with_the_list_of_runs_is_said_in_one_line(sections: Sections, runs: Any, says: str) -> None:
    sections.listed = runs
    assert says in sections.message()


@pytest.mark.parametrize(
    "content",
    [
        b"a: [1,",
        b"a: 1\na: 2",
        b"- 1",
        b"",
        b"null",
        b"3: {}",
        "toy: {}".encode("utf-16"),
        b"toy: \xff",
        b"toy: " + b"[" * 5000,
        b"toy: " + b"[" * 100_000 + b"]" * 100_000,
        b"toy: {n: " + b"1" * 5000 + b"}",
        b"toy: !!python/object:os.system {}",
        b"geometry: &a {grid: *a}",
        b"\x00",
    ],
)
def test_what_is_no_block_of_keys_in_yaml_is_refused(sections: Sections, content: bytes) -> None:
    sections.load()
    sections.file.write_bytes(content)
    with pytest.raises(ParamsError, match=r"params\.yaml: [^\n]+$"):
        load_all(sections.runs, sections.file)


def test_a_missing_file_is_named(sections: Sections) -> None:
    sections.load()
    sections.file.unlink()
    with pytest.raises(ParamsError, match=r"params\.yaml: cannot be read: No such file"):
        load_all(sections.runs, sections.file)
    with pytest.raises(ParamsError, match=r"none\.yaml: cannot be read: No such file"):
        listed(sections.runs.with_name("none.yaml"))
