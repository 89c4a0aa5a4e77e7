"""dvc.yaml against the code: names agree everywhere, and each stage declares just the files that it imports."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages import params, paths
from tests.conftest import ROOT


def pipeline(path: str) -> dict[str, Any]:
    """A dvc.yaml, with the lists that its matrices name in place of the names."""
    content, lists = (YAML(typ="safe").load(ROOT / name) for name in (path, "stages/experiments.yaml"))
    for stage in content["stages"].values():
        if "matrix" in stage:
            stage["matrix"]["x"] = lists[stage["matrix"]["x"].strip("${}")]
    assert lists["experiments"] == lists["toy_models"] + lists["classifiers"]
    return content


PIPELINE = pipeline("dvc.yaml")
STAGES = PIPELINE["stages"]
TOY, DIGITS = ("generate", "train", "extract"), ("generate_digits", "train_digits", "extract_digits")
EXPERIMENTS = STAGES["render"]["matrix"]["x"]
ONCE = {"check", "fetch_mnist", "report"}
MATRIX = [(stage, x) for stage in STAGES if "matrix" in STAGES[stage] for x in STAGES[stage]["matrix"]["x"]]


def imported(module: str, seen: set[Path]) -> set[Path]:
    """Files of this project that importing the module runs, itself and packages with code in them included."""
    path = ROOT / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not path.exists() or path in seen:
        return seen
    seen.add(path)
    if "." in module:
        imported(module.rpartition(".")[0], seen)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "stages":
            for name in [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]:
                imported(name, seen)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                imported(alias.name, seen)
    return seen


def holds_code(path: Path) -> bool:
    """Whether a file is more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


def needed(stage: str, x: str) -> set[str]:
    """Code that a stage of experiment x imports, the experiment's own module included."""
    own = {"extract": "measure", "extract_digits": "measure", "render": "figure"}.get(stage)
    files = imported(f"stages.{stage}", set())
    if own:
        imported(f"stages.experiments.{x}.{own}", files)
    return {str(f.relative_to(ROOT)) for f in files if holds_code(f)}


def declared(stage: str, x: str, key: str) -> list[str]:
    """Names under `key` of a stage of the laptop pipeline, filled in."""
    names = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in STAGES[stage].get(key, [])]
    return [name.replace("${item.x}", x).replace("${scale}", "laptop") for name in names]


@pytest.mark.parametrize(("stage", "x"), MATRIX)
def test_declared_code_is_what_the_stage_imports(stage: str, x: str) -> None:
    code = {name for name in declared(stage, x, "deps") if name.endswith(".py")}
    own = {f"stages/experiments/{x}/{name}.py" for name in ("measure", "figure")}
    assert needed(stage, x) - code <= set(), "imported, not declared"
    # one list serves every experiment of the matrix: it may hold what only another one's modules need
    of_any = set().union(*(needed(stage, other) for other in STAGES[stage]["matrix"]["x"]))
    of_any |= own if stage == "render" else set()
    assert code - of_any == set(), "declared, not imported"


def test_check_guards_every_stage_in_both_files_and_depends_on_what_it_imports() -> None:
    files = imported("stages.check", set())
    for x in EXPERIMENTS:  # params.py imports what the sections name
        imported(f"stages.experiments.{x}", files)
    assert {str(f.relative_to(ROOT)) for f in files if holds_code(f)} | {"params.yaml"} == set(STAGES["check"]["deps"])
    assert declared("check", "", "outs") == [str(paths.CHECKED)]
    for stage, x in MATRIX:
        assert str(paths.CHECKED) in declared(stage, x, "deps")


@pytest.mark.parametrize(("stage", "x"), MATRIX)
def test_files_are_where_the_code_puts_them(stage: str, x: str) -> None:
    of = {
        name: str(getattr(paths, name)(x, "laptop"))
        for name in ("datasets", "models", "cells", "history", "vectors", "curves", "images", "metrics", "figures")
    } | {"mnist": str(paths.MNIST)}
    flow = {
        "generate": ([], ["datasets"]),
        "train": (["datasets"], ["models"]),
        "extract": (["datasets", "models"], ["cells", "history", "vectors", "curves", "metrics"]),
        "generate_digits": (["mnist"], ["datasets"]),
        "train_digits": (["mnist", "datasets"], ["models"]),
        "extract_digits": (["mnist", "datasets", "models"], ["images", "cells", "history", "vectors", "metrics"]),
        "render": (["cells", "history", "vectors", "metrics"], ["figures"]),
    }
    reads, writes = ({of[name] for name in names} for names in flow[stage])
    assert {name for name in declared(stage, x, "deps") if not name.startswith("stages/")} == reads | {
        str(paths.CHECKED)
    }
    assert {name for key in ("outs", "metrics", "plots") for name in declared(stage, x, key)} == writes


