"""params.yaml, read once and typed: all of it, at every scale, is checked before anything is computed.

A family's section gives each key of its `Data`, `Training` and `Measure` the usual value; `scales` says what else is
usual at another scale; an experiment's section says what it sweeps, and in a block of a scale's name what differs
there. The head of params.yaml has the syntax. A value is known by the key that gave it, which is blamed for it.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.core.errors import UserError
from stages.core.rooms import families, room
from stages.grid.cells import Cell, Grid

RUNS, FILE = Path("stages/runs.yaml"), Path("params.yaml")
SCALES = ("laptop", "paper", "smoke")  # laptop is what params.yaml says without a scale's name
HELD_OUT = "held_out"  # a scale of no sections: what laptop is, on training sets counted from another seed
OWN = ("grid", "grids", "measure")  # of an experiment
LARGEST_GRID = 10**6  # cells

_AXIS = "a value, a list, or {count: K} for 0 to K - 1 and {count: K, start: i} for i to i + K - 1"


class ParamsError(UserError):
    """What is wrong with params.yaml, in one line: the key, its value, and what is allowed."""


class Given(NamedTuple):
    """A value and the key that gave it, as a path into params.yaml."""

    where: str
    value: Any


Values = dict[str, Given]


class Usual(NamedTuple):
    """A family's specs, and the usual value of each of their keys at a scale."""

    family: str
    spec: Any
    values: Values

    def of(self, *names: str) -> Values:
        """The usual values that those of the specs have as keys."""
        return {key: self.values[key] for name in names for key in getattr(self.spec, name).model_fields}


def listed(runs: Path = RUNS) -> list[str]:
    """The runs of runs.yaml, each `scale/experiment`.

    Raises:
        ParamsError: it is not the list that it should be.
    """
    return list(_listed(runs))


def load_all(runs: Path = RUNS, file: Path = FILE) -> dict[str, Grid]:
    """Every experiment of params.yaml at every one of its scales, by `scale/experiment`; runs.yaml says its family.

    Raises:
        ParamsError: a file is missing or not YAML; a key is unknown or missing; a value is of the wrong type or out of
            range; a grid is empty or too large, or sweeps what its experiment does not know of; a run has no section.
    """
    family = _listed(runs)
    try:
        return _experiments(_read(file), family)
    except ParamsError as error:
        raise ParamsError(f"{file}: {error}") from None


def _listed(runs: Path) -> dict[str, str]:
    """The family of each run."""
    found = {}
    try:
        for scale, several in _block("", _read(runs), (*SCALES, HELD_OUT, "families")).items():
            for name, run in _block(scale, several).items() if scale != "families" else ():
                family = _block(f"{scale}.{name}", run, ("family",)).get("family")
                if family not in families():
                    allowed = ", ".join(families())
                    raise ParamsError(f"{scale}.{name}.family is {_shown(family)}; allowed: {allowed}")
                found[f"{scale}/{name}"] = family
    except ParamsError as error:
        raise ParamsError(f"{runs}: {error}") from None
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        content = YAML(typ="safe", pure=True).load(file.read_bytes().decode())  # libyaml crashes on 100,000 brackets
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"cannot be read: {getattr(error, 'strerror', 'not text in UTF-8')}") from error
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ParamsError(f"not YAML: {' '.join(str(error).split())}") from error
    return _block("", content)


def _experiments(sections: dict[str, Any], listed: Mapping[str, str]) -> dict[str, Grid]:
    defaults = {name: sections.pop(name) for name in families() if name in sections}
    if lacking := sorted(set(listed.values()) - set(defaults)):
        raise ParamsError(f"section {lacking[0]} is missing")
    overlays = dict(_block("scales", sections.pop("scales", {}), (*SCALES[1:], HELD_OUT)))
    held_out = overlays.pop(HELD_OUT, None)
    for scale, overlay in overlays.items():
        _block(f"scales.{scale}", overlay, defaults)
    scales = (SCALES[0], *overlays)
    usual = {(f, scale): _usual(f, scale, block, overlays) for f, block in defaults.items() for scale in scales}
    found = {}
    for name, section in sections.items():
        axes, family = _package(name, listed)
        _block(name, section, (*OWN, *overlays))
        for scale in scales:
            found[f"{scale}/{name}"] = _experiment(name, scale, section, axes, usual[family, scale])
    if held_out is not None:
        found |= {f"{HELD_OUT}/{x}": _held_out(run := f"{SCALES[0]}/{x}", found[run], held_out) for x in sections}
    if unknown := [run for run in listed if run not in found]:
        raise ParamsError(f"there is no section for run {unknown[0]}; there are {', '.join(found)}")
    return found


