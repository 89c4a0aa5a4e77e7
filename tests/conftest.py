"""Shared fixtures: a small spec to build on, and a project of its own in a temporary folder."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from stages.toy.spec import SINCE_VERSION_4, Data, Measure, Training

ROOT = Path(__file__).parent.parent
MEASURE = Measure(test_points=2, test_seed=0, vectors=10, frames=0, mixed=2.0, learned=0.2, regular=0.05)


@pytest.fixture(scope="session")
def smoke() -> dict[str, Any]:
    """Section toy.smoke of params.yaml."""
    return YAML(typ="safe").load(ROOT / "params.yaml")["toy"]["smoke"]


@pytest.fixture(scope="session")
def data(smoke: dict[str, Any]) -> Callable[..., Data]:
    """A training-set spec at smoke scale, but for what the call says."""
    return lambda **changes: Data(**(smoke["data"] | changes))


@pytest.fixture(scope="session")
def training(smoke: dict[str, Any]) -> Callable[..., Training]:
    """A training spec at smoke scale, but for what the call says."""
    return lambda **changes: Training(**(smoke["training"] | changes))


def drawn(**changes: Any) -> Data:
    """A training set of random points, each there once, but for what the call says."""
    alone = {"first_of": 0, "supports": "random", "fresh": False, "repeated": 0, "copies": 1, "data_seed": 0}
    later = {name: value for name, value in SINCE_VERSION_4.items() if name in Data.model_fields}
    return Data(**alone | later | changes)


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


class Project:
    """A copy of the project's code and parameters whose dvc.yaml runs three experiments at the smoke scale.

    Of digits too, on images that it makes itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "params.yaml", folder)
        for name, scale in (("dvc.yaml", "smoke"), ("stages/paper/dvc.yaml", "paper")):
            yaml = YAML()
            pipeline = yaml.load(ROOT / name)
            pipeline["vars"][0]["scale"] = scale
            pipeline["stages"].pop("fetch_mnist", None)
            if report := pipeline["stages"].get("report"):
                report["deps"] = [dep for dep in report["deps"] if "/paper/" not in dep]
            for stage, of in pipeline["stages"].items():
                if "matrix" in of:
                    digits = ["memorization"] if stage.endswith("_digits") else []
                    toy = ["geometry", "dataset_size"] if not digits else []
                    of["matrix"]["x"] = toy + (digits or (["memorization"] if stage == "render" else []))
            yaml.dump(pipeline, folder / name)
        make_digits(folder / "data" / "mnist")

    def set(self, key: str, value: Any) -> None:
        """Set one dotted key of params.yaml."""
        yaml, path = YAML(), self.folder / "params.yaml"
        params = yaml.load(path)
        *parents, last = key.split(".")
        block = params
        for parent in parents:
            block = block[int(parent) if isinstance(block, list) else parent]
        block[last] = value
        yaml.dump(params, path)

    def command(self, *words: str, **environment: str) -> tuple[list[str], dict[str, Any]]:
        """Arguments for subprocess: `stage experiment` becomes python -m stages.stage, `dvc ...` runs DVC."""
        module = ["dvc", *words[1:]] if words[0] == "dvc" else [f"stages.{words[0]}", *words[1:], "--scale", "smoke"]
        if words == ("check",):
            module = ["stages.check"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # dvc's own `python`
        outer = {k: v for k, v in os.environ.items() if k not in ("DVC_ROOT", "DASK_SCHEDULER_ADDRESS")}
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

    def outputs(self) -> dict[str, bytes]:
        """Every file the stages wrote, by name."""
        files = [f for top in ("data", "figures") for f in sorted((self.folder / top).rglob("*"))]
        files = [f for f in files if f.parent.name != "mnist"]
        return {
            str(f.relative_to(self.folder)): f.read_bytes() for f in files if f.is_file() and f.name != ".gitignore"
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without git and DVC: for tests that run stages by hand."""
    return Project(tmp_path)
