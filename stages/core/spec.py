"""What specs of every family have in common: strict fields, each a key of params.yaml and a column of the tables."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict

from stages.core.tables import Column

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Spec(BaseModel):
    """Frozen, of exactly its fields, each of exactly its type. A field's description is its column's meaning."""

    model_config = STRICT

    @property
    def axes(self) -> dict[str, Any]:
        """Every axis of the grid by name, one column each in the tables."""
        return self.model_dump()

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """The column of each axis."""
        return {
            name: Column(column_type(field.annotation), field.description or "")
            for name, field in cls.model_fields.items()
        }


class TrainingSpec(Spec):
    """How a cell is trained, beside its data."""

    def check(self, data: Any) -> None:
        """Raise ValueError where it does not go with those data; the message is `key is value; allowed: ...`."""

    def parent(self, data: Any) -> tuple[Any, Any] | None:
        """What the model that training starts from is made from, as its (data, training); None: from scratch."""
        return None


def column_type(annotation: Any) -> Any:
    """The type of a field, or of the values that it chooses from."""
    return type(get_args(annotation)[0]) if get_origin(annotation) is Literal else annotation