def test_every_experiment_has_its_section_its_stages_and_its_folder() -> None:
    sections = set(YAML(typ="safe").load(ROOT / "params.yaml")) - set(params.FAMILIES)
    folders = {f.parent.name for f in (ROOT / "stages" / "experiments").glob("*/measure.py")}
    assert set(EXPERIMENTS) == sections == folders
    of = {name: STAGES[name]["matrix"]["x"] for name in (*TOY, *DIGITS)}
    assert [of["train"] + of["train_digits"]] * 3 == [of[a] + of[b] for a, b in zip(TOY, DIGITS, strict=True)]
    assert of["train"] + of["train_digits"] == EXPERIMENTS
    for x in EXPERIMENTS:
        family = getattr(importlib.import_module(f"stages.experiments.{x}"), "FAMILY", "toy")
        assert (x in of["train_digits"]) == (family == "digits")
    for stage, x in MATRIX:
        assert STAGES[stage]["cmd"] == f"python -m stages.{stage} ${{item.x}} --scale ${{scale}}"
        assert (ROOT / "stages" / "experiments" / x / "figure.py").exists()


def test_the_paper_s_pipeline_is_the_same_but_for_its_scale_and_folder() -> None:
    paper = pipeline("stages/paper/dvc.yaml")
    assert paper["vars"] == [{"scale": "paper"}, "../experiments.yaml"]
    assert PIPELINE["vars"] == [{"scale": "laptop"}, "stages/experiments.yaml"]
    for stage in paper["stages"].values():
        assert stage.pop("wdir") == "../.."
    # the whole of params.yaml is checked once, digits are fetched once and one page is written, in the root's pipeline
    assert paper["stages"] == {name: stage for name, stage in STAGES.items() if name not in ONCE}


def test_digits_are_fetched_to_where_they_are_read_from() -> None:
    code = {str(f.relative_to(ROOT)) for f in imported("stages.fetch_mnist", set()) if holds_code(f)}
    assert set(declared("fetch_mnist", "", "deps")) == code
    assert declared("fetch_mnist", "", "outs") == [str(paths.MNIST)]


def test_the_page_depends_on_what_it_imports_and_reads() -> None:
    code = {str(f.relative_to(ROOT)) for f in imported("stages.report.__main__", set()) if holds_code(f)}
    code |= {f"stages/experiments/{x}/{name}.py" for x in EXPERIMENTS for name in ("__init__", "figure")}  # docstrings
    code |= {"stages/report/page.html"}
    deps = set(declared("report", "", "deps"))
    assert {name for name in deps if name.startswith("stages/")} == code
    run = {path.stem for path in (ROOT / "data/metrics/paper").glob("*.json")}  # of the paper's scale
    paper = {f"data/metrics/paper/{x}.json" for x in run} | {f"figures/paper/{x}" for x in run}
    assert deps - code == {"params.yaml", "data/metrics/laptop", "figures/laptop"} | paper
    assert declared("report", "", "outs") == [str(paths.PAGE)]


def test_code_depends_on_single_files() -> None:
    for name, stage in STAGES.items():
        for dep in (dep for dep in stage["deps"] if dep.startswith("stages/")):
            assert "." in Path(dep).name, f"{name} depends on a folder: {dep}"


def test_maths_imports_neither_dvc_nor_files_nor_plots() -> None:
    foreign = {"dvc", "matplotlib", "pandas", "pyarrow", "dask", "distributed", "safetensors", "pathlib"}
    both = {"leverage", "memorization"}  # of toy models and of classifiers
    of_one = [path for part in ("toy", "mnist") for path in (ROOT / "stages" / part).rglob("*.py")]
    for path in [*of_one, *(ROOT / "stages" / f"{name}.py" for name in both)]:
        if "__pycache__" in path.parts or path.name == "sources.py":  # which is there to fetch files
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            # compiled code is kept beside itself; ranks are pandas'
            own = {"compiler.py": {"pathlib"}, "memorization.py": {"pandas"}}.get(path.name, set())
            assert not {name.split(".")[0] for name in names} & (foreign - own), path
            of = {"toy"} if "toy" in path.parts else {"toy", "mnist", "errors"} | both
            assert all(name.split(".")[1] in of for name in names if name.startswith("stages.")), path


def test_training_a_cell_does_not_import_torch() -> None:
    """Workers start in a second because of it."""
    code = "import sys, stages.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_top_level_holds_nothing_unexpected() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    expected = {
        "README.md",
        "LICENSE",
        "dvc.yaml",
        "dvc.lock",
        "params.yaml",
        "requirements.txt",
        "stages",
        "data",
        "figures",
        "tests",
    }
    assert {name for name in top if not name.startswith(".")} <= expected
