"""Shared fixtures: a small spec to build on, and a project of its own in a temporary folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from stages.families.toy.data.spec import Data, Measure, Training
from stages.families.toy.model import compiler
from tests.language.made_up import make_texts
from tests.smoke import merged_params

ROOT = Path(__file__).parent.parent
PARAMS = merged_params()
RUNS: dict[str, Any] = YAML(typ="safe").load(ROOT / "stages" / "runs.yaml")
VERBS = ("generate", "train", "extract", "render")  # which take a run
THREE = ("geometry", "dataset_size", "memorization")
MEASURE = Measure(test_points=2, test_seed=0, vectors=10, frames=0, mixed=2.0, learned=0.2, regular=0.05)
# what the tables' columns have where `trained_on` is another form or none; the first decides whether it is this one
USUAL_FORMS = (
    {"repeated": 0, "copies": 1, "masked": False},
    {"subset": 1.0, "subset_seed": 0},
    {"left_out": 0, "left_out_by": "similarity"},
)


def few_fast(values: Iterable[Any], *fast: Any) -> list[Any]:
    """Parameters of a test of which all but some are slow: compiling a kernel takes seconds."""
    every = [value if type(value) is tuple else (value,) for value in values]
    kept = [value if type(value) is tuple else (value,) for value in fast]
    assert set(kept) <= set(every)
    return [pytest.param(*value, marks=[] if value in kept else [pytest.mark.slow]) for value in every]


def drawn(**flat: Any) -> Data:
    """A training set in the words of the tables' columns: of random points, each there once, but for what is said."""
    fields = {"first_of": 0, "data_seed": 0} | {
        name: flat.pop(name) for name in list(flat) if name in Data.model_fields
    }
    points = [word for word in ("fresh", "transposed") if flat.pop(word, False)]
    points += ["disjoint"] if flat.pop("supports", "random") == "disjoint" else []
    points += [{"alike": alike}] if (alike := flat.pop("alike", 1)) > 1 else []
    forms = [{name: flat.pop(name, value) for name, value in usual.items()} for usual in USUAL_FORMS]
    trained_on = [form for form, usual in zip(forms, USUAL_FORMS, strict=True) if form != usual]
    assert not flat and len(points) <= 1 and len(trained_on) <= 1, (flat, points, trained_on)
    return Data(**{"points": (points or ["random"])[0], "trained_on": (trained_on or ["all"])[0]} | fields)


@pytest.fixture(scope="session")
def data() -> Callable[..., Data]:
    """A training-set spec at smoke scale, but for what the call says in the words of the tables' columns."""
    usual = {name: PARAMS["scales"]["smoke"]["toy"][name] for name in ("n", "S", "T")}
    return lambda **changes: drawn(**usual | changes)


@pytest.fixture(scope="session")
def training() -> Callable[..., Training]:
    """A training spec at smoke scale, but for what the call says."""
    toy = PARAMS["toy"] | PARAMS["scales"]["smoke"]["toy"]
    usual = {name: toy[name] for name in Training.model_fields}
    return lambda **changes: Training(**usual | changes)


def make_digits(folder: Path, training: int = 300, validation: int = 80) -> None:
    """The four files of MNIST, small: ten shapes, each image one of them under noise."""
    rng = np.random.default_rng(0)
    shapes = rng.random((10, 28, 28)) < 0.3
    folder.mkdir(parents=True)
    for name, count in (("train", training), ("t10k", validation)):
        label = rng.integers(0, 10, count).astype(np.uint8)
        image = (shapes[label] * 180 + rng.integers(0, 70, (count, 28, 28))).astype(np.uint8)
        for kind, array in (("images-idx3", image), ("labels-idx1", label)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())


def make_raw(folder: Path) -> None:
    """What `fetch` would leave in data/raw: small digits and texts, and a folder for toy models, which need nothing."""
    make_digits(folder / "data/raw/digits")
    make_texts(folder / "data/raw/language")
    (folder / "data/raw/toy").mkdir(parents=True)
    (folder / "data/raw/toy/README").write_text("nothing is fetched for toy models\n")


def bring_machine_code(source: Path, project: Path) -> None:
    """Let a project start with the machine code of another of the same code: no test compiles what another did."""
    kept = compiler._KERNELS and compiler._KERNELS.relative_to(ROOT)
    if kept and (source / kept).exists():
        shutil.copytree(source / kept, project / kept, dirs_exist_ok=True)
        adopt_machine_code(project)


def adopt_machine_code(project: Path) -> None:
    """Let a project find the machine code that it brought along: numba names folders by where the source is."""
    package = project / "stages/families/toy"
    for kept in (package / "__pycache__").glob("kernels-*"):
        for folder in [path for path in kept.iterdir() if path.is_dir()]:
            name = folder.name.rpartition("_")[0]
            source = kept if name == kept.name else package / name
            adopted = kept / f"{name}_{hashlib.sha1(str(source).encode()).hexdigest()}"
            if not adopted.exists():
                folder.rename(adopted)


