"""Base classes of the recipe's sections."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, get_args

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator


class RenamedWarning(FutureWarning):
    """Warning about a renamed field or argument.

    The user wrote the earlier name, which still works.
    """


LARGEST_SEED = 2**32 - 1
"""Largest seed that can be set in a recipe. NumPy accepts no larger seeds."""

Place = Annotated[str, MinLen(1)]
"""A path or Hub id. The empty string is rejected, because it would mean the working directory."""


def read_renamed(data: Any, renamed: Mapping[str, str], *, warn: bool) -> Any:
    """Replace field names of an earlier version with the current names.

    Args:
        data: the fields before validation. A value that is not a mapping is returned unchanged.
        renamed: maps the earlier name of each renamed field to its current name.
        warn: whether to issue a `RenamedWarning` that names the new field.
    """
    old = [name for name in renamed if isinstance(data, Mapping) and name in data and renamed[name] not in data]
    if not old:
        return data
    if warn:
        for name in old:
            message = f"the field {name!r} is now called {renamed[name]!r}; the old name will stop working"
            warnings.warn(message, RenamedWarning, stacklevel=2)
    return {renamed[name] if name in old else name: value for name, value in data.items()}


class Value(BaseModel):
    """A frozen pydantic model that rejects unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    renamed: ClassVar[Mapping[str, str]] = {}
    """Maps earlier field names to the current names. Files with the earlier names can still be read."""
    added: ClassVar[frozenset[str]] = frozenset()
    """Fields that the first version lacks. `earlier_dump` leaves them out where they have their default."""
    warns_of_renamed: ClassVar[bool] = False
    """Whether to warn about earlier field names. The value is True for data that users write by hand, such as
    recipes."""

    @model_validator(mode="before")
    @classmethod
    def _read_renamed(cls, data: Any) -> Any:
        return read_renamed(data, cls.renamed, warn=cls.warns_of_renamed)

    def earlier_dump(self) -> dict[str, Any]:
        """Return all fields as JSON values, under their earlier names.

        The result does not change when a field is renamed or added. A digest of the result can therefore be compared
        with a digest that an earlier version stored. If the value of a field is itself a `Value`, its fields also get
        their earlier names. Inside a list or mapping, fields keep their current names.
        """
        earlier = {name: old for old, name in self.renamed.items()}
        inner = {name: value.earlier_dump() for name, value in self if isinstance(value, Value)}
        values = {**self.model_dump(mode="json"), **inner}
        left_out = {name for name in self.added if getattr(self, name) == type(self).model_fields[name].default}
        return {earlier.get(name, name): value for name, value in values.items() if name not in left_out}


class Settings(Value):
    """A frozen recipe section that rejects unknown fields and non-finite numbers."""

    warns_of_renamed: ClassVar[bool] = True

    model_config = ConfigDict(use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Reject a boolean in a field that is not boolean.

        YAML reads a bare `yes`, `no`, `on` or `off` as a boolean. Without this check, pydantic would accept the
        boolean as the number 1 or 0.
        """
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and kind is not bool and bool not in get_args(kind):
            raise ValueError("Input should be a number or text; YAML reads yes, no, on and off as true or false")
        return value
