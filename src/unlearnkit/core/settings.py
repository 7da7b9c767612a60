"""Base classes of the recipe's sections."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, get_args

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator


class RenamedWarning(FutureWarning):
    """The user wrote a name of an earlier version, which still works."""


LARGEST_SEED = 2**32 - 1
"""The largest seed that every library accepts."""

Place = Annotated[str, MinLen(1)]
"""A path or Hub id. The empty string is refused: it would mean the working directory."""


def read_renamed(data: Any, renamed: Mapping[str, str], *, warn: bool) -> Any:
    """Replace field names of an earlier version by the current ones.

    Args:
        data: what a model is validated from; returned unchanged unless it is a mapping.
        renamed: the current name of each field by its earlier name.
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
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    renamed: ClassVar[Mapping[str, str]] = {}
    """The current name of each field by its name in an earlier version; files with earlier names are still read."""
    warns_of_renamed: ClassVar[bool] = False
    """Whether to warn about earlier field names. True for what people write themselves, such as recipes."""

    @model_validator(mode="before")
    @classmethod
    def _read_renamed(cls, data: Any) -> Any:
        return read_renamed(data, cls.renamed, warn=cls.warns_of_renamed)

    def earlier_dump(self) -> dict[str, Any]:
        """Dump as JSON values under the earliest field names.

        A digest of this value that an earlier version stored stays valid when a field is renamed. Values in a field
        are dumped likewise, those in a list or mapping are not.
        """
        earlier = {name: old for old, name in self.renamed.items()}
        inner = {name: value.earlier_dump() for name, value in self if isinstance(value, Value)}
        values = {**self.model_dump(mode="json"), **inner}
        return {earlier.get(name, name): value for name, value in values.items()}


class Settings(Value):
    """A section of a recipe: frozen, no unknown fields, finite numbers only."""

    warns_of_renamed: ClassVar[bool] = True

    model_config = ConfigDict(use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a bare `yes`, `no`, `on` or `off` for other types.

        It would pass for 1 or 0.
        """
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and kind is not bool and bool not in get_args(kind):
            raise ValueError("Input should be a number or text: YAML reads a bare yes, no, on or off as true or false")
        return value
