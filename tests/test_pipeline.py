"""dvc.yaml against the code: names agree everywhere, and the rooms that a stage declares are those that it imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages.core import paths
from stages.report import storage
from tests.conftest import ROOT, RUNS, VERBS

PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES: dict[str, Any] = PIPELINE["stages"]
LAPTOP: dict[str, dict[str, str]] = RUNS["laptop"]
RUN = [(verb, x) for verb in VERBS for x in LAPTOP]
ROOMS = {"generate": ("data",), "train": ("data", "training"), "extract": ("data", "measures")}
OWN = {"extract": ("measure",), "render": ("claims", "figure")}  # modules of an experiment that a verb imports by name
OTHERS = ("paper", "held_out")  # scales, with a pipeline of their own each
FIVE = {"__init__.py", "measure.py", "claims.py", "figure.py", "README.md"}


def source(module: str) -> Path:
    """Where a module of this project would be."""
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def imports(path: Path) -> frozenset[str]:
    """Modules that a file names in its imports, wherever in it: names of what is in them included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def closure(*modules: str) -> set[str]:
    """Files of this project that importing the modules runs, packages included."""
    seen: set[Path] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        path = source(module)
        if module.split(".")[0] == "stages" and path.exists() and path not in seen:
            seen.add(path)
            waiting += [module.rpartition(".")[0], *imports(path)]
    return {str(path.relative_to(ROOT)) for path in seen}


def needed(verb: str, x: str) -> set[str]:
    """Files that a verb imports for a run, those that it imports by name included."""
    rooms = [f"stages.families.{LAPTOP[x]['family']}.{room}" for room in ROOMS.get(verb, ())]
    return closure(f"stages.{verb}", *rooms, *(f"stages.experiments.{x}.{name}" for name in OWN.get(verb, ())))


def declared(verb: str, x: str, key: str = "deps") -> list[str]:
    """Names under `key` of a stage of the laptop's runs, filled in."""
    stage = STAGES[verb].get("do", STAGES[verb])
    names = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in stage[key]]
    family = LAPTOP.get(x, {}).get("family", "")
    filled = {"${scale}": "laptop", "${key}": x, "${item.family}": family, "${item}": x}
    for word, value in filled.items():
        names = [name.replace(word, value) for name in names]
    assert not any("$" in name for name in names)
    return names


