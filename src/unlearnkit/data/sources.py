"""A user's own rows: JSONL, JSON, CSV, Parquet and plain text, in the shapes in which TRL takes its data.

Each format is read by one small function into records, whose fields are then read by shape. Nothing is guessed: what
does not fit is a `BadInput` that names the file, the line or record, and the field.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput

Shape = Literal["qa", "prompt_completion", "messages", "text"]

SHAPES: dict[Shape, tuple[str, ...]] = {
    "qa": ("question", "answer"),
    "prompt_completion": ("prompt", "completion"),
    "messages": ("messages",),
    "text": ("text",),
}
"""The columns that make each shape."""

KEPT = tuple(field for field in Row.model_fields if field not in ("question", "answer"))
"""Columns that are kept beside those of the shape, wherever a file has them: a row's own fields."""

JSON_CELLS = ("messages", "accepted")
"""Columns whose values are lists; in a CSV cell they are written as JSON."""

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Record:
    """One record of a file, as the format gives it."""

    number: int
    """Counted from 1: the line where the record begins, or its place among the file's records."""
    place: str
    """The same as an error names it."""
    fields: Mapping[str, Any]


def read_source(path: str | Path, *, shape: Shape | None = None) -> tuple[Row, ...]:
    """Read rows from a file, or from the files of a folder in order of their names (hidden ones are left out).

    Formats, told by the extension:
        `.jsonl`: one JSON object a line.
        `.json`: a list of objects; or an object that holds one list of them; or lines of objects, as in TOFU's files.
        `.csv`: commas, a header; lists (`messages`, `accepted`) as JSON in a cell.
        `.parquet`: one row group or many; only the columns that are used are read.
        `.txt`, `.md`: one document, one row. See `unlearnkit.data.documents` for long ones.

    Text is UTF-8, with or without a byte order mark, and is kept to the character.

    Shapes, told by the columns of each file where `shape` does not say it:
        `qa`: `question`, `answer`.
        `prompt_completion`: `prompt`, `completion`; strings, or lists of turns.
        `messages`: turns with `role` and `content`; for now exactly one user turn and the assistant's answer to it.
        `text`: `text`; gives rows with an empty question.

    Beside its shape's columns a record may have any of a row's own: `id`, `trace`, `accepted`, `language`, `subject`,
    `attribute`, `form`, `options`; null or an empty string stands for one that is not given. Every other column
    (TOFU's `paraphrased_answer`, `paraphrased_question` and `perturbed_answer`, say) is left out, and of a turn
    everything but role and content.

    A row without an `id` gets `<file name>:<number>`: the line where it begins in JSONL and CSV, its place among the
    records in other formats, both from 1. Ids are unique over all that is read.

    Raises:
        BadInput: for anything that cannot be used, with file, line or record, and field.
    """
    if shape is not None and shape not in SHAPES:
        raise BadInput(
            "there is no such shape of data", value=shape, allowed=", ".join(SHAPES), fix="name one of these"
        )
    rows: list[Row] = []
    places: dict[str, str] = {}
    for name, file in source_files(Path(path)):
        records = FORMATS[file.suffix.lower()](file)
        if not records:
            raise BadInput("the file holds no rows", where=str(file), fix="add rows, or take the file away")
        told = _told_shape(file, records, shape)
        for record in records:
            row = _row(record, told, name)
            if row.id in places:
                raise BadInput(
                    "two rows have the same id",
                    where=f"{places[row.id]} and {record.place}, field id",
                    value=shortened(row.id),
                    fix="give every row an id of its own, or leave the column out",
                )
            places[row.id] = record.place
            rows.append(row)
    return tuple(rows)


def source_files(path: Path, extensions: Sequence[str] = ()) -> list[tuple[str, Path]]:
    """The file, or the files of a folder in order of their names, each with the name that its rows' ids begin with.

    Args:
        path: a file or a folder.
        extensions: those allowed, with the dot; all that can be read where none is named.

    Raises:
        BadInput: for a missing path, an empty folder, a folder in the folder, another extension.
    """
    with _reading(path):
        path.stat()
        found = sorted(f for f in path.iterdir() if not f.name.startswith(".")) if path.is_dir() else [path]
    if not found:
        raise BadInput("the folder holds no files", where=str(path), allowed=", ".join(extensions or FORMATS))
    for file in found:
        if file.is_dir():
            raise BadInput(
                "there is a folder in the folder", where=str(file), fix="put all files into one, or name that folder"
            )
        if file.suffix.lower() not in (extensions or FORMATS):
            raise BadInput(
                "files with this extension are not read",
                where=str(file),
                value=file.suffix,
                allowed=", ".join(extensions or FORMATS),
                fix="convert the file or rename it; in a folder, take it out",
            )
    return [(file.name, file) for file in found]


