"""A params.yaml and a runs.yaml for a test to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages.grid.cells import Grid
from stages.params import ParamsError, load_all
from tests.smoke import merged_params


class Sections(dict):  # type: ignore[type-arg]
    """The params.yaml and runs.yaml of a test, in a folder of their own, to edit: of two experiments, of two families.

    An experiment of digits shows that what is wrong is found wherever it is.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(merged_params(("geometry", "memorization")))
        self.file, self.runs = folder / "params.yaml", folder / "runs.yaml"
        self.listed: Any = {"laptop": {"geometry": {"family": "toy"}, "memorization": {"family": "digits"}}}

    def load(self) -> dict[str, Grid]:
        YAML().dump(dict(self), self.file)
        YAML().dump(self.listed, self.runs)
        return load_all(self.runs, self.file)

    def set(self, key: str, value: Any) -> None:
        *parents, last = key.split(".")
        block: Any = self
        for parent in parents:
            block = block[int(parent) if isinstance(block, list) else parent]
        block[last] = value

    def message(self) -> str:
        with pytest.raises(ParamsError) as caught:
            self.load()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 800
        return str(caught.value).removeprefix(f"{self.file}: ").removeprefix(f"{self.runs}: ")
