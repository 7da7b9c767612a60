"""A user's own rows: JSONL, JSON, CSV, Parquet and plain text, in the shapes in which TRL takes its data.

`formats` reads a file into records, whose fields `shapes` then reads. Nothing is guessed: what does not fit is a
`InputError` that names the file, the line or record, and the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnkit.core.errors import InputError
from unlearnkit.data.formats import FORMATS, source_files
from unlearnkit.data.rows import Row
from unlearnkit.data.schemas import SHAPES, Record, Shape, as_row, detect_schema, shortened, warn_of_earlier_columns

TOLD = 8
"""Most records beside the first that a message names."""


def read_source(path: str | Path, *, shape: Shape | None = None) -> tuple[Row, ...]:
    """Read rows from a file, or from the files of a folder in order of their names (hidden ones are left out).

    Formats, told by the extension:
        `.jsonl`: one JSON object a line.
        `.json`: a list of objects; or an object that holds one list of them; or lines of objects, as in TOFU's files.
        `.csv`: commas, a header; lists (`messages`, `accepted_answers`, turns of a `prompt`) as JSON in a cell.
        `.parquet`: one row group or many; only the columns that are used are read.
        `.txt`, `.md`: one document, one row. See `unlearnkit.data.documents` for long ones.

    Text is UTF-8, with or without a byte order mark, and is kept to the character.

    Shapes, told by the columns of each file where `shape` does not say it:
        `qa`: `question`, `answer`.
        `prompt_completion`: `prompt`, `completion`; strings, or lists of turns.
        `messages`: turns with `role` and `content`; for now exactly one user turn and the assistant's answer to it.
        `text`: `text`; gives rows with an empty question.

    Beside its shape's columns a record may have any of a row's own: `id`, `trace`, `accepted_answers`, `language`,
    `subject`, `attribute`, `question_type`, `options`, `paraphrased_answer`, `perturbed_answer`; null or an empty
    string stands for one that is not given (but for `id`). Every other column is left out, and of a turn all
    but role and content.

    A row without an `id` gets `<file name>:<number>`: the line where it begins in JSONL and CSV, its place among the
    records in other formats, both from 1. Ids are unique over all that is read.

    Raises:
        InputError: for anything that cannot be used, with file, line or record, and field; of a file's records that
            cannot be used, the first is told whole, and the others by their places.
    """
    if shape is not None and shape not in SHAPES:
        raise InputError(
            "there is no such shape of data", value=shape, allowed=", ".join(SHAPES), fix="name one of these"
        )
    rows: list[Row] = []
    places: dict[str, str] = {}
    for name, file in source_files(Path(path)):
        records = FORMATS[file.suffix.lower()](file)
        if not records:
            raise InputError("the file holds no rows", where=str(file), fix="add rows, or take the file away")
        told = detect_schema(file, records, shape)
        warn_of_earlier_columns(file, records)
        for record, row in _usable(records, told, name):
            if row.id in places:
                raise InputError(
                    "two rows have the same id",
                    where=f"{places[row.id]} and {record.place}, field id",
                    value=shortened(row.id),
                    fix="give every row an id of its own, or leave the column out",
                )
            places[row.id] = record.place
            rows.append(row)
    return tuple(rows)


def _usable(records: Sequence[Record], shape: Shape, name: str) -> list[tuple[Record, Row]]:
    """Every record with its row. Raises `InputError` where one cannot be used, after all were looked at."""
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
    told = "; ".join(others[:TOLD]) + ("; ..." if len(others) > TOLD else "")
    raise InputError(
        first.what,
        where=f"{first.where}; and {len(others)} more of the file's records cannot be used: {told}",
        value=first.value,
        allowed=first.allowed,
        fix=first.fix,
    ) from first