def _held_out(run: str, grid: Grid, block: Any) -> Grid:
    """A laptop run's grid on other training sets: scales.held_out.first_set is added to every data_seed it has."""
    first = _block(where := f"scales.{HELD_OUT}", block, ("first_set",)).get("first_set")
    if type(first) is not int or not 0 < first < LARGEST_GRID:
        raise ParamsError(f"{where}.first_set is {_shown(first)}; allowed: an integer above 0, below {LARGEST_GRID}")
    if (last := max(cell.data.data_seed for cell in grid.cells)) >= first:
        raise ParamsError(f"{run} has data_seed {last}; allowed: less than {where}.first_set, {first}")
    moved = [cell.data.model_copy(update={"data_seed": cell.data.data_seed + first}) for cell in grid.cells]
    return grid._replace(cells=tuple(cell._replace(data=data) for cell, data in zip(grid.cells, moved, strict=True)))


def _usual(family: str, scale: str, block: Any, overlays: dict[str, Any]) -> Usual:
    """A family's usual values at a scale, which are valid by themselves."""
    spec = room(family, "data.spec")
    keys = [key for model in (spec.Data, spec.Training, spec.Measure) for key in model.model_fields]
    values = _given(family, block, keys)
    where = family
    if family in overlays.get(scale, {}):
        values |= _given(where := f"scales.{scale}.{family}", overlays[scale][family], keys)
    if lacking := [key for key in keys if key not in values]:
        raise ParamsError(f"{family}.{lacking[0]} is missing")
    _one(where, spec.Measure, values)
    _cell(where, spec, values)
    return Usual(family, spec, values)


def _package(name: str, listed: Mapping[str, str]) -> tuple[set[str], str]:
    """What an experiment's grid may sweep, as its package says, and of which family it is, as runs.yaml says."""
    package = f"stages.experiments.{name}"
    known = name.isidentifier() and importlib.util.find_spec(package)
    axes = getattr(importlib.import_module(package), "AXES", None) if known else None
    if axes is None:
        raise ParamsError(f"{name} is no experiment: there is no {package.replace('.', '/')} with AXES")
    family = sorted({family for run, family in listed.items() if run.partition("/")[2] == name})
    if len(family) != 1:
        raise ParamsError(f"{name} is of {' and '.join(family) or 'no family'}: {RUNS} has to list it, with one family")
    return axes, family[0]


def _experiment(name: str, scale: str, section: dict[str, Any], axes: set[str], usual: Usual) -> Grid:
    blocks = {name: section} | ({f"{name}.{scale}": section[scale]} if scale in section else {})
    common, measure, grids = dict[str, Given](), usual.of("Measure"), [(f"{[*blocks][-1]}.grid", dict[str, Given]())]
    keys = [*usual.of("Data", "Training"), "zip"]
    for where, block in blocks.items():
        _block(where, block, section if where == name else OWN)
        measure |= _given(f"{where}.measure", block.get("measure", {}), usual.of("Measure"))
        common = _over(common, _given(f"{where}.grid", block.get("grid", {}), keys))
        if not isinstance(several := block.get("grids", []), list):
            raise ParamsError(f"{where}.grids is {_shown(several)}; allowed: a list of grids")
        if "grids" in block:
            places = [f"{where}.grids.{k}" for k in range(len(several))] or [f"{where}.grid"]
            grids = [(place, _given(place, grid, keys)) for place, grid in zip(places, several or [{}], strict=True)]
    cells = {cell: cell.axes for where, own in grids for cell in _cells(where, usual, _over(common, own))}
    where = list(blocks)[-1]
    for key in next(iter(cells.values())).keys() - axes:
        if len(several := sorted({values[key] for values in cells.values()})) > 1:
            raise ParamsError(
                f"{where}: {key} is {_shown(several)}; allowed: one value, since this experiment compares "
                f"{', '.join(sorted(axes))} and would average over it"
            )
    in_order = tuple(sorted(cells, key=lambda cell: tuple(cells[cell].values())))
    return Grid(usual.family, in_order, _one(f"{where}.measure", usual.spec.Measure, measure))


def _over(below: Values, above: Values) -> Values:
    """What a grid says above another: its own keys, those of its zip too, and what is left of the other's."""
    zips = _zips(above["zip"].value) if "zip" in above else []
    zipped = {key for block in zips if isinstance(block, dict) for key in block}
    return {key: given for key, given in below.items() if key not in zipped} | above