def read_text(path: Path) -> str:
    """A file's text, to the character, without a byte order mark.

    Raises:
        BadInput: for a file that cannot be read, is not UTF-8, holds a NUL byte, or nothing but white space.
    """
    data = _bytes(path)
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[mark:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_byte(path, data, mark + error.start, "the file is not UTF-8") from error
    if "\0" in text:
        raise _bad_byte(path, data, data.index(b"\0"), "the file holds a NUL byte: it is no text, or not in UTF-8")
    if not text.strip():
        raise BadInput("the file is empty", where=str(path), fix="add rows, or take the file away")
    return text


def shortened(value: object) -> object:
    """A value as an error shows it: enough to find it by."""
    if isinstance(value, str):
        return value if len(value) <= 60 else value[:57] + "..."
    return value if value is None or isinstance(value, (int, float)) else reprlib.repr(value)


# Formats -----------------------------------------------------------------------------------------------------------


def _jsonl(path: Path) -> list[Record]:
    # Not splitlines(), which would also cut at U+2028 and its like, and these may stand in a JSON string.
    lines = enumerate(read_text(path).split("\n"), 1)
    return [_record(_parsed(line, path, n), n, f"{path}:{n}") for n, line in lines if line.strip()]


def _json(path: Path) -> list[Record]:
    text = read_text(path)
    first, _, rest = text.strip().partition("\n")
    # An object that ends on the first line, and more after it: lines of objects under the wrong extension.
    if rest and first.startswith("{") and first.rstrip().endswith("}"):
        return _jsonl(path)
    found = _parsed(text, path, 1)
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        if not lists or any(set(columns) <= set(found) for columns in SHAPES.values()):
            found = [found]  # a single record
        elif len(lists) == 1:
            found = lists[0]
    if not isinstance(found, list):
        raise BadInput(
            "the JSON is not a list of rows",
            where=str(path),
            value=shortened(", ".join(found) if isinstance(found, dict) else found),
            allowed="a list of objects, or an object that holds one list of them",
            fix="write one list of objects, each of them a row",
        )
    return [_record(value, n, f"{path}, record {n}") for n, value in enumerate(found, 1)]


def _csv(path: Path) -> list[Record]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    header: list[str] = []
    records, begins = [], 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not cells:
                continue
            if not header:
                header = _header(cells, f"{path}:{line}")
                continue
            if len(cells) != len(header):
                raise BadInput(
                    "a line has not as many cells as the header",
                    where=f"{path}:{line}",
                    value=f"{len(cells)} cells",
                    allowed=f"{len(header)} cells ({', '.join(header)})",
                    fix="put cells that hold a comma, a quotation mark or a line break in double quotes",
                )
            fields = {
                column: _parsed(cell, path, line, column) if column in JSON_CELLS and cell else cell
                for column, cell in zip(header, cells, strict=True)
            }
            records.append(Record(line, f"{path}:{line}", fields))
    except csv.Error as error:
        raise BadInput(
            f"not CSV: {error}",
            where=f"{path}:{begins}",
            fix="mend the quotation marks from there on; keep texts of over 131072 characters in JSONL or Parquet",
        ) from error
    return records


def _parquet(path: Path) -> list[Record]:
    import pyarrow as pa  # here, because it takes a while and few need it
    from pyarrow.parquet import ParquetFile

    data = _bytes(path)
    if not data:
        raise BadInput("the file is empty", where=str(path), fix="add rows, or take the file away")
    wanted = {*KEPT, *(column for columns in SHAPES.values() for column in columns)}
    try:
        file = ParquetFile(pa.BufferReader(data))
        names = _header(file.schema_arrow.names, str(path))
        known = [name for name in names if name in wanted]
        values = file.read(columns=known).to_pylist() if known else [{}] * file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"not a Parquet file that can be read: {str(error).splitlines()[0]}",
            where=str(path),
            fix="write the file again, as Parquet with UTF-8 strings",
        ) from error
    # Columns that are not read still tell the shape, and stand in its errors.
    others = dict.fromkeys(names)
    return [Record(n, f"{path}, record {n}", {**others, **fields}) for n, fields in enumerate(values, 1)]


