"""Read a user's rows from files, in TRL's schemas.

`formats` reads a file into records, and `schemas` reads their fields. Nothing is guessed: what does not match is an
`InputError` that names the file, the line or record, and the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnkit.core.errors import InputError
from unlearnkit.data.formats import FORMATS, source_files
from unlearnkit.data.rows import Row
from unlearnkit.data.schemas import SHAPES, Record, Shape, as_row, detect_schema, shortened, warn_of_earlier_columns

LISTED = 8
"""Maximum number of records that a message names in addition to the first."""


def read_source(path: str | Path, *, shape: Shape | None = None) -> tuple[Row, ...]:
    """Read rows from a file, or from the files of a folder.

    Files are sorted by name; hidden ones are skipped.

    Formats, by extension:
        `.jsonl`: one JSON object a line.
        `.json`: a list of objects; or an object that contains one list; or lines of objects, as in TOFU's files.
        `.csv`: commas, a header; lists (`messages`, `accepted_answers`, turns of a `prompt`) as JSON in a cell.
        `.parquet`: one or more row groups; only the columns that are used are read.
        `.txt`, `.md`: one document, one row. See `unlearnkit.data.documents` for long ones.

    Text is UTF-8, with or without a byte order mark, and is not changed.

    Schemas, detected by the columns of each file unless `shape` is given:
        `qa`: `question`, `answer`.
        `prompt_completion`: `prompt`, `completion`; strings, or lists of turns.
        `messages`: turns with `role` and `content`; the last question and its answer, earlier turns as history.
        `text`: `text`; gives rows with an empty question.

    In addition to its schema's columns a record may have any of a row's own: `id`, `trace`, `accepted_answers`,
    `language`, `subject`, `attribute`, `question_type`, `options`, `paraphrased_answer`, `perturbed_answer`; null or an
    empty string counts as not given (except for `id`). Every other column is ignored, and so is everything in a turn
    except role and content.

    A row without an `id` gets `<file name>:<number>`: the line where it begins in JSONL and CSV, its index among the
    records in other formats, both from 1. Ids are unique over all files read.

    Raises:
        InputError: something cannot be used; the message names file, line or record, and field. If several records of
            a file cannot be used, the first error is shown in full and the others by their places.
    """
    if shape is not None and shape not in SHAPES:
        allowed = ", ".join(SHAPES)
        raise InputError("there is no such shape of data", value=shape, allowed=allowed, fix="use one of these")
    rows: list[Row] = []
    places: dict[str, str] = {}
    for file in source_files(Path(path)):
        records = FORMATS[file.suffix.lower()](file)
        if not records:
            raise InputError("the file contains no rows", where=str(file), fix="add rows, or remove the file")
        schema = detect_schema(file, records, shape)
        warn_of_earlier_columns(file, records)
        for record, row in _usable(records, schema, file.name):
            if row.id in places:
                raise InputError(
                    "two rows have the same id",
                    where=f"{places[row.id]} and {record.place}, field id",
                    value=shortened(row.id),
                    fix="give every row a unique id, or remove the column",
                )
            places[row.id] = record.place
            rows.append(row)
    return tuple(rows)


def _usable(records: Sequence[Record], shape: Shape, name: str) -> list[tuple[Record, Row]]:
    """Return every record with its row.

    Raises:
        InputError: some records cannot be used; raised after all were tried.
    """
    rows, broken = [], []
    for record in records:
        try:
            rows.append((record, as_row(record, shape, name)))
        except InputError as error:
            broken.append(error)
    if not broken:
        return rows
    first, others = broken[0], [str(error.where) for error in broken[1:]]
    if not others:
        raise first
    more = "; ".join(others[:LISTED]) + ("; ..." if len(others) > LISTED else "")
    where = f"{first.where}; and {len(others)} more of the file's records cannot be used: {more}"
    raise InputError(first.what, where=where, value=first.value, allowed=first.allowed, fix=first.fix) from first