def _zips(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _cells(where: str, usual: Usual, values: Values) -> set[Cell]:
    """Every cell of the grid that the values span."""
    values, fixed = dict(values), usual.of("Data", "Training")
    together = values.pop("zip", Given(where, {}))
    axes = [[{key: Given(place, v)} for v in _values(place, value)] for key, (place, value) in values.items()]
    for block in _zips(together.value):
        axes += _zipped(together.where, block, fixed, values)
        values |= block
    _allow(where, math.prod(map(len, axes)))
    points = (dict(itertools.chain(fixed.items(), *map(dict.items, point))) for point in itertools.product(*axes))
    return {_cell(where, usual.spec, point) for point in points}


def _zipped(where: str, block: Any, keys: Collection[str], beside: Collection[str]) -> list[list[Values]]:
    """The axis of keys that advance together; none of no keys."""
    given = _given(where, block, keys)
    values = {key: [Given(g.where, v) for v in _values(g.where, g.value, each=True)] for key, g in given.items()}
    for key in given.keys() & beside:
        raise ParamsError(f"{where}.{key} is there twice; allowed: once, in zip or beside it")
    if len({len(several) for several in values.values()}) > 1:
        lengths = ", ".join(f"{len(several)} of {key}" for key, several in values.items())
        raise ParamsError(f"{where} has {lengths}; allowed: as many values of each")
    return [[dict(zip(values, point, strict=True)) for point in zip(*values.values(), strict=True)]] if values else []


def _values(where: str, value: Any, each: bool = False, inside: bool = False) -> list[Any]:
    """The values of an axis: those of a list, those that a count stands for, or those of a block's own axes."""
    if isinstance(value, list):
        if not value or any(isinstance(item, list) for item in value):
            raise ParamsError(f"{where} is {_shown(value)}; allowed: a value or a list of at least one")
        return [v for item in value for v in _values(where, item, each, inside)]
    if not isinstance(value, dict):
        return [value]
    if not inside and not value.keys() & {"count", "start", "each"}:
        axes = [[(key, v) for v in _values(f"{where}.{key}", of, each, True)] for key, of in value.items()]
        _allow(where, math.prod(map(len, axes)))
        return [dict(point) for point in itertools.product(*axes)]
    numbers = {"count": 0, "start": 0} | ({"each": 1} if each else {})
    count, start, *times = (numbers | value).values()
    if len(numbers | value) > len(numbers) or {*map(type, (count, start, *times))} != {int} or min([count, *times]) < 1:
        raise ParamsError(f"{where} is {_shown(value)}; allowed: {_AXIS}" + each * ", and each: r for r times each")
    _allow(where, count * math.prod(times))
    return [start + i for i in range(count) for _ in range(math.prod(times))]


def _allow(where: str, count: int) -> None:
    if count > LARGEST_GRID:
        raise ParamsError(f"{where} is of {_shown(count)} cells; allowed: up to {LARGEST_GRID}")


def _cell(where: str, spec: Any, values: Values) -> Cell:
    data, training = (_one(where, model, values) for model in (spec.Data, spec.Training))
    try:
        training.check(data)
    except ValueError as error:
        key, _, rest = str(error).partition(" ")
        raise ParamsError(f"{values[key].where} {rest}") from None
    return Cell(data, training)


def _one(where: str, model: Any, values: Values) -> Any:
    try:
        return model(**{key: values[key].value for key in model.model_fields})
    except ValidationError as invalid:
        error = invalid.errors()[0]
        message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        if not error["loc"]:  # several keys do not go together, and the message names them
            raise ParamsError(f"{where}: {message}") from None
        given = values[str(error["loc"][0])]
        raise ParamsError(f"{given.where} is {_shown(given.value)}; allowed: {message}") from None


def _given(where: str, block: Any, keys: Collection[str]) -> Values:
    return {key: Given(f"{where}.{key}", value) for key, value in _block(where, block, keys).items()}


def _block(where: str, value: Any, keys: Collection[str] | None = None) -> dict[str, Any]:
    """The value, which is a mapping of some of those keys; None: of any."""
    allowed = f"; allowed: {', '.join(keys)}" if keys is not None else ""
    if not isinstance(value, dict):
        raise ParamsError(f"{where or 'all of it'} is {_shown(value)}, not a block of keys{allowed}")
    for key in value:
        if not isinstance(key, str) or (keys is not None and key not in keys):
            raise ParamsError(f"{where}.{key} is not a key{allowed}".removeprefix("."))
    return value


def _shown(value: Any) -> str:
    """The value in a message: none too long."""
    text = "null" if value is None else " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:76]} ..."
