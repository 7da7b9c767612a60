"""From records to rows: the shapes in which TRL takes its data, told by their columns."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
"""The columns that make each shape."""

KEPT = tuple(field for field in Row.model_fields if field not in ("history", "question", "answer"))
"""Columns that are kept beside those of the shape, wherever a file has them: a row's own fields."""

EARLIER = {old: name for old, name in RENAMED_COLUMNS.items() if name in KEPT}
"""Today's name of each such column that had another name in an earlier version."""

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Record:
    """One record of a file, as the format gives it."""

    number: int
    """Counted from 1: the line where the record begins, or its place among the file's records."""
    place: str
    """The same as an error names it."""
    fields: Mapping[str, Any]


def shortened(value: object) -> object:
    """A value that is no row's text, as an error shows it: enough to find it by."""
    if isinstance(value, str):
        return value if len(value) <= 60 else value[:57] + "..."
    return value if value is None or isinstance(value, (int, float)) else reprlib.repr(value)


def as_record(value: object, number: int, place: str) -> Record:
    """A value out of a file as a record; `InputError` where it has no fields."""
    if not isinstance(value, dict):
        raise InputError(
            "a record is not an object",
            where=place,
            value=describe_type(value),
            allowed='an object, such as {"question": "...", "answer": "..."}',
            fix="name the fields of the record",
        )
    return Record(number, place, value)


def detect_schema(path: Path, records: Sequence[Record], asked: Shape | None) -> Shape:
    """The shape that is asked for, or the only one whose columns the records have.

    Raises:
        InputError: where the columns are those of no shape, of several, or not of the one that is asked for.
    """
    columns = dict.fromkeys(column for record in records for column in record.fields)
    fitting: list[Shape] = [shape for shape, needed in SHAPES.items() if set(needed) <= set(columns)]
    if asked in fitting:
        return asked
    if asked is None and len(fitting) == 1:
        return fitting[0]
    if asked:
        what, fix = f"the file has not the columns of the shape {asked!r}", "rename the columns, or name another shape"
    elif fitting:
        what = f"the columns fit several shapes ({', '.join(fitting)})"
        fix = f"say which it is: data.shape={fitting[0]}; or take the columns of the other out"
    else:
        what, fix = "the columns are those of no shape", "rename the columns"
    allowed = "; ".join(f"{shape}: {', '.join(needed)}" for shape, needed in SHAPES.items())
    found = f"columns {', '.join(columns)}"
    known = {*KEPT, *EARLIER, *(column for needed in SHAPES.values() for column in needed)}
    if path.suffix.lower() == ".csv" and not {column.strip().lower() for column in columns} & known:
        # Where the header was left out, these are a row's own cells.
        found = "columns of other names"
    raise InputError(
        what, where=str(path), value=found if len(found) < 300 else found[:297] + "...", allowed=allowed, fix=fix
    )


def warn_of_earlier_columns(path: Path, records: Sequence[Record]) -> None:
    """Issue one `RenamedWarning` for each column of a file that has the name of an earlier version."""
    columns = dict.fromkeys(column for record in records for column in record.fields)
    for old in (column for column in columns if column in EARLIER):
        message = f"{path}: the column {old!r} is now called {EARLIER[old]!r}; the old name will stop working"
        warnings.warn(message, RenamedWarning, stacklevel=2)


def as_row(record: Record, shape: Shape, name: str) -> Row:
    """A record of a shape as a row; `name` begins its id where it has none of its own.

    Raises:
        InputError: naming place and field, for a field that is missing or cannot be used.
    """
    history, question, answer = _turns(record, shape)
    record = Record(record.number, record.place, read_renamed(record.fields, EARLIER, warn=False))
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
            fix="mend the value; or rename the column, if it means something else than a row's field of that name",
        ) from error


def _shown(field: str, value: object) -> object:
    """A value of a row as an error shows it: only those of fields that say nothing of what the row tells."""
    plain = (
        isinstance(value, int)
        if field == "options"
        else field in ("question_type", "language") and isinstance(value, str)
    )
    return shortened(value) if plain else describe_type(value)


def _id(record: Record) -> str:
    value = record.fields["id"]
    # Numbered rows are common; `True` is an int to Python and to nobody else.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(record, "id")


def _turns(record: Record, shape: Shape) -> tuple[tuple[Turn, ...], str, str]:
    """What was said before, what the user asks, empty for a text, and what the assistant answers."""
    if shape == "text":
        return (), "", _text(record, "text")
    if shape == "messages":
        return _conversation(_messages(record, "messages"))
    if shape == "prompt_completion" and isinstance(record.fields.get("prompt"), list):
        return _conversation([*_messages(record, "prompt"), *_messages(record, "completion")])
    question, answer = SHAPES[shape]
    return (), _text(record, question), _text(record, answer)


def _messages(record: Record, field: str) -> list[Record]:
    """The turns of a field, each with the place where it stands."""
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
    """The last question and its answer, and the turns before: a system turn first, if any, then user and assistant."""
    said = [(_text(turn, "role"), _text(turn, "content")) for turn in turns]
    for turn, (role, _) in zip(turns, said, strict=True):
        if role not in ROLES:
            raise InputError(
                "there is no such role",
                where=_field(turn, "role"),
                value=shortened(role),
                allowed=", ".join(ROLES),
                fix="name the role of the turn",
            )
    roles = [role for role, _ in said]
    if roles[-1] != "assistant":
        raise InputError(
            "the last turn is not the assistant's, so there is no answer to forget or keep",
            where=_field(turns[-1], "role"),
            value=roles[-1],
            allowed="assistant",
            fix="add the answer, or take the last turn away",
        )
    spoken = roles[1:] if roles[0] == "system" else roles
    if spoken != ["user", "assistant"] * (len(spoken) // 2):
        raise InputError(
            "the turns of a conversation do not alternate",
            where=turns[0].place,
            value=shortened(", ".join(roles)),
            allowed="a system turn or none, then user and assistant in turn",
            fix="put turns of one role that follow each other into one, or make conversations of them",
        )
    before = tuple(Turn(role=role, content=content) for role, content in said[:-2])
    return before, said[-2][1], said[-1][1]


def _field(record: Record, name: str) -> str:
    """Where a field stands: a turn is itself part of one."""
    return f"{record.place}.{name}" if ", field " in record.place else f"{record.place}, field {name}"


def _given(record: Record, name: str) -> Any:
    if name not in record.fields:
        raise InputError(
            "a field is missing",
            where=_field(record, name),
            value=shortened(f"fields {', '.join(record.fields)}"),
            fix="add the field, or take the record away",
        )
    if record.fields[name] is None:
        raise InputError("a field is null", where=_field(record, name), fix="fill it, or take the record away")
    return record.fields[name]


def _text(record: Record, name: str) -> str:
    """A field's text, to the character."""
    value, where = _given(record, name), _field(record, name)
    if not isinstance(value, str):
        raise InputError(
            "a field is not text", where=where, value=describe_type(value), allowed="a string", fix="mend it"
        )
    if not value.strip():
        raise InputError(
            "a field is empty", where=where, value=describe_type(value), fix="fill it, or take the record away"
        )
    _refuse_nul(value, where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(value[error.start]):04x}"
        raise InputError(
            "a field holds half a character (a lone surrogate)",
            where=where,
            value=half,
            fix="write the whole character",
        ) from error
    return value


def _refuse_nul(value: object, where: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InputError("a field holds a NUL character", where=where, value=describe_type(value), fix="take it out")
