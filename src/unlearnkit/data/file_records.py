"""Records of a file, and checked access to their fields."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.redaction import describe_type


@dataclass(frozen=True)
class Record:
    """A record of a file, before it is converted to a row."""

    number: int
    """Line where the record begins, or index of the record in the file. Both start at 1."""
    place: str
    """Position of the record in its file, for error messages: file and line, or file and record number."""
    fields: Mapping[str, Any]


def shortened(value: object) -> object:
    """Shorten a value for an error message.

    Do not use this function for the text of a row: messages must never quote the text of a row.
    """
    if isinstance(value, str):
        return value if len(value) <= 60 else value[:57] + "..."
    return value if value is None or isinstance(value, (int, float)) else reprlib.repr(value)


def as_record(value: object, number: int, place: str) -> Record:
    """Convert a value from a file to a record.

    Raises:
        InputError: the value is not an object.
    """
    if not isinstance(value, dict):
        raise InputError(
            "a record is not an object",
            where=place,
            value=describe_type(value),
            allowed='an object, such as {"question": "...", "answer": "..."}',
            fix="write the record as an object with named fields",
        )
    return Record(number, place, value)


def field_place(record: Record, name: str) -> str:
    """Return the position of a field, for error messages.

    If `record` is a turn, its position already ends with a field, for example `field messages.0`. The result then ends
    with `field messages.0.<name>`.
    """
    return f"{record.place}.{name}" if ", field " in record.place else f"{record.place}, field {name}"


def field_value(record: Record, name: str) -> Any:
    """Return a field's value, or raise an `InputError`."""
    if name not in record.fields:
        raise InputError(
            "a field is missing",
            where=field_place(record, name),
            value=shortened(f"fields {', '.join(record.fields)}"),
            fix="add the field, or remove the record",
        )
    if record.fields[name] is None:
        raise InputError("a field is null", where=field_place(record, name), fix="fill the field, or remove the record")
    return record.fields[name]


def field_text(record: Record, name: str) -> str:
    """Return a field's text unchanged, or raise an `InputError`."""
    value, where = field_value(record, name), field_place(record, name)
    if not isinstance(value, str):
        shown = describe_type(value)
        raise InputError("a field is not text", where=where, value=shown, allowed="a string", fix="write a string")
    if not value.strip():
        fix = "fill the field, or remove the record"
        raise InputError("a field is empty", where=where, value=describe_type(value), fix=fix)
    refuse_nul(value, where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        what, half = "a field contains only half of a character (a lone surrogate)", f"\\u{ord(value[error.start]):04x}"
        raise InputError(what, where=where, value=half, fix="replace the surrogate with the whole character") from error
    return value


def refuse_nul(value: object, where: str) -> None:
    """Raise an `InputError` if a text contains a NUL character."""
    if isinstance(value, str) and "\0" in value:
        raise InputError("a field contains a NUL character", where=where, value=describe_type(value), fix="remove it")
