"""params.yaml, read once and typed: every section of every scale is checked before anything is computed.

A section holds one block a scale, and a block the parts `data`, `training` and `measure`. Section `toy`, or `digits`,
gives every key its value at that scale; an experiment's section overrides what it sweeps. In `data` and `training` a
list is an axis of the grid, and `{count: K}` the list from 0 to K - 1, or `{count: K, start: i}` from i: the
experiment's cells are the product of its axes. Where one product is not enough, `grids` is a list of several, each with
what it overrides in turn.
"""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.errors import UserError
from stages.mnist import spec as mnist
from stages.toy import spec as toy

FILE = Path("params.yaml")
SCALES = ("laptop", "paper", "smoke")
PARTS = ("data", "training", "measure")
OWN_PARTS = (*PARTS, "grids")  # of an experiment's section

M = TypeVar("M", bound=BaseModel)


class ParamsError(UserError):
    """What is wrong with params.yaml, in one line: the key, its value, and what is allowed."""


class Family(NamedTuple):
    """A kind of model: the section of params.yaml that has its defaults, and what its cells are specified by."""

    defaults: str
    data: type[BaseModel]
    training: Any  # a model with `check(data)` and `parent(data)`
    measure: type[BaseModel]


TOY = Family("toy", toy.Data, toy.Training, toy.Measure)
DIGITS = Family("digits", mnist.Data, mnist.Training, mnist.Measure)
FAMILIES = {family.defaults: family for family in (TOY, DIGITS)}


class Cell(NamedTuple):
    """One trained model: its data and how it is trained, by its family's specs."""

    data: Any
    training: Any

    @property
    def axes(self) -> dict[str, Any]:
        """Every axis of the grid by name, one column each in the tables."""
        axes: dict[str, Any] = self.data.model_dump() | self.training.model_dump()
        return axes

    @property
    def parent(self) -> Cell | None:
        """The cell whose model it starts from."""
        made = self.training.parent(self.data)
        return Cell(*made) if made else None


class Experiment(NamedTuple):
    """One experiment at one scale: cells in the grid's canonical order, whatever order its lists are written in."""

    cells: tuple[Cell, ...]
    measure: Any

    @property
    def parents(self) -> tuple[Cell, ...]:
        """Cells that others start from, each once."""
        return tuple(dict.fromkeys(cell.parent for cell in self.cells if cell.parent))


def load(experiment: str, scale: str) -> Experiment:
    """The experiment at that scale, once every experiment at every scale has been found valid.

    Raises:
        ParamsError: see `load_all`; or there is no such experiment at that scale.
    """
    experiments = load_all()
    if (experiment, scale) not in experiments:
        names = ", ".join(map(".".join, experiments))
        raise ParamsError(f"{FILE}: there is no section {experiment}.{scale}; there are {names}")
    return experiments[experiment, scale]


def load_all() -> dict[tuple[str, str], Experiment]:
    """Every (experiment, scale) of params.yaml.

    Raises:
        ParamsError: the file is missing or not YAML; a key is unknown or missing; a value is of the wrong type or out
            of range; a grid is empty, or sweeps what its experiment does not know of.
    """
    sections = _read()
    defaults = {name: _blocks(sections, name) for name in FAMILIES}
    experiments = {}
    for name in [name for name in sections if name not in FAMILIES]:
        axes, family = _package(name)
        for scale, block in _blocks(sections, name).items():
            if scale not in defaults[family.defaults]:
                raise ParamsError(f"{FILE}: {name}.{scale}: section {family.defaults} has no such scale")
            usual = defaults[family.defaults][scale]
            experiments[name, scale] = _experiment(f"{name}.{scale}", family, axes, usual, block)
    return experiments


def _read() -> dict[str, Any]:
    try:
        sections = YAML(typ="safe").load(FILE)  # DVC's own reader: PyYAML would take 1e-3 for text
    except OSError as error:
        raise ParamsError(f"{FILE}: cannot be read: {error.strerror}") from error
    except YAMLError as error:
        raise ParamsError(f"{FILE}: not YAML: {' '.join(str(error).split())}") from error
    known: dict[str, Any] = sections if isinstance(sections, dict) else {}
    for name in FAMILIES:
        if name not in known:
            raise ParamsError(f"{FILE}: section {name} is missing")
    return known


def _blocks(sections: dict[str, Any], name: str) -> dict[str, Any]:
    """A section's blocks by scale, each with its parts."""
    section = _mapping(name, sections[name], SCALES)
    for scale, block in section.items():
        parts = PARTS if name in FAMILIES else OWN_PARTS
        for part in parts:
            if part not in _mapping(f"{name}.{scale}", block, parts):
                nothing = "[]" if part == "grids" else "{}"
                raise ParamsError(f"{FILE}: {name}.{scale}.{part} is missing; where there is nothing to set: {nothing}")
    return section


def _package(name: str) -> tuple[set[str], Family]:
    """What an experiment's grid may sweep, and of which family it is, as its package says."""
    package = f"stages.experiments.{name}"
    module = None
    if str(name).isidentifier() and importlib.util.find_spec(package):
        module = importlib.import_module(package)
    if module is None or not hasattr(module, "AXES"):
        raise ParamsError(f"{FILE}: {name} is no experiment: there is no {package.replace('.', '/')} with AXES")
    return module.AXES, FAMILIES[getattr(module, "FAMILY", TOY.defaults)]


