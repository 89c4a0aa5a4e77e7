"""stages/params.py: the grid's canonical order, and one clear line for whatever is wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from stages import params
from stages.params import ParamsError, load, load_all
from tests.conftest import ROOT


@pytest.fixture
def sections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project's params.yaml to edit, read from a folder of its own; call it to save."""
    yaml = YAML()
    content = yaml.load(ROOT / "params.yaml")
    monkeypatch.setattr(params, "FILE", tmp_path / "params.yaml")

    class Sections(dict):  # type: ignore[type-arg]
        def save(self) -> None:
            yaml.dump(dict(self), tmp_path / "params.yaml")

    return Sections(content)


def message(sections: Any) -> str:
    sections.save()
    with pytest.raises(ParamsError) as caught:
        load("geometry", "smoke")
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{params.FILE}: ")


def test_every_scale_of_every_experiment_is_valid(sections: Any) -> None:
    sections.save()
    experiments = load_all()
    assert {scale for _, scale in experiments} == set(params.SCALES)
    assert {name for name, _ in experiments} | set(params.FAMILIES) == set(sections)


def test_cells_are_the_product_of_the_axes_in_one_order(sections: Any) -> None:
    sections.save()
    cells = load("geometry", "smoke").cells
    block = sections["geometry"]["smoke"]
    sizes = [len(axis) for part in ("data", "training") for axis in block[part].values()]
    assert len(cells) == len(set(cells)) == math.prod(sizes)
    block["data"]["T"] = [6, 3, 5, 3]
    block["data"]["supports"] = ["random", "disjoint"][::-1]
    sections.save()
    assert load("geometry", "smoke").cells == cells


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (
            "geometry.smoke.data.Tee",
            [3],
            "geometry.smoke.data.Tee is not a key; allowed: n, S, T, first_of, supports, fresh, repeated",
        ),
        (
            "geometry.smoke.trainings",
            {},
            "geometry.smoke.trainings is not a key; allowed: data, training, measure, grids",
        ),
        ("geometry.tiny", {}, "geometry.tiny is not a key; allowed: laptop, paper, smoke"),
        ("geometry.smoke.data.S", 1.2, "geometry.smoke.data.S is 1.2; allowed: less than 1"),
        ("geometry.smoke.data.S", "0.9", "geometry.smoke.data.S is '0.9'; allowed: a valid number"),
        ("geometry.smoke.data.T", [3, 0], "geometry.smoke.data.T is 0; allowed: greater than or equal to 1"),
        ("geometry.smoke.data.T", [], "geometry.smoke.data.T is []; allowed: a value or a list of at least one"),
        ("geometry.smoke.data.T", "many", "geometry.smoke.data.T is 'many'; allowed: a valid integer"),
        ("geometry.smoke.data.T", True, "geometry.smoke.data.T is True; allowed: a valid integer"),
        ("geometry.smoke.data.T", 3.5, "geometry.smoke.data.T is 3.5; allowed: a valid integer"),
        ("geometry.smoke.data.supports", "odd", "is 'odd'; allowed: 'random' or 'disjoint'"),
        ("geometry.smoke.training.m", 121, "geometry.smoke.training.m is 121; allowed: m <= n"),
        ("geometry.smoke.training.lr", float("inf"), "geometry.smoke.training.lr is inf; allowed: a finite number"),
        (
            "geometry.smoke.training.eps",
            0,
            "geometry.smoke.training.eps is 0; allowed: greater than or equal to 0.000000000000001",
        ),
        ("geometry.smoke.measure.learned", 2, "geometry.smoke.measure.learned is 2; allowed: less than 1"),
        ("geometry.smoke.data.T", [100], "disjoint supports of 6 features allow T <= 20 at n = 120"),
        ("toy.smoke.training.beta1", 1.0, "beta1 is 1.0; allowed: less than 1"),
        ("geometry.laptop.data.S", -1, "geometry.laptop.data.S is -1; allowed: greater than or equal to 0"),
        (
            "geometry.smoke.training.reduction",
            ["mean", "sum"],
            "reduction is ['mean', 'sum']; allowed: one value",
        ),
        (
            "geometry.smoke.training",
            {"engine": "fused", "m": 16},
            "engine fused allows m <= 8; auto, tiled and torch take any",
        ),
        ("geometry.smoke.data.first_of", 4, "the first 5 points are of a set of at least as many: first_of >= 5, or 0"),
        ("geometry.smoke.data", {"fresh": True, "first_of": 30}, "fresh points have random supports, are not repeated"),
        (
            "geometry.smoke.data",
            {"repeated": 3},
            "3 repeated points of one copy each are none; allowed: repeated 0 or 1",
        ),
        ("geometry.smoke.training.corners", 2, "corners are 3 or more with init feature_polygon, and 0 with any other"),
        ("geometry.smoke.training.corners", 5, "corners are 3 or more with init feature_polygon, and 0 with any other"),
        ("geometry.smoke.training", {"init": "feature_polygon"}, "corners are 3 or more with init feature_polygon"),
        (
            "geometry.smoke.training",
            {"init": "feature_polygon", "corners": 121},
            "geometry.smoke.training.corners is 121; allowed: at most n, 120",
        ),
        ("geometry.smoke.training", {"init": "point_polygon", "m": 3}, "init point_polygon allows m = 2, tied weights"),
        (
            "geometry.smoke.training.init",
            "point_polygon",
            "is point_polygon; allowed: with T >= 3 and disjoint supports",
        ),
        ("geometry.smoke.data", {3: 5}, "geometry.smoke.data.3 is not a key"),
        ("geometry.smoke.measure.test_points", 1, "allowed: greater than or equal to 2"),
        ("style", {"smoke": {"data": {}, "training": {}, "grids": [], "measure": {}}}, "style is no experiment"),
        ("geometri", {"smoke": {"data": {}, "training": {}, "grids": [], "measure": {}}}, "geometri is no experiment"),
        ("geometry.smoke.data", None, "geometry.smoke.data must hold keys and values"),
        ("geometry.smoke", None, "geometry.smoke is None; allowed: a block with data, training, measure, grids"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(sections: Any, key: str, value: Any, says: str) -> None:
    *parents, last = key.split(".")
    block = sections
    for parent in parents:
        block = block[parent]
    block[last] = value
    assert says in message(sections)


def test_a_missing_key_part_or_section_is_named(sections: Any) -> None:
    del sections["toy"]["smoke"]["data"]["S"]
    assert message(sections) == "geometry.smoke.data.S is missing, here and in section toy"
    sections["toy"]["smoke"]["data"]["S"] = 0.95
    del sections["geometry"]["smoke"]["measure"]
    assert "geometry.smoke.measure is missing" in message(sections)
    del sections["geometry"]["smoke"]
    assert "there is no section geometry.smoke; there are geometry.laptop" in message(sections)
    del sections["toy"]
    assert message(sections) == "section toy is missing"


@pytest.mark.parametrize("text", ["a: [1,", "a: 1\na: 2", "- 1", ""])
def test_what_is_not_a_mapping_in_yaml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(params, "FILE", tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml: "):
        load_all()
    (tmp_path / "params.yaml").unlink()
    with pytest.raises(ParamsError, match="cannot be read: No such file"):
        load_all()


def test_scientific_notation_is_a_number(sections: Any) -> None:
    text = (ROOT / "params.yaml").read_text()
    assert "lr: 1e-3" in text
    params.FILE.write_text(text)
    assert load("geometry", "laptop").cells[0].training.lr == 0.001


def test_rewriting_the_file_as_dvc_does_for_an_experiment_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    with modify_yaml(path) as content:
        content["toy"]["laptop"]["data"]["n"] = content["toy"]["laptop"]["data"]["n"]
    assert path.read_text() == (ROOT / "params.yaml").read_text()


def test_each_grid_overrides_what_is_common_to_all(sections: Any) -> None:
    block = sections["geometry"]["smoke"]
    block["data"], block["training"] = {"T": 7}, {"weight_decay": [0.1, 0.5]}
    block["grids"] = [
        {"data": {"T": 3}, "training": {"init_seed": [0, 1, 2]}},
        {"data": {"T": [5, 6], "data_seed": [0, 1]}, "training": {"weight_decay": 0.2}},
        {},
    ]
    sections.save()
    cells = load("geometry", "smoke").cells
    assert {T: sum(c.data.T == T for c in cells) for T in (3, 5, 6, 7)} == {3: 6, 5: 2, 6: 2, 7: 2}
    assert {c.training.weight_decay for c in cells if c.data.T in (5, 6)} == {0.2}
    for wrong, words in (
        ({"data": {"T": 3}}, "geometry.smoke.grids is {'data': {'T': 3}}; allowed: a list of blocks"),
        ([{"date": {}}], "geometry.smoke.grids.0.date is not a key; allowed: data, training"),
        ([{}, 3], "geometry.smoke.grids.1 is 3; allowed: a block with data, training"),
        ([{"data": 3}], "geometry.smoke.grids.0.data must hold keys and values"),
        ([{"data": {"T": []}}], "geometry.smoke.data.T is []"),
    ):
        block["grids"] = wrong
        assert words in message(sections)
    del block["grids"]
    assert "geometry.smoke.grids is missing; where there is nothing to set: []" in message(sections)


def test_a_count_is_the_list_that_it_stands_for(sections: Any) -> None:
    sections["geometry"]["smoke"]["data"] = {"T": 5, "data_seed": {"count": 3}}
    sections.save()
    assert {c.data.data_seed for c in load("geometry", "smoke").cells} == {0, 1, 2}
    sections["geometry"]["smoke"]["data"]["data_seed"] = {"count": 2, "start": 3}
    sections.save()
    assert {c.data.data_seed for c in load("geometry", "smoke").cells} == {3, 4}
    for wrong in ({"count": 0}, {"count": True}, {"count": 2, "from": 3}, {"start": 3}):
        sections["geometry"]["smoke"]["data"] = {"data_seed": wrong}
        assert "geometry.smoke.data.data_seed is" in message(sections) and "{count: K}" in message(sections)
