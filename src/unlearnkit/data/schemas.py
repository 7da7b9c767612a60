"""Convert records to rows.

As in TRL, the schema of a file is detected from the columns of the file.
"""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from unlearnkit.core.errors import InputError, InputWarning
from unlearnkit.core.redaction import describe_type
from unlearnkit.core.settings import RenamedWarning, read_renamed
from unlearnkit.data.rows import RENAMED_COLUMNS, Row, Turn

Shape = Literal["qa", "prompt_completion", "messages", "alpaca", "text"]

SHAPES: dict[Shape, tuple[str, ...]] = {
    "qa": ("question", "answer"),
    "prompt_completion": ("prompt", "completion"),
    "messages": ("messages",),
    "alpaca": ("instruction", "output"),
    "text": ("text",),
}
"""The columns that identify each schema."""

KEPT = tuple(field for field in Row.model_fields if field not in ("history", "question", "answer"))
"""Columns that are read in addition to the columns of the schema. Each of these columns becomes the row field of the
same name."""

EARLIER = {old: name for old, name in RENAMED_COLUMNS.items() if name in KEPT}
"""Maps the earlier names of columns in `KEPT` to their current names."""

THOUGHTS = ("reasoning_content", "thinking", "reasoning")
"""Fields of a record or of a turn that contain the reasoning trace."""

SYSTEM, INPUT, LABEL = "system", "input", "label"
SYSTEM_TURN = "system turn"
"""Name of the column that is used as a system turn, after columns have been renamed."""

COLUMNS = frozenset({*KEPT, *EARLIER, *chain.from_iterable(SHAPES.values()), *THOUGHTS, SYSTEM, INPUT})
"""All columns that are read. Of the other columns, those in `MEANINGFUL` are refused, and the rest is ignored."""

MEANINGFUL = {
    **dict.fromkeys(
        (
            "context",
            "contexts",
            "knowledge",
            "background",
            "passage",
            "passages",
            "document",
            "documents",
            "instruction",
            INPUT,
        ),
        "write it into the question",
    ),
    **dict.fromkeys(
        (SYSTEM, "system_prompt", "system_message"),
        "use the column as a system turn: data.columns={system: NAME OF THE COLUMN}",
    ),
    **dict.fromkeys(("choices",), "rename the column to options"),
    **dict.fromkeys(
        ("tools", "functions", "tool_calls", "tool_call_id", "function_call"), "remove the records that use tools"
    ),
    **dict.fromkeys(
        ("image", "images", "video", "videos", "audio", "audios"), "remove the records that need more than text"
    ),
    **dict.fromkeys(("weight", "weights"), "repeat the rows that should count more, or remove the column"),
    "history": "write the turns in the column messages",
    LABEL: "keep only the answers to forget, or only those to keep, and remove the column",
    "rejected": "remove the column; only answers to forget or to keep are read",
    "chat_template_kwargs": "remove the column; every row is laid out with the template's defaults",
    "name": "write the names of the speakers into the turns",
}
"""Columns, and fields of turns, that change what a row means and that are not used. Maps each name to what to do."""

MEANINGFUL_COLUMNS = frozenset(MEANINGFUL) - {"name", "tool_call_id", "function_call"}
"""Names in `MEANINGFUL` that are refused as columns."""

MEANINGFUL_IN_TURNS = frozenset(MEANINGFUL) - {"instruction", INPUT}
"""Names in `MEANINGFUL` that are refused as fields of turns."""

ROLES = ("system", "user", "assistant")


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