def _experiment(
    where: str, family: Family, axes: set[str], defaults: dict[str, Any], block: dict[str, Any]
) -> Experiment:
    values = _merged(f"{where}.measure", defaults["measure"], block["measure"])
    measure = _one(f"{where}.measure", family, family.measure, values)
    grids = _grids(where, block)
    cells = {
        Cell(data, training)
        for data_grid, training_grid in grids
        for data in _grid(f"{where}.data", family, family.data, defaults["data"], data_grid)
        for training in _grid(f"{where}.training", family, family.training, defaults["training"], training_grid)
    }
    for cell in cells:
        try:
            cell.training.check(cell.data)
        except ValueError as error:
            raise ParamsError(f"{FILE}: {where}.{error}") from None
    for part, model in (("data", family.data), ("training", family.training)):
        for key in model.model_fields.keys() - axes:
            if len(several := sorted({getattr(getattr(cell, part), key) for cell in cells})) > 1:
                raise ParamsError(
                    f"{FILE}: {where}.{part}.{key} is {several}; allowed: one value, since this experiment compares "
                    f"{', '.join(sorted(axes))} and would average over it"
                )
    return Experiment(tuple(sorted(cells, key=lambda cell: tuple(cell.axes.values()))), measure)


def _grids(where: str, block: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The overrides of data and of training, those common to all grids included, grid by grid."""
    common = {part: _merged(f"{where}.{part}", {}, block[part]) for part in ("data", "training")}
    grids = block["grids"]
    if not isinstance(grids, list):
        raise ParamsError(f"{FILE}: {where}.grids is {grids!r}; allowed: a list of blocks with data, training")
    for k, grid in enumerate(grids):
        if grid != {}:
            _mapping(f"{where}.grids.{k}", grid, ("data", "training"))
    return [
        (
            _merged(f"{where}.grids.{k}.data", common["data"], grid.get("data", {})),
            _merged(f"{where}.grids.{k}.training", common["training"], grid.get("training", {})),
        )
        for k, grid in enumerate(grids or [{}])
    ]


def _grid(where: str, family: Family, model: type[M], defaults: Any, overrides: Any) -> list[M]:
    """Every point of the grid that the lists span, axes in the model's order, values ascending, no point twice."""
    keys = list(model.model_fields)
    values = _merged(where, defaults, overrides)
    axes = []
    for key in sorted(values, key=lambda key: keys.index(key) if key in keys else len(keys)):
        value = _counted(f"{where}.{key}", values[key])
        if value == []:
            raise ParamsError(f"{FILE}: {where}.{key} is []; allowed: a value or a list of at least one")
        axes.append([(key, v) for v in (value if isinstance(value, list) else [value])])
    points = [_one(where, family, model, dict(point)) for point in itertools.product(*axes)]
    return sorted(set(points), key=lambda point: tuple(point.model_dump().values()))


def _counted(where: str, value: Any) -> Any:
    """The value itself, or the list that {count: K} or {count: K, start: i} stands for."""
    if not isinstance(value, dict):
        return value
    count, start = value.get("count"), value.get("start", 0)
    if not value.keys() <= {"count", "start"} or type(count) is not int or type(start) is not int or count < 1:
        allowed = "a value, a list, or {count: K} for 0 to K - 1 and {count: K, start: i} for i to i + K - 1"
        raise ParamsError(f"{FILE}: {where} is {value!r}; allowed: {allowed}")
    return list(range(start, start + count))


def _merged(where: str, defaults: Any, overrides: Any) -> dict[str, Any]:
    if not isinstance(defaults, dict) or not isinstance(overrides, dict):
        raise ParamsError(f"{FILE}: {where} must hold keys and values")
    merged = defaults | overrides
    for key in merged:
        if not isinstance(key, str):
            raise ParamsError(f"{FILE}: {where}.{key} is not a key")
    return merged


def _one(where: str, family: Family, model: type[M], values: dict[str, Any]) -> M:
    try:
        return model(**values)
    except ValidationError as invalid:
        error = invalid.errors()[0]
        key = ".".join([where, *map(str, error["loc"])])
        if error["type"] == "extra_forbidden":
            raise ParamsError(f"{FILE}: {key} is not a key; allowed: {', '.join(model.model_fields)}") from None
        if error["type"] == "missing":
            raise ParamsError(f"{FILE}: {key} is missing, here and in section {family.defaults}") from None
        message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        if not error["loc"]:  # several keys do not go together, and the message names them
            raise ParamsError(f"{FILE}: {where} is {values!r}; {message}") from None
        raise ParamsError(f"{FILE}: {key} is {error['input']!r}; allowed: {message}") from None


def _mapping(where: str, value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise ParamsError(f"{FILE}: {where} is {value!r}; allowed: a block with {', '.join(keys)}")
    for key in value:
        if key not in keys:
            raise ParamsError(f"{FILE}: {where}.{key} is not a key; allowed: {', '.join(keys)}")
    return value
