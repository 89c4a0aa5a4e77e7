"""params.yaml with the tests' own scale: `scales.smoke`, and a block `smoke` in each experiment's section."""

from __future__ import annotations

import copy
import functools
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
    params, smoke = _loaded()
    left_out = set() if experiments is None else smoke.keys() - {"scales", *experiments}
    whole: dict[str, Any] = copy.deepcopy({name: of for name, of in params.items() if name not in left_out})
    blocks = copy.deepcopy({name: of for name, of in smoke.items() if name not in left_out})
    whole["scales"] |= blocks.pop("scales")
    for name, block in blocks.items():
        whole[name]["smoke"] = block
    return whole


@functools.cache
def _loaded() -> tuple[dict[str, Any], dict[str, Any]]:
    """Both files, which are read once: it takes a quarter of a second."""
    yaml = YAML()
    return yaml.load(ROOT / "params.yaml"), yaml.load(ROOT / "tests/smoke.yaml")
