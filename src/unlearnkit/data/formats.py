"""From files to records: each format is read by one small function. What is broken is told with its line or record."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.redaction import describe_type
from unlearnkit.data.schemas import EARLIER, KEPT, SHAPES, Record, as_record, shortened

JSON_CELLS = ("messages", "accepted_answers", "accepted", "perturbed_answer")
"""Columns whose values are lists; in a CSV cell they are written as JSON."""
MAYBE_TURNS, TURNS = ("prompt", "completion"), re.compile(r"""\s*\[\s*\{\s*["'](role|content)["']""")
"""Columns of text or of turns, and how turns begin, as JSON or as Python prints them; as text they would be taught."""


def source_files(path: Path, extensions: Sequence[str] = ()) -> list[tuple[str, Path]]:
    """The file, or the files of a folder in order of their names, each with the name that its rows' ids begin with.

    Args:
        path: a file or a folder.
        extensions: those allowed, with the dot; all that can be read where none is named.

    Raises:
        InputError: for a missing path, an empty folder, a folder in the folder, another extension.
    """
    with _reading(path):
        path.stat()
        found = sorted(f for f in path.iterdir() if not f.name.startswith(".")) if path.is_dir() else [path]
    if not found:
        raise InputError(
            "the folder holds no files",
            where=str(path),
            allowed=", ".join(extensions or FORMATS),
            fix="put the files there, or name another file or folder",
        )
    for file in found:
        if file.is_dir():
            raise InputError(
                "there is a folder in the folder", where=str(file), fix="put all files into one, or name that folder"
            )
        if file.suffix.lower() not in (extensions or FORMATS):
            raise InputError(
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
        InputError: for a file that cannot be read, is not UTF-8, holds a NUL byte, or nothing but white space.
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
        raise InputError("the file is empty", where=str(path), fix="add rows, or take the file away")
    return text


def _jsonl(path: Path) -> list[Record]:
    # Not splitlines(), which would also cut at U+2028 and its like, and these may stand in a JSON string.
    lines = enumerate(read_text(path).split("\n"), 1)
    return [as_record(_parsed(line, path, n), n, f"{path}:{n}") for n, line in lines if line.strip()]


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
        raise InputError(
            "the JSON is not a list of rows",
            where=str(path),
            value=describe_type(found),
            allowed="a list of objects, or an object that holds one list of them",
            fix="write one list of objects, each of them a row",
        )
    return [as_record(value, n, f"{path}, record {n}") for n, value in enumerate(found, 1)]


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
                raise InputError(
                    "a line has not as many cells as the header",
                    where=f"{path}:{line}",
                    value=f"{len(cells)} cells",
                    allowed=f"{len(header)} cells ({', '.join(header)})",
                    fix="put cells that hold a comma, a quotation mark or a line break in double quotes",
                )
            fields = {
                column: _parsed(cell, path, line, column) if _is_json(column, cell) else cell
                for column, cell in zip(header, cells, strict=True)
            }
            records.append(Record(line, f"{path}:{line}", fields))
    except csv.Error as error:
        raise InputError(
            f"not CSV: {error}",
            where=f"{path}:{begins}",
            fix="mend the quotation marks from there on; keep texts of over 131072 characters in JSONL or Parquet",
        ) from error
    return records


def _is_json(column: str, cell: str) -> bool:
    """Whether a cell is to be read as JSON: one of a list's column, or turns where there may be text as well."""
    return (column in JSON_CELLS and cell != "") or (column in MAYBE_TURNS and TURNS.match(cell) is not None)


def _parquet(path: Path) -> list[Record]:
    import pyarrow as pa  # here, because it takes a while and few need it
    from pyarrow.parquet import ParquetFile

    data = _bytes(path)
    if not data:
        raise InputError("the file is empty", where=str(path), fix="add rows, or take the file away")
    wanted = {*KEPT, *EARLIER, *(column for columns in SHAPES.values() for column in columns)}
    try:
        file = ParquetFile(pa.BufferReader(data))
        names = _header(file.schema_arrow.names, str(path))
        known = [name for name in names if name in wanted]
        values = file.read(columns=known).to_pylist() if known else [{}] * file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
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
        raise InputError("there is no such file or folder", where=str(path), fix="check the path") from error
    except OSError as error:
        raise InputError(
            f"the file or folder cannot be read: {error.strerror}",
            where=str(path),
            fix="check what it is and its rights",
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
    """The value of JSON that begins on a line of the file, or in a field there."""
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice)
    except RecursionError as error:
        what, at, value = "the JSON is nested too deeply", (1, 1), None
        cause: Exception = error
    except json.JSONDecodeError as error:
        # The one character: what follows may be what is to be forgotten.
        what, at, value = f"not JSON: {error.msg}", (error.lineno, error.colno), text[error.pos : error.pos + 1]
        cause = error
    except ValueError as error:  # a key twice, or a number of thousands of digits
        what, at, value = f"the JSON cannot be used: {error}", (1, 1), None
        cause = error
    where = f"{path}:{line + at[0] - 1}, " + (f"field {field}" if field else f"column {at[1]}")
    raise InputError(what, where=where, value=value or None, allowed="JSON", fix="mend it there") from cause


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
        raise InputError(
            "two columns have the same name",
            where=place,
            value=shortened(twice[0]),
            fix="name every column differently",
        )
    return list(names)
