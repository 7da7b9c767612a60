"""Convert records to rows.

A schema, as in TRL, is recognized by its columns.
"""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.redaction import describe_type
from unlearnkit.core.settings import RenamedWarning, read_renamed
from unlearnkit.data.rows import RENAMED_COLUMNS, Row, Turn

Shape = Literal["qa", "prompt_completion", "messages", "text"]

SHAPES: dict[Shape, tuple[str, ...]] = {
    "qa": ("question", "answer"),
    "prompt_completion": ("prompt", "completion"),
    "messages": ("messages",),
    "text": ("text",),
}
"""The columns that define each schema."""

KEPT = tuple(field for field in Row.model_fields if field not in ("history", "question", "answer"))
"""Columns of a row's own fields, which are kept in addition to those of the schema."""

EARLIER = {old: name for old, name in RENAMED_COLUMNS.items() if name in KEPT}
"""Today's name of each such column that had another name in an earlier version."""

COLUMNS = frozenset({*KEPT, *EARLIER, *chain.from_iterable(SHAPES.values())})
"""All columns that are read; others are ignored."""

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Record:
    """A record as read from a file."""

    number: int
    """From 1: the line where the record begins, or its index among the file's records."""
    place: str
    """File and number, as errors show them."""
    fields: Mapping[str, Any]


def shortened(value: object) -> object:
    """Shorten a value for an error message.

    Not for a row's text, which is never quoted.
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
            fix="give the fields of the record names",
        )
    return Record(number, place, value)


def detect_schema(path: Path, records: Sequence[Record], requested: Shape | None) -> Shape:
    """Return the requested schema, or the only one that matches.

    Raises:
        InputError: the columns match no schema or several, or not the requested one.
    """
    columns = dict.fromkeys(column for record in records for column in record.fields)
    fitting: list[Shape] = [shape for shape, needed in SHAPES.items() if set(needed) <= set(columns)]
    if requested in fitting:
        return requested
    if requested is None and len(fitting) == 1:
        return fitting[0]
    if requested:
        what = f"the file lacks the columns of the shape {requested!r}"
        fix = "rename the columns, or name another shape"
    elif fitting:
        what = f"the columns match several shapes ({', '.join(fitting)})"
        fix = f"choose one: data.shape={fitting[0]}; or remove the columns of the other"
    else:
        what, fix = "the columns match no shape", "rename the columns"
    allowed = "; ".join(f"{shape}: {', '.join(needed)}" for shape, needed in SHAPES.items())
    present = f"columns {', '.join(columns)}"
    if path.suffix.lower() == ".csv" and not {column.strip().lower() for column in columns} & COLUMNS:
        # The header is probably missing, so these are cells of a row and must not be quoted.
        present = "columns of other names"
    present = present if len(present) < 300 else present[:297] + "..."
    raise InputError(what, where=str(path), value=present, allowed=allowed, fix=fix)


def warn_of_earlier_columns(path: Path, records: Sequence[Record]) -> None:
    """Issue one `RenamedWarning` per column that has an earlier version's name."""
    columns = dict.fromkeys(column for record in records for column in record.fields)
    for old in (column for column in columns if column in EARLIER):
        message = f"{path}: the column {old!r} is now called {EARLIER[old]!r}; the old name will stop working"
        warnings.warn(message, RenamedWarning, stacklevel=2)


def as_row(record: Record, shape: Shape, name: str) -> Row:
    """Convert a record of a schema to a row.

    Args:
        record: the record.
        shape: its schema.
        name: prefix of the id if the record has no id of its own.

    Raises:
        InputError: naming place and field, if a field is missing or cannot be used.
    """
    history, question, answer = _turns(record, shape)
    record = replace(record, fields=read_renamed(record.fields, EARLIER, warn=False))
    own = {field: value for field in KEPT if (value := record.fields.get(field)) not in (None, "")}
    own["id"] = _id(record) if "id" in record.fields else f"{name}:{record.number}"
    for field, value in own.items():
        for part in value if isinstance(value, list) else [value]:
            _refuse_nul(part, f"{record.place}, field {field}")
    try:
        return Row.model_validate({"history": history, "question": question, "answer": answer, **own})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(
            f"a field cannot be used: {first['msg']}",
            where=f"{record.place}, field {'.'.join(map(str, first['loc']))}",
            value=_shown(str(first["loc"][0]), first["input"]),
            fix="correct the value; or rename the column, if it means something else than a row's field of that name",
        ) from error


