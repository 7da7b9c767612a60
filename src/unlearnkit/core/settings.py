"""What sections of a recipe have in common, wherever their class stands."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

LARGEST_SEED = 2**32 - 1
"""The largest seed that every library takes."""

Place = Annotated[str, MinLen(1)]
"""A path or Hub id. An empty one would mean the working directory, and nobody means that."""


class Value(BaseModel):
    """A frozen value with no field but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(BaseModel):
    """A section: frozen, with no field but its own, and no number but a finite one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a bare `yes`, `no`, `on` or `off` where something else is meant: it would pass for 1 or 0."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and kind is not bool and bool not in get_args(kind):
            raise ValueError("Input should be a number or text: YAML reads a bare yes, no, on or off as true or false")
        return value