@dataclass(frozen=True)
class ColumnChoice:
    """The user's choice of columns: other names, and what to ignore."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Names of columns in the files, by the name of the column that they stand for."""
    ignore: Collection[str] = ()
    """Columns, and fields of turns, that are ignored."""

    @cached_property
    def _names(self) -> dict[str, str]:
        return {theirs: ours for ours, theirs in self.columns.items()}

    def meaning(self, name: str) -> str:
        """Return the name that a column of a file stands for."""
        return self._names.get(name, name)

    def is_read(self, name: str) -> bool:
        """Return whether a column of a file is read or refused."""
        known = name in self._names or name in COLUMNS or _plain(name) in MEANINGFUL
        return known and name not in self.ignore

    def apply(self, record: Record) -> Record:
        """Rename the columns of a record, and remove the columns to ignore.

        Raises:
            InputError: the record has both a column and the column that stands for it.
        """
        if not self.columns and not self.ignore:
            return record
        own = {name for name in record.fields if name not in self.ignore and name not in self._names}
        fields: dict[str, Any] = {}
        for name, value in record.fields.items():
            if name in self.ignore:
                continue
            ours = self.meaning(name)
            ours = SYSTEM_TURN if name in self._names and ours == SYSTEM else ours
            if ours in fields or (ours != name and ours in own):
                raise InputError(
                    "two columns have the same meaning",
                    where=f"{record.place}, fields {ours} and {name}",
                    fix=f"remove {ours} from data.columns, or add the unused column to data.ignore",
                )
            fields[ours] = _without(value, self.ignore)
        return replace(record, fields=fields)

    def warn_of_absent(self, path: Path, records: Sequence[Record]) -> None:
        """Warn of each column in `columns` that no record has."""
        present = {name for record in records for name in record.fields}
        for ours, theirs in self.columns.items():
            if theirs not in present:
                warnings.warn(
                    f"{path}: no row has the column {theirs!r}, which data.columns maps to {ours!r}",
                    InputWarning,
                    stacklevel=2,
                )