def _document(path: Path) -> list[Record]:
    return [Record(1, str(path), {"text": read_text(path)})]


FORMATS: dict[str, Callable[[Path], list[Record]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".txt": _document,
    ".md": _document,
}
"""How the files of each extension are read."""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BadInput("there is no such file or folder", where=str(path), fix="check the path") from error
    except OSError as error:
        raise BadInput(
            f"the file or folder cannot be read: {error.strerror}",
            where=str(path),
            fix="check what it is and its rights",
        ) from error


def _bytes(path: Path) -> bytes:
    with _reading(path):
        return path.read_bytes()


def _bad_byte(path: Path, data: bytes, at: int, what: str) -> BadInput:
    line = data.count(b"\n", 0, at) + 1
    return BadInput(
        what,
        where=f"{path}:{line}, byte {at} of the file (from 0)",
        value=f"0x{data[at]:02x}",
        allowed="text in UTF-8",
        fix="save the file as UTF-8",
    )


def _parsed(text: str, path: Path, line: int, field: str | None = None) -> Any:
    """The value of JSON that begins on a line of the file, or in a field there."""
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice)
    except RecursionError as error:
        what, at, value = "the JSON is nested too deeply", (1, 1), None
        cause: Exception = error
    except json.JSONDecodeError as error:
        what, at, value = f"not JSON: {error.msg}", (error.lineno, error.colno), text[error.pos :].partition("\n")[0]
        cause = error
    except ValueError as error:  # a key twice, or a number of thousands of digits
        what, at, value = f"the JSON cannot be used: {error}", (1, 1), None
        cause = error
    where = f"{path}:{line + at[0] - 1}, " + (f"field {field}" if field else f"column {at[1]}")
    raise BadInput(what, where=where, value=shortened(value), allowed="JSON", fix="mend it there") from cause


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shortened(twice)!r} stands twice in one object")
    return found


def _header(names: Sequence[str], place: str) -> list[str]:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(
            "two columns have the same name",
            where=place,
            value=shortened(twice[0]),
            fix="name every column differently",
        )
    return list(names)


def _record(value: object, number: int, place: str) -> Record:
    if not isinstance(value, dict):
        raise BadInput(
            "a record is not an object",
            where=place,
            value=shortened(value),
            allowed='an object, such as {"question": "...", "answer": "..."}',
            fix="name the fields of the record",
        )
    return Record(number, place, value)


# Shapes ------------------------------------------------------------------------------------------------------------


def _told_shape(path: Path, records: Sequence[Record], asked: Shape | None) -> Shape:
    """The shape that is asked for, or the only one whose columns the records have."""
    columns = dict.fromkeys(column for record in records for column in record.fields)
    fitting: list[Shape] = [shape for shape, needed in SHAPES.items() if set(needed) <= set(columns)]
    if asked in fitting:
        return asked
    if asked is None and len(fitting) == 1:
        return fitting[0]
    if asked:
        what, fix = f"the file has not the columns of the shape {asked!r}", "rename the columns, or name another shape"
    elif fitting:
        what, fix = f"the columns fit several shapes ({', '.join(fitting)})", "say which it is: shape=..."
    else:
        what, fix = "the columns are those of no shape", "rename the columns"
    allowed = "; ".join(f"{shape}: {', '.join(needed)}" for shape, needed in SHAPES.items())
    found = f"columns {', '.join(columns)}"
    raise BadInput(
        what, where=str(path), value=found if len(found) < 300 else found[:297] + "...", allowed=allowed, fix=fix
    )


