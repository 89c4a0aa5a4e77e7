"""params.yaml with the tests' own scale: `scales.smoke`, and a block `smoke` in each experiment's section."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent


def merged_params(experiments: Collection[str] | None = None) -> dict[str, Any]:
    """What a test project's params.yaml holds: the project's own and tests/smoke.yaml.

    A test edits it and writes it with `YAML().dump(merged_params(), path)`.

    Args:
        experiments: those whose sections to keep: runs.yaml has to list every experiment of params.yaml. None: all.
    """
    yaml = YAML()
    params, smoke = yaml.load(ROOT / "params.yaml"), yaml.load(ROOT / "tests/smoke.yaml")
    params["scales"] |= smoke.pop("scales")
    for name, block in smoke.items():
        params[name]["smoke"] = block
    if experiments is not None:
        for name in smoke.keys() - set(experiments):
            del params[name]
    whole: dict[str, Any] = params
    return whole