def holds_code(name: str) -> bool:
    """Whether a file is more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse((ROOT / name).read_text()).body)


def within(name: str, room: str) -> bool:
    """Whether a file is that one, or in that folder."""
    return name == room or name.startswith(f"{room}/")


def missing(files: set[str], rooms: list[str]) -> set[str]:
    """Files with code that lie in none of the rooms."""
    return {name for name in files if holds_code(name) and not any(within(name, room) for room in rooms)}


@pytest.mark.parametrize(("verb", "x"), RUN)
def test_what_a_stage_imports_lies_in_the_rooms_it_declares_and_each_of_them_is_used(verb: str, x: str) -> None:
    files, rooms = needed(verb, x), [dep for dep in declared(verb, x) if dep.startswith("stages/")]
    assert all((ROOT / room).exists() for room in rooms)
    assert missing(files, rooms) == set(), "imported, not declared"
    of_any = set().union(*(needed(verb, other) for other in LAPTOP))
    for room in rooms:
        own = room.startswith((f"stages/families/{LAPTOP[x]['family']}/", f"stages/experiments/{x}/"))
        used = files if own else of_any  # one list serves all: only some of them may need what all share
        assert any(within(name, room) for name in used), f"{room} is declared, not imported"
    assert len(rooms) == len(set(rooms)) and not any(within(a, b) for a in rooms for b in rooms if a != b)


@pytest.mark.parametrize("verb", ["check", "fetch", "report"])
def test_stages_without_a_run_declare_the_rooms_they_import(verb: str) -> None:
    of = {
        "check": [("", closure("stages.check", *(f"stages.experiments.{x}" for x in LAPTOP), *specs()))],
        "fetch": [(family, closure("stages.fetch", f"stages.families.{family}.data")) for family in RUNS["families"]],
        "report": [("", closure("stages.report.__main__"))],
    }
    for item, files in of[verb]:
        assert missing(files, declared(verb, item)) == set()


def specs() -> list[str]:
    return [f"stages.families.{family}.data.spec" for family in RUNS["families"]]


def test_check_guards_every_stage_and_writes_what_they_depend_on() -> None:
    assert {"params.yaml", "stages/runs.yaml"} <= set(declared("check", ""))
    assert declared("check", "", "outs") == [str(paths.grid(""))]
    for verb, x in RUN:
        assert any(within(dep, str(paths.grid(f"laptop/{x}"))) for dep in declared(verb, x))


@pytest.mark.parametrize(("verb", "x"), RUN)
def test_files_are_where_the_code_puts_them(verb: str, x: str) -> None:
    run, family = f"laptop/{x}", LAPTOP[x]["family"]
    grid = {name: paths.grid(run) / f"{name}.json" for name in ("data", "training", "measure")}
    datasets, models, raw = paths.datasets(run), paths.models(run), paths.raw(family)
    flow = {
        "generate": ([grid["data"], raw], [datasets]),
        "train": ([grid["training"], datasets], [models]),  # these name the raw files that they were drawn from
        "extract": ([paths.grid(run), datasets, models], [paths.items(run), paths.tables(run)]),
        "render": ([grid["measure"], paths.tables(run)], [paths.summary(run), paths.figures(run)]),
    }
    reads, writes = ({str(path) for path in of} for of in flow[verb])
    assert {name for name in declared(verb, x) if not name.startswith("stages/")} == reads
    assert set(declared(verb, x, "outs")) == writes
    assert STAGES[verb]["do"]["cmd"] == f"python -m stages.{verb} ${{scale}}/${{key}}"


def test_families_are_fetched_to_where_they_are_read_from() -> None:
    assert (
        STAGES["fetch"]["foreach"] == "${families}" and STAGES["fetch"]["do"]["cmd"] == "python -m stages.fetch ${item}"
    )
    for family in RUNS["families"]:
        assert declared("fetch", family, "outs") == [str(paths.raw(family))]
    folders = {path.parent.name for path in (ROOT / "stages/families").glob("*/data")}
    assert set(RUNS["families"]) == folders == {run["family"] for run in LAPTOP.values()}


def test_the_page_depends_on_what_it_reads() -> None:
    read = {"params.yaml", "stages/runs.yaml", "stages/report", "stages/experiments"}  # docstrings, among others
    read |= {str(folder("laptop")) for folder in (paths.tables, paths.figures)} | {"data/metrics/laptop"}
    read |= {f"stages/{scale}/dvc.lock" for scale in OTHERS}  # which stand for all that is there of these runs
    assert read <= set(declared("report", "")) and declared("report", "", "outs") == [
        str(paths.PAGE),
        str(paths.LEDGER),
        str(storage.PATH),
    ]


def test_every_experiment_has_its_section_its_folder_and_its_line() -> None:
    sections = set(YAML(typ="safe").load(ROOT / "params.yaml")) - {*RUNS["families"], "scales"}
    folders = {path.parent.name for path in (ROOT / "stages/experiments").glob("*/measure.py")}
    assert set(LAPTOP) == sections == folders
    for x in folders:
        assert {path.name for path in (ROOT / "stages/experiments" / x).iterdir()} - {"__pycache__"} == FIVE
    for scale in OTHERS:
        assert RUNS[scale].items() <= LAPTOP.items()


@pytest.mark.parametrize("scale", OTHERS)
def test_the_other_pipelines_are_the_same_but_for_their_runs_and_folder(scale: str) -> None:
    other = YAML(typ="safe").load(ROOT / "stages" / scale / "dvc.yaml")
    assert PIPELINE["vars"] == [{"scale": "laptop"}, "stages/runs.yaml"]
    assert other["vars"] == [{"scale": scale}, "../runs.yaml"]
    assert other["stages"].keys() == set(VERBS)  # checked and fetched once, by the root's, which has the page too
    for verb, stage in other["stages"].items():
        do = dict(STAGES[verb]["do"])
        if scale == "held_out":  # git keeps what the claims say of it alone
            do["outs"] = [out if "data/metrics" in str(out) else next(iter(mapping(out))) for out in do["outs"]]
        assert stage["do"].pop("wdir") == "../.."
        assert stage == {"foreach": f"${{{scale}}}", "do": do} and STAGES[verb]["foreach"] == "${laptop}"


def mapping(out: Any) -> dict[str, Any]:
    """An output with its settings."""
    return out if isinstance(out, dict) else {out: {}}


def layer(path: Path) -> str:
    """The folder of `stages` that a file is in; its own name, of a verb."""
    return path.relative_to(ROOT / "stages").parts[0].removesuffix(".py")


ALLOWED = {  # which layers a layer may import from, itself apart
    "core": set(),
    "statistics": {"core"},
    "claims": {"core"},
    "grid": {"core", "families"},
    "families": {"core", "statistics", "grid"},
    "experiments": {"core", "statistics", "claims", "grid", "families"},
    "report": {"core", "claims", "experiments"},
    "params": {"core", "grid", "families"},
    "check": {"params", "core", "grid"},
    "plan": {"params", "core", "grid", "families"},
    "render": {"core", "claims", "experiments"},
    "arrays": {"core", "statistics", "families"},  # for users: it may name a family, and no layer may import it
}
FILES = sorted(path for path in (ROOT / "stages").rglob("*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "stages")))
def test_no_layer_imports_one_above_it_and_no_family_another(path: Path) -> None:
    own, parts = layer(path), path.relative_to(ROOT / "stages").parts
    of_stages = {tuple(name.split(".")[1:]) for name in imports(path) if name.startswith("stages.")}
    found = {name for name in of_stages if source(".".join(("stages", *name))).exists()}  # modules, not what is in them
    allowed = ALLOWED.get(own, {"core", "grid", "families"}) | {own}
    assert {name[0] for name in found} <= allowed, "imports a layer above its own"
    known = {name[1] for name in found if name[0] == "families" and len(name) > 1}
    if own == "families" and len(parts) > 2:
        assert known <= {parts[1]}, "one family imports another"
    elif own not in ("experiments", "arrays"):
        assert not known, "names a family"
    if own == "experiments" and len(parts) > 2:
        family = LAPTOP[parts[1]]["family"]
        assert known <= ({family} if parts[2] == "measure.py" else set()), "of figures and claims, nothing runs a model"
        inside = {name[1:] for name in found if name[0] == "experiments" and len(name) > 1}
        fellows = {"figure.py": {(parts[1], "claims"), ("style",)}}.get(parts[2], set())
        assert inside <= {(parts[1],)} | fellows, "reads another experiment's or its own measure"
        assert parts[2] != "__init__.py" or not found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "stages")))
def test_maths_imports_neither_dvc_nor_files_nor_plots(path: Path) -> None:
    parts = path.relative_to(ROOT / "stages").parts
    maths = parts[0] == "statistics" or (
        parts[0] == "families" and parts[2:] and parts[2] in ("data", "model", "training")
    )
    foreign = {"dvc", "matplotlib", "pyarrow", "dask", "distributed", "safetensors", "pathlib"}
    foreign |= {"pandas"} if parts[0] == "families" else set()
    # files are fetched, and compiled code is kept beside itself
    own = {"compiler.py": {"pathlib"}, "sources.py": foreign, "__init__.py": {"pathlib"} if "data" in parts else set()}
    if maths:
        assert not {name.split(".")[0] for name in imports(path)} & (foreign - own.get(path.name, set()))


def test_every_folder_of_code_is_a_package() -> None:
    """Workers on other machines get the code as a zip file, which has no packages but those."""
    assert {path.parent for path in FILES} == {path.parent for path in FILES if path.name == "__init__.py"}


def test_training_a_toy_cell_does_not_import_torch() -> None:
    """Workers start in a second because of it."""
    code = "import sys, stages.train, stages.families.toy.training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_top_level_holds_nothing_unexpected() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    expected = {"README.md", "LICENSE", "dvc.yaml", "dvc.lock", "params.yaml", "requirements.txt"}
    assert {name for name in top if not name.startswith(".")} <= expected | {"stages", "data", "figures", "tests"}
