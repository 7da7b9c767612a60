"""Read files into records, with one function for each file format."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.redaction import describe_type
from unlearnkit.data.columns import MEANINGFUL_COLUMNS, SHAPES, ColumnChoice, refuse_meaningful
from unlearnkit.data.file_records import Record, as_record, shortened

JSON_CELLS = ("messages", "accepted_answers", "accepted", "perturbed_answer")
"""Columns whose values are lists. In a CSV file, each cell of these columns contains a list written as JSON."""
MAYBE_TURNS, TURNS = ("prompt", "completion"), re.compile(r"""\s*\[\s*\{\s*["'](role|content)["']""")
"""Columns that contain either text or a list of turns, and a pattern that recognizes a list of turns. The pattern
matches the beginning of a list as JSON or Python prints it. If a list of turns were mistaken for text, the model would
be trained on the JSON."""


def source_files(path: Path, extensions: Sequence[str] = ()) -> list[Path]:
    """Return the given file, or the given folder's files sorted by name.

    Hidden files of a folder are skipped.

    Args:
        path: a file or a folder.
        extensions: the allowed extensions, with the dot. If empty, every extension in `FORMATS` is allowed.

    Raises:
        InputError: the path does not exist, the folder is empty or contains a folder, or the extension of a file is not
            allowed.
    """
    with _reading(path):
        path.stat()
        files = sorted(f for f in path.iterdir() if not f.name.startswith(".")) if path.is_dir() else [path]
    allowed = ", ".join(extensions or FORMATS)
    if not files:
        fix = "put files into the folder, or give the path of another file or folder"
        raise InputError("the folder contains no files", where=str(path), allowed=allowed, fix=fix)
    for file in files:
        if file.is_dir():
            fix = "put all files into one folder, or give the path of the inner folder"
            raise InputError("the folder contains a folder", where=str(file), fix=fix)
        if file.suffix.lower() not in (extensions or FORMATS):
            raise InputError(
                "files with this extension cannot be read",
                where=str(file),
                value=file.suffix,
                allowed=allowed,
                fix="convert the file, rename it, or remove it from the folder",
            )
    return files


def read_text(path: Path) -> str:
    """Read a text file without its byte order mark.

    Line breaks and all other characters are unchanged.

    Raises:
        InputError: the file cannot be read, is not UTF-8, contains a NUL byte, or contains only white space.
    """
    data = _bytes(path)
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[mark:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_byte(path, data, mark + error.start, "the file is not UTF-8") from error
    if "\0" in text:
        raise _bad_byte(path, data, data.index(b"\0"), "the file contains a NUL byte, so it is not text or not UTF-8")
    if not text.strip():
        raise InputError("the file is empty", where=str(path), fix="add rows, or remove the file")
    return text


def _jsonl(path: Path, _: ColumnChoice) -> list[Record]:
    # splitlines() would also split at U+2028 and similar characters, which a JSON string may contain.
    lines = enumerate(read_text(path).split("\n"), 1)
    return [as_record(_parsed(line, path, n), n, f"{path}:{n}") for n, line in lines if line.strip()]


def _json(path: Path, choice: ColumnChoice) -> list[Record]:
    text = read_text(path)
    first, _, rest = text.strip().partition("\n")
    # If the first line is a whole object and more lines follow, the file is JSONL with the wrong extension.
    if rest and first.startswith("{") and first.rstrip().endswith("}"):
        return _jsonl(path, choice)
    content = _parsed(text, path, 1)
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        names = {choice.meaning(name) for name in content}
        if not lists or any(names.issuperset(columns) for columns in SHAPES.values()):
            content = [content]  # a single record
        elif len(lists) == 1:
            around = {name: value for name, value in content.items() if value is not lists[0] and choice.is_read(name)}
            refuse_meaningful(Record(0, str(path), around), MEANINGFUL_COLUMNS)
            content = lists[0]
    if not isinstance(content, list):
        raise InputError(
            "the JSON is not a list of rows",
            where=str(path),
            value=describe_type(content),
            allowed="a list of objects, or an object in which exactly one field is a list of objects",
            fix="write one list, with one object for each row",
        )
    return [as_record(value, n, f"{path}, record {n}") for n, value in enumerate(content, 1)]


def _csv(path: Path, choice: ColumnChoice) -> list[Record]:
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
                raise InputError(
                    "the number of cells in a line differs from the number of columns in the header",
                    where=f"{path}:{line}",
                    value=f"{len(cells)} cells",
                    allowed=f"{len(header)} cells ({', '.join(header)})",
                    fix="put cells that contain a comma, a quotation mark or a line break in double quotes",
                )
            fields = {
                column: _parsed(cell, path, line, column) if _is_json(choice.meaning(column), cell) else cell
                for column, cell in zip(header, cells, strict=True)
            }
            records.append(Record(line, f"{path}:{line}", fields))
    except csv.Error as error:
        raise InputError(
            f"the file is not CSV: {error}",
            where=f"{path}:{begins}",
            fix="correct the quotation marks from that line on; save texts over 131072 characters as JSONL or Parquet",
        ) from error
    return records


def _is_json(column: str, cell: str) -> bool:
    """Return whether to parse a cell as JSON.

    A non-empty cell is parsed if the column contains lists. In a column that contains either text or turns, a cell is
    parsed only if the cell contains turns.
    """
    return (column in JSON_CELLS and cell != "") or (column in MAYBE_TURNS and TURNS.match(cell) is not None)


def _parquet(path: Path, choice: ColumnChoice) -> list[Record]:
    import pyarrow as pa  # imported here because it is slow and rarely needed
    from pyarrow.parquet import ParquetFile

    data = _bytes(path)
    if not data:
        raise InputError("the file is empty", where=str(path), fix="add rows, or remove the file")
    try:
        file = ParquetFile(pa.BufferReader(data))
        names = _header(file.schema_arrow.names, str(path))
        known = [name for name in names if choice.is_read(name)]
        values = file.read(columns=known).to_pylist() if known else [{}] * file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the Parquet file cannot be read: {str(error).splitlines()[0]}",
            where=str(path),
            fix="write the file again, as Parquet with UTF-8 strings",
        ) from error
    # The names of columns that are not read still help to detect the schema and are listed in errors.
    others = dict.fromkeys(names)
    return [Record(n, f"{path}, record {n}", {**others, **fields}) for n, fields in enumerate(values, 1)]


def _document(path: Path, _: ColumnChoice) -> list[Record]:
    return [Record(1, str(path), {"text": read_text(path)})]


FORMATS: dict[str, Callable[[Path, ColumnChoice], list[Record]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".txt": _document,
    ".md": _document,
}
"""Maps each file extension to the function that reads such a file into records.

The second argument of the function states which columns are read, and what they stand for."""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError("there is no such file or folder", where=str(path), fix="check the path") from error
    except OSError as error:
        raise InputError(
            f"the file or folder cannot be read: {error.strerror}",
            where=str(path),
            fix="check the type and the permissions of the file or folder",
        ) from error


def _bytes(path: Path) -> bytes:
    with _reading(path):
        return path.read_bytes()


def _bad_byte(path: Path, data: bytes, at: int, what: str) -> InputError:
    line = data.count(b"\n", 0, at) + 1
    return InputError(
        what,
        where=f"{path}:{line}, byte {at} of the file (from 0)",
        value=f"0x{data[at]:02x}",
        allowed="text in UTF-8",
        fix="save the file as UTF-8",
    )


def _parsed(text: str, path: Path, line: int, field: str | None = None) -> Any:
    """Parse JSON, and report the position of an error in the file.

    The JSON text starts at the beginning of the given line. If `field` is given, the JSON text is the value of this
    field on the given line.
    """
    row, column, value = 1, 1, ""
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice)
    except (RecursionError, ValueError) as error:
        what = f"the JSON cannot be used: {error}"  # a duplicate key, or a number with thousands of digits
        if isinstance(error, RecursionError):
            what = "the JSON is nested too deeply"
        elif isinstance(error, json.JSONDecodeError):
            # Show only one character, because the rest of the text may contain knowledge to forget.
            what = f"the text is not JSON: {error.msg}"
            row, column, value = error.lineno, error.colno, text[error.pos :][:1]
        where = f"{path}:{line + row - 1}, " + (f"field {field}" if field else f"column {column}")
        raise InputError(what, where=where, value=value or None, allowed="JSON", fix="correct the JSON") from error


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shortened(twice)!r} occurs twice in one object")
    return result


def _header(names: Sequence[str], place: str) -> list[str]:
    if twice := [name for name in names if names.count(name) > 1]:
        fix = "give every column a different name"
        raise InputError("two columns have the same name", where=place, value=shortened(twice[0]), fix=fix)
    return list(names)