def _shown(field: str, value: object) -> object:
    """Return a value as errors show it.

    Only fields that reveal nothing about the row are quoted.
    """
    plain = {"options": int, "question_type": str, "language": str}
    return shortened(value) if isinstance(value, plain.get(field, ())) else describe_type(value)


def _id(record: Record) -> str:
    value = record.fields["id"]
    # Numbered rows are common; `True` is an int in Python only.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(record, "id")


def _turns(record: Record, shape: Shape) -> tuple[tuple[Turn, ...], str, str]:
    """Return earlier turns, question (empty for a text) and answer."""
    if shape == "text":
        return (), "", _text(record, "text")
    if shape == "messages":
        return _conversation(_messages(record, "messages"))
    if shape == "prompt_completion" and isinstance(record.fields.get("prompt"), list):
        return _conversation([*_messages(record, "prompt"), *_messages(record, "completion")])
    question, answer = SHAPES[shape]
    return (), _text(record, question), _text(record, answer)


def _messages(record: Record, field: str) -> list[Record]:
    """Return the turns in a field, each with its place."""
    turns = _given(record, field)
    if not isinstance(turns, list) or not turns:
        raise InputError(
            "a conversation is not a list of turns",
            where=f"{record.place}, field {field}",
            value=describe_type(turns),
            allowed='a list such as [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]',
            fix="write the turns as a list",
        )
    return [as_record(turn, n, f"{record.place}, field {field}.{n}") for n, turn in enumerate(turns)]


def _conversation(turns: Sequence[Record]) -> tuple[tuple[Turn, ...], str, str]:
    """Split a conversation into earlier turns, last question and its answer.

    A system turn may come first; then user and assistant alternate.
    """
    messages = [(_text(turn, "role"), _text(turn, "content")) for turn in turns]
    for turn, (role, _) in zip(turns, messages, strict=True):
        if role not in ROLES:
            raise InputError(
                "there is no such role",
                where=_field(turn, "role"),
                value=shortened(role),
                allowed=", ".join(ROLES),
                fix="name the role of the turn",
            )
    roles = [role for role, _ in messages]
    if roles[-1] != "assistant":
        raise InputError(
            "the last turn is not the assistant's, so there is no answer to forget or to retain",
            where=_field(turns[-1], "role"),
            value=roles[-1],
            allowed="assistant",
            fix="add the answer, or remove the last turn",
        )
    dialog = roles[1:] if roles[0] == "system" else roles
    if dialog != ["user", "assistant"] * (len(dialog) // 2):
        raise InputError(
            "the turns of a conversation do not alternate",
            where=turns[0].place,
            value=shortened(", ".join(roles)),
            allowed="a system turn or none, then user and assistant in turn",
            fix="merge consecutive turns of one role, or split them into several conversations",
        )
    history = tuple(Turn(role=role, content=content) for role, content in messages[:-2])
    return history, messages[-2][1], messages[-1][1]


def _field(record: Record, name: str) -> str:
    """Return the place of a field.

    A turn is itself part of a field.
    """
    return f"{record.place}.{name}" if ", field " in record.place else f"{record.place}, field {name}"


def _given(record: Record, name: str) -> Any:
    if name not in record.fields:
        raise InputError(
            "a field is missing",
            where=_field(record, name),
            value=shortened(f"fields {', '.join(record.fields)}"),
            fix="add the field, or remove the record",
        )
    if record.fields[name] is None:
        raise InputError("a field is null", where=_field(record, name), fix="fill it, or remove the record")
    return record.fields[name]


def _text(record: Record, name: str) -> str:
    """Return a field's text unchanged."""
    value, where = _given(record, name), _field(record, name)
    if not isinstance(value, str):
        shown = describe_type(value)
        raise InputError("a field is not text", where=where, value=shown, allowed="a string", fix="correct it")
    if not value.strip():
        fix = "fill it, or remove the record"
        raise InputError("a field is empty", where=where, value=describe_type(value), fix=fix)
    _refuse_nul(value, where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        what, half = "a field contains half a character (a lone surrogate)", f"\\u{ord(value[error.start]):04x}"
        raise InputError(what, where=where, value=half, fix="write the whole character") from error
    return value


def _refuse_nul(value: object, where: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InputError("a field contains a NUL character", where=where, value=describe_type(value), fix="remove it")