def _plain(name: str) -> str:
    """Return a column's name without differences of case and separators."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _without(turns: object, ignore: Collection[str]) -> object:
    """Remove fields from the turns of a conversation; return other values unchanged."""
    if not isinstance(turns, list):
        return turns
    return [
        {name: value for name, value in turn.items() if name not in ignore} if isinstance(turn, dict) else turn
        for turn in turns
    ]


def refuse_meaningful(record: Record, names: Collection[str]) -> None:
    """Raise `InputError` if a field changes what the row means.

    `names` are the names in `MEANINGFUL` to look for. Differences of case and separators do not count.
    """
    for name, value in record.fields.items():
        # In other data than KTO's, a label is a class, which does not say whether the answer is a good one.
        if (plain := _plain(name)) == LABEL and not isinstance(value, bool):
            continue
        if plain in names and value not in (None, "", [], {}):
            raise InputError(
                "a field changes what the row means, and it cannot be used",
                where=_field(record, name),
                value=describe_type(value),
                fix=f"{MEANINGFUL[plain]}; or, if the field is not needed, ignore it: data.ignore=[{name}]",
            )


def detect_schema(path: Path, records: Sequence[Record], requested: Shape | None) -> Shape:
    """Return the requested schema, or else the only matching schema.

    Raises:
        InputError: the columns do not match the requested schema; or no schema is requested, and the columns match no
            schema or several schemas.
    """
    columns = dict.fromkeys(column for record in records for column in record.fields)
    fitting: list[Shape] = [shape for shape, needed in SHAPES.items() if set(needed) <= set(columns)]
    if requested in fitting:
        return requested
    if requested is None and len(fitting) == 1:
        return fitting[0]
    if requested:
        what = f"the file lacks the columns of the shape {requested!r}"
        fix = "rename the columns, map them with data.columns, or choose another shape"
    elif fitting:
        what = f"the columns match several shapes ({', '.join(fitting)})"
        fix = f"choose one, as in data.shape={fitting[0]}; or remove the columns of the other shapes"
    else:
        what = "the columns match no shape"
        fix = "rename the columns to those of a shape, or map them: data.columns={question: NAME, answer: NAME}"
    allowed = "; ".join(f"{shape}: {', '.join(needed)}" for shape, needed in SHAPES.items())
    present = f"columns {', '.join(columns)}"
    if path.suffix.lower() == ".csv" and not {column.strip().lower() for column in columns} & COLUMNS:
        # The header is probably missing, so the column names are really the cells of a row and must not be quoted.
        present = "columns with other names"
    present = present if len(present) < 300 else present[:297] + "..."
    raise InputError(what, where=str(path), value=present, allowed=allowed, fix=fix)


def warn_of_earlier_columns(path: Path, records: Sequence[Record]) -> None:
    """Issue one `RenamedWarning` for each column with an earlier name."""
    columns = dict.fromkeys(column for record in records for column in record.fields)
    for old in (column for column in columns if column in EARLIER):
        message = f"{path}: the column {old!r} is now called {EARLIER[old]!r}; the old name will stop working"
        warnings.warn(message, RenamedWarning, stacklevel=2)


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
            _refuse_nul(part, f"{record.place}, field {name}")
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
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(record, "id")


def _with_system(record: Record, history: tuple[Turn, ...], shape: Shape) -> tuple[Turn, ...]:
    """Add the column `SYSTEM_TURN` as the first turn of a row."""
    if record.fields.get(SYSTEM_TURN) in (None, ""):
        return history
    if shape == "text" or (history and history[0].role == SYSTEM):
        raise InputError(
            "a text cannot have a system turn" if shape == "text" else "the row has two system turns",
            where=_field(record, SYSTEM),
            fix="remove one; or remove the system turn from data.columns and add the column to data.ignore",
        )
    return (Turn(role=SYSTEM, content=_text(record, SYSTEM_TURN)), *history)


def _thought(record: Record) -> str:
    """Return the reasoning trace of a record or turn, if any."""
    given = [_text(record, name) for name in THOUGHTS if record.fields.get(name) not in (None, "")]
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
        return (), "", _text(record, "text"), ""
    if shape == "alpaca":
        more = "" if record.fields.get(INPUT) in (None, "") else f"\n\n{_text(record, INPUT)}"
        return (), _text(record, "instruction") + more, _text(record, "output"), ""
    if shape == "messages":
        return _conversation(_messages(record, "messages"))
    if shape == "prompt_completion" and isinstance(record.fields.get("prompt"), list):
        return _conversation([*_messages(record, "prompt"), *_messages(record, "completion")])
    question, answer = SHAPES[shape]
    return (), _text(record, question), _text(record, answer), ""


def _messages(record: Record, field: str) -> list[Record]:
    """Return the turns in a field as records, with their positions."""
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


def _conversation(turns: Sequence[Record]) -> tuple[tuple[Turn, ...], str, str, str]:
    """Split a conversation into history, question, answer and trace.

    The question and the answer are the last two turns. The trace belongs to the answer.

    The conversation may begin with a system turn. After the system turn, user turns and assistant turns must alternate.
    """
    for turn in turns:
        refuse_meaningful(turn, MEANINGFUL_IN_TURNS)
    messages = [(_text(turn, "role"), _content(turn)) for turn in turns]
    for turn, (role, _) in zip(turns, messages, strict=True):
        if role not in ROLES:
            raise InputError(
                "a turn has an unknown role",
                where=_field(turn, "role"),
                value=shortened(role),
                allowed=", ".join(ROLES),
                fix="write one of the allowed roles",
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
        return _text(turn, "content")
    records = [as_record(part, n, f"{_field(turn, 'content')}.{n}") for n, part in enumerate(parts)]
    for part in records:
        if part.fields.get("type", "text") != "text":
            raise InputError(
                "a part of a turn is not text",
                where=_field(part, "type"),
                value=shortened(part.fields["type"]),
                allowed="text",
                fix="remove the records that need more than text",
            )
        refuse_meaningful(part, MEANINGFUL_IN_TURNS)
    return "".join(_text(part, "text") for part in records)


def _field(record: Record, name: str) -> str:
    """Return the position of a field, for error messages.

    If `record` is a turn, its position already ends with a field, for example `field messages.0`. The result then ends
    with `field messages.0.<name>`.
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
        raise InputError("a field is null", where=_field(record, name), fix="fill the field, or remove the record")
    return record.fields[name]


def _text(record: Record, name: str) -> str:
    """Return a field's text unchanged, or raise an `InputError`."""
    value, where = _given(record, name), _field(record, name)
    if not isinstance(value, str):
        shown = describe_type(value)
        raise InputError("a field is not text", where=where, value=shown, allowed="a string", fix="write a string")
    if not value.strip():
        fix = "fill the field, or remove the record"
        raise InputError("a field is empty", where=where, value=describe_type(value), fix=fix)
    _refuse_nul(value, where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        what, half = "a field contains only half of a character (a lone surrogate)", f"\\u{ord(value[error.start]):04x}"
        raise InputError(what, where=where, value=half, fix="replace the surrogate with the whole character") from error
    return value


def _refuse_nul(value: object, where: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InputError("a field contains a NUL character", where=where, value=describe_type(value), fix="remove it")
