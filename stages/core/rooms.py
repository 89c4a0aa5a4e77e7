"""The rooms of a family of models, by name: the one place that knows where families are. See `stages/families`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import stages
from stages.core.errors import UserError


def families() -> list[str]:
    """The names of all families."""
    return sorted(path.parent.name for path in (Path(stages.__file__).parent / "families").glob("*/data"))


def room(family: str, name: str) -> Any:
    """A family's room of that name (data, training or measures), or a module of it as `data.spec`, imported.

    Raises:
        UserError: there is no such family.
    """
    if family not in families():
        raise UserError(f"there is no family {family}; there are {', '.join(families())}")
    return importlib.import_module(f"stages.families.{family}.{name}")