class Project:
    """A copy of the project's code and parameters whose dvc.yaml runs three experiments at the smoke scale.

    Of digits too, on images that it makes itself.
    """

    def __init__(
        self, folder: Path, experiments: tuple[str, ...] = ("geometry", "dataset_size", "memorization")
    ) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__", "dvc.lock"))
        bring_machine_code(ROOT, folder)
        self.write("params.yaml", merged_params(experiments))
        make_raw(folder)
        runs = {x: RUNS["laptop"][x] for x in experiments}
        self.write("stages/runs.yaml", {"families": RUNS["families"], "smoke": runs, "paper": {}, "held_out": {}})
        pipeline = YAML().load(ROOT / "dvc.yaml")
        pipeline["vars"][0]["scale"] = "smoke"
        del pipeline["stages"]["fetch"]  # nothing from elsewhere
        for scale in ("paper", "held_out"):  # of which there are no results
            pipeline["stages"]["report"]["deps"].remove(f"stages/{scale}/dvc.lock")
        for stage in pipeline["stages"].values():
            if "foreach" in stage:
                stage["foreach"] = "${smoke}"
        self.write("dvc.yaml", pipeline)

    @classmethod
    def at(cls, folder: Path) -> Project:
        """A project that is there already."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    def copy(self, folder: Path) -> Project:
        """A copy to change; its store, cache and lock included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        adopt_machine_code(folder)
        return Project.at(folder)

    def clone(self, folder: Path) -> Project:
        """What git has of it, and its machine code: no test is of how long compiling takes."""
        self.git("clone", "-q", ".", str(folder))
        bring_machine_code(self.folder, folder)
        return Project.at(folder)

    def write(self, name: str, content: Any) -> None:
        """Write a YAML file of the project."""
        YAML().dump(content, self.folder / name)

    def set(self, key: str, value: Any) -> None:
        """Set one dotted key of params.yaml."""
        content = YAML().load(self.folder / "params.yaml")
        *parents, last = key.split(".")
        block = content
        for parent in parents:
            block = block[int(parent) if isinstance(block, list) else parent]
        block[last] = value
        self.write("params.yaml", content)

    def add(self, experiment: str, section: Any, run: Any) -> None:
        """Add an experiment, whose modules are there, to params.yaml and to the list of runs."""
        yaml = YAML(typ="safe")
        params, runs = (yaml.load(self.folder / name) for name in ("params.yaml", "stages/runs.yaml"))
        runs["smoke"][experiment] = run
        self.write("params.yaml", params | {experiment: section})
        self.write("stages/runs.yaml", runs)

    def append(self, name: str, text: str) -> None:
        """Put text at the end of a file."""
        path = self.folder / name
        path.write_text(f"{path.read_text()}{text}\n")

    def patch(self, code: str) -> None:
        """Run that code at the start of each Python of the project: of its stages, and of their workers."""
        folder = self.folder / "patches"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(code)

    def init(self) -> None:
        """Make it a repository of git and of DVC."""
        (self.folder / ".gitignore").write_text("__pycache__/\n/.cells/\n/dvc_plots/\n")
        (self.folder / ".dvcignore").write_text((ROOT / ".dvcignore").read_text())
        self.git("init", "-q")
        self.succeed("dvc", "init", "-q", "-f")
        self.succeed("dvc", "config", "core.analytics", "false")

    def git(self, *words: str) -> str:
        """What a git command prints."""
        command = ["git", "-c", "user.name=A Researcher", "-c", "user.email=a@example.org", *words]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-qm", "Results")

    def command(self, *words: str, **environment: str) -> tuple[list[str], dict[str, Any]]:
        """Arguments for subprocess: `train geometry` is python -m stages.train smoke/geometry, `dvc ...` is DVC.

        One worker, where a test does not ask for more: it takes seconds to start each, and tests run two at a time.
        """
        verb, *rest = words
        module = [verb if verb == "dvc" else f"stages.{verb}", *(f"smoke/{x}" if verb in VERBS else x for x in rest)]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # dvc's own `python`
        outer = {"WORKERS": "1"} | {
            k: v for k, v in os.environ.items() if k not in ("DVC_ROOT", "DASK_SCHEDULER_ADDRESS")
        }
        if (self.folder / "patches").exists():
            outer["PYTHONPATH"] = f"{self.folder / 'patches'}{os.pathsep}{self.folder}"
        return [sys.executable, "-m", *module], {"cwd": self.folder, "env": outer | {"PATH": path} | environment}

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; output and errors as text."""
        command, options = self.command(*words, **environment)
        return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)

    def succeed(self, *words: str, **environment: str) -> str:
        """Run, insist on success, give everything it printed."""
        done = self.run(*words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def through(self, x: str, *verbs: str, **environment: str) -> dict[str, str]:
        """Check params.yaml and run these verbs of an experiment by hand: what each printed."""
        self.succeed("check")
        return {verb: self.succeed(verb, x, **environment) for verb in verbs}

    def outputs(self) -> dict[str, bytes]:
        """Every file the stages wrote, by name."""
        files = {
            str(f.relative_to(self.folder)): f for top in ("data", "figures") for f in (self.folder / top).rglob("*")
        }
        return {
            name: f.read_bytes()
            for name, f in sorted(files.items())
            if f.is_file() and f.name != ".gitignore" and not name.startswith("data/raw/")
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without git and DVC: for tests that run stages by hand."""
    return Project(tmp_path)
