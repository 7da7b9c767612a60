"""Convert records to rows.

As in TRL, the schema of a file is detected from the columns of the file (see `data.columns`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.redaction import describe_type
from unlearnkit.core.settings import read_renamed
from unlearnkit.data.columns import (
    EARLIER,
    INPUT,
    KEPT,
    MEANINGFUL_COLUMNS,
    MEANINGFUL_IN_TURNS,
    SHAPES,
    SYSTEM,
    SYSTEM_TURN,
    THOUGHTS,
    Shape,
    refuse_meaningful,
)
from unlearnkit.data.file_records import Record, as_record, field_place, field_text, field_value, refuse_nul, shortened
from unlearnkit.data.rows import Row, Turn

ROLES = ("system", "user", "assistant")


def as_row(record: Record, shape: Shape, prefix: str) -> Row:
    """Convert a record to a row.

    Args:
        record: the record to convert.
        shape: the schema of the record.
        prefix: prefix of the row's id if the record has no id.

    Raises:
        InputError: a field is missing or cannot be used. The message names the field and the record's position.
    """
    used = {*chain.from_iterable([SHAPES[shape]]), *([INPUT] if shape == "alpaca" else [])}
    refuse_meaningful(record, MEANINGFUL_COLUMNS - used)
    history, question, answer, thought = _turns(record, shape)
    history = _with_system(record, history, shape)
    record = replace(record, fields=read_renamed(record.fields, EARLIER, warn=False))
    own = {name: value for name in KEPT if (value := record.fields.get(name)) not in (None, "")}
    thoughts = [thought, _thought(record), own.pop("trace", "")]
    if trace := _only_thought([each for each in thoughts if each], record.place):
        own["trace"] = trace
    own["id"] = _id(record) if "id" in record.fields else f"{prefix}:{record.number}"
    for name, value in own.items():
        for part in value if isinstance(value, list) else [value]:
            refuse_nul(part, f"{record.place}, field {name}")
            if isinstance(part, str) and part and not part.strip():
                fix = "fill the field, or remove the value"
                raise InputError(
                    "a field is empty", where=f"{record.place}, field {name}", value="white space", fix=fix
                )
    try:
        return Row.model_validate({"history": history, "question": question, "answer": answer, **own})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(
            f"a field cannot be used: {first['msg']}",
            where=f"{record.place}, field {'.'.join(map(str, first['loc']))}",
            value=_shown(str(first["loc"][0]), first["input"]),
            fix="correct the value; or, if the column is unrelated to the row field of that name, rename the column",
        ) from error


def _shown(field: str, value: object) -> object:
    """Format the value of a field for an error message.

    Only values that reveal nothing about the row are quoted. Other values are described by their type and size.
    """
    plain = {"options": int, "question_type": str, "language": str}
    return shortened(value) if isinstance(value, plain.get(field, ())) else describe_type(value)


def _id(record: Record) -> str:
    value = record.fields["id"]
    # Rows are often numbered, so integers are accepted as ids. `True` is also an int in Python, but is not accepted.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else field_text(record, "id")


def _with_system(record: Record, history: tuple[Turn, ...], shape: Shape) -> tuple[Turn, ...]:
    """Add the column `SYSTEM_TURN` as the first turn of a row."""
    if record.fields.get(SYSTEM_TURN) in (None, ""):
        return history
    if shape == "text" or (history and history[0].role == SYSTEM):
        raise InputError(
            "a text cannot have a system turn" if shape == "text" else "the row has two system turns",
            where=field_place(record, SYSTEM),
            fix="remove one; or remove the system turn from data.columns and add the column to data.ignore",
        )
    return (Turn(role=SYSTEM, content=field_text(record, SYSTEM_TURN)), *history)


def _thought(record: Record) -> str:
    """Return the reasoning trace of a record or turn, if any."""
    given = [field_text(record, name) for name in THOUGHTS if record.fields.get(name) not in (None, "")]
    return str(_only_thought(given, record.place))


def _only_thought(given: Sequence[Any], place: str) -> Any:
    """Return the trace on which all fields agree.

    If there is no trace, the result is an empty string.
    """
    if any(each != given[0] for each in given):
        raise InputError(
            "a row has two different reasoning traces",
            where=place,
            fix=f"keep one of the fields trace, {', '.join(THOUGHTS)}; or name the other in data.ignore",
        )
    return given[0] if given else ""


def _turns(record: Record, shape: Shape) -> tuple[tuple[Turn, ...], str, str, str]:
    """Return history, question, answer and trace of a record.

    The question is empty if the record is a text. The trace is empty if the turns of the record have none.
    """
    if shape == "text":
        return (), "", field_text(record, "text"), ""
    if shape == "alpaca":
        more = "" if record.fields.get(INPUT) in (None, "") else f"\n\n{field_text(record, INPUT)}"
        return (), field_text(record, "instruction") + more, field_text(record, "output"), ""
    if shape == "messages":
        return _conversation(_messages(record, "messages"))
    if shape == "prompt_completion" and isinstance(record.fields.get("prompt"), list):
        return _conversation([*_messages(record, "prompt"), *_messages(record, "completion")])
    question, answer = SHAPES[shape]
    return (), field_text(record, question), field_text(record, answer), ""


def _messages(record: Record, field: str) -> list[Record]:
    """Return the turns in a field as records, with their positions."""
    turns = field_value(record, field)
    if not isinstance(turns, list) or not turns:
        raise InputError(
            "a conversation is not a list of turns",
            where=f"{record.place}, field {field}",
            value=describe_type(turns),
            allowed='a list such as [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]',
            fix="write the turns as a list",
        )
    return [as_record(turn, n, f"{record.place}, field {field}.{n}") for n, turn in enumerate(turns)]


def _conversation(turns: Sequence[Record]) -> tuple[tuple[Turn, ...], str, str, str]:
    """Split a conversation into history, question, answer and trace.

    The question and the answer are the last two turns. The trace belongs to the answer.

    The conversation may begin with a system turn. After the system turn, user turns and assistant turns must alternate.
    """
    for turn in turns:
        refuse_meaningful(turn, MEANINGFUL_IN_TURNS)
    messages = [(field_text(turn, "role"), _content(turn)) for turn in turns]
    for turn, (role, _) in zip(turns, messages, strict=True):
        if role not in ROLES:
            raise InputError(
                "a turn has an unknown role",
                where=field_place(turn, "role"),
                value=shortened(role),
                allowed=", ".join(ROLES),
                fix="write one of the allowed roles",
            )
    roles = [role for role, _ in messages]
    if roles[-1] != "assistant":
        raise InputError(
            "the last turn is not the assistant's, so there is no answer to forget or to retain",
            where=field_place(turns[-1], "role"),
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
            allowed="an optional system turn, then user and assistant turns alternating",
            fix="merge consecutive turns of one role, or split them into several conversations",
        )
    if early := next((turn for turn in turns[:-1] if _thought(turn)), None):
        raise InputError(
            "a turn before the last has a reasoning trace, and traces of earlier turns are not used",
            where=early.place,
            fix="remove the trace from the earlier turns; chat templates leave it out, too",
        )
    history = tuple(Turn(role=role, content=content) for role, content in messages[:-2])
    return history, messages[-2][1], messages[-1][1], _thought(turns[-1])


def _content(turn: Record) -> str:
    """Return the text of a turn.

    The text may be given as a list of parts.
    """
    parts = turn.fields.get("content")
    if not isinstance(parts, list) or not parts:
        return field_text(turn, "content")
    records = [as_record(part, n, f"{field_place(turn, 'content')}.{n}") for n, part in enumerate(parts)]
    for part in records:
        if part.fields.get("type", "text") != "text":
            raise InputError(
                "a part of a turn is not text",
                where=field_place(part, "type"),
                value=shortened(part.fields["type"]),
                allowed="text",
                fix="remove the records that need more than text",
            )
        refuse_meaningful(part, MEANINGFUL_IN_TURNS)
    return "".join(field_text(part, "text") for part in records)