def _row(record: Record, shape: Shape, name: str) -> Row:
    question, answer = _turns(record, shape)
    own = {field: value for field in KEPT if (value := record.fields.get(field)) not in (None, "")}
    own["id"] = _id(record) if "id" in record.fields else f"{name}:{record.number}"
    for field, value in own.items():
        for part in value if isinstance(value, list) else [value]:
            _refuse_nul(part, f"{record.place}, field {field}")
    try:
        return Row.model_validate({**own, "question": question, "answer": answer})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(
            f"a field cannot be used: {first['msg']}",
            where=f"{record.place}, field {'.'.join(map(str, first['loc']))}",
            value=shortened(first["input"]),
            fix="mend the value; or rename the column, if it means something else than a row's field of that name",
        ) from error


def _id(record: Record) -> str:
    value = record.fields["id"]
    # Numbered rows are common; `True` is an int to Python and to nobody else.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(record, "id")


def _turns(record: Record, shape: Shape) -> tuple[str, str]:
    """What the user says, empty for a text, and what the assistant says."""
    if shape == "text":
        return "", _text(record, "text")
    if shape == "messages":
        return _conversation(_messages(record, "messages"))
    if shape == "prompt_completion" and isinstance(record.fields.get("prompt"), list):
        return _conversation([*_messages(record, "prompt"), *_messages(record, "completion")])
    question, answer = SHAPES[shape]
    return _text(record, question), _text(record, answer)


def _messages(record: Record, field: str) -> list[Record]:
    """The turns of a field, each with the place where it stands."""
    turns = _given(record, field)
    if not isinstance(turns, list) or not turns:
        raise BadInput(
            "a conversation is not a list of turns",
            where=f"{record.place}, field {field}",
            value=shortened(turns),
            allowed='a list such as [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]',
            fix="write the turns as a list",
        )
    return [_record(turn, n, f"{record.place}, field {field}.{n}") for n, turn in enumerate(turns)]


def _conversation(turns: Sequence[Record]) -> tuple[str, str]:
    said = [(_text(turn, "role"), _text(turn, "content")) for turn in turns]
    for turn, (role, _) in zip(turns, said, strict=True):
        if role not in ROLES:
            raise BadInput(
                "there is no such role",
                where=_field(turn, "role"),
                value=shortened(role),
                allowed=", ".join(ROLES),
                fix="name the role of the turn",
            )
    roles = [role for role, _ in said]
    if roles[-1] != "assistant":
        raise BadInput(
            "the last turn is not the assistant's, so there is no answer to forget or keep",
            where=_field(turns[-1], "role"),
            value=roles[-1],
            allowed="assistant",
            fix="add the answer, or take the last turn away",
        )
    if roles != ["user", "assistant"]:
        raise BadInput(
            "a conversation is more than a question and its answer, which cannot be used yet",
            where=turns[0].place,
            value=shortened(", ".join(roles)),
            allowed="one user turn, then one assistant turn; no system turn",
            fix="keep the last question and its answer, worded so that they stand alone",
        )
    return said[0][1], said[1][1]


def _field(record: Record, name: str) -> str:
    """Where a field stands: a turn is itself part of one."""
    return f"{record.place}.{name}" if ", field " in record.place else f"{record.place}, field {name}"


def _given(record: Record, name: str) -> Any:
    if name not in record.fields:
        raise BadInput(
            "a field is missing",
            where=_field(record, name),
            value=shortened(f"fields {', '.join(record.fields)}"),
            fix="add the field, or take the record away",
        )
    if record.fields[name] is None:
        raise BadInput("a field is null", where=_field(record, name), fix="fill it, or take the record away")
    return record.fields[name]


def _text(record: Record, name: str) -> str:
    """A field's text, to the character."""
    value, where = _given(record, name), _field(record, name)
    if not isinstance(value, str):
        raise BadInput("a field is not text", where=where, value=shortened(value), allowed="a string", fix="mend it")
    if not value.strip():
        raise BadInput("a field is empty", where=where, value=shortened(value), fix="fill it, or take the record away")
    _refuse_nul(value, where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(value[error.start]):04x}"
        raise BadInput(
            "a field holds half a character (a lone surrogate)",
            where=where,
            value=half,
            fix="write the whole character",
        ) from error
    return value


def _refuse_nul(value: object, where: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise BadInput("a field holds a NUL character", where=where, value=shortened(value), fix="take it out")
