"""Read a user's rows from files, in TRL's schemas.

The module `formats` reads a file into records, and the module `schemas` converts the records to rows. Unusable data
raises an `InputError` with the position of the problem. No schema is guessed: the columns of a file must match exactly
one schema.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from unlearnkit.core.errors import InputError
from unlearnkit.data.columns import SHAPES, ColumnChoice, Shape, detect_schema, warn_of_earlier_columns
from unlearnkit.data.file_records import Record, shortened
from unlearnkit.data.formats import FORMATS, source_files
from unlearnkit.data.rows import Row
from unlearnkit.data.schemas import as_row

LISTED = 8
"""Maximum number of unusable records that a message lists in addition to the first unusable record."""


def read_source(
    path: str | Path,
    *,
    shape: Shape | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
) -> tuple[Row, ...]:
    """Read rows from a file, or from the files of a folder.

    The files of a folder are read in the order of their names. Hidden files are skipped.

    Formats, by extension:
        `.jsonl`: one JSON object per line.
        `.json`: a list of objects, a single object, an object that contains one list of objects, or one object per line
            as in TOFU's files.
        `.csv`: comma-separated, with a header. Lists (`messages`, `accepted_answers`, turns in `prompt`) are written as
            JSON in a cell.
        `.parquet`: one or more row groups. Only the columns that are used are read.
        `.txt`, `.md`: one document, which becomes one row. See `unlearnkit.data.documents` for long documents.

    Files must be UTF-8, with or without a byte order mark. Their text is not changed.

    Schemas, detected from the columns of each file unless `shape` is given:
        `qa`: the columns `question` and `answer`.
        `prompt_completion`: the columns `prompt` and `completion`, which contain strings or lists of turns.
        `messages`: the column `messages`, a list of turns with `role` and `content`. The last two turns become the
            question and the answer; earlier turns become the history.
        `alpaca`: the columns `instruction` and `output`, and optionally `input`. The question consists of the
            instruction, and of the input in a paragraph of its own.
        `text`: the column `text`. The rows have an empty question.

    In addition to the columns of its schema, a record may have any of these columns: `id`, `trace`, `accepted_answers`,
    `language`, `subject`, `attribute`, `question_type`, `wording`, `options`, `paraphrased_answer`,
    `perturbed_answer`. The fields `reasoning_content`, `thinking` and `reasoning`, of a record or of the last turn,
    become the trace. Null or an empty string counts as a missing value (except for `id`).

    Columns that are known to change what a row means, such as `context`, `tools` or `images` (see `MEANINGFUL`), are
    refused. All other columns are ignored.

    A row without an `id` gets the id `<file name>:<number>`. In JSONL and CSV, the number is the line where the record
    begins; in other formats, it is the index of the record. Both start at 1. Ids must be unique across all files read.

    Args:
        path: the file or folder.
        shape: the schema of the files; None to detect the schema.
        columns: the names of columns in the files, by the name of the column that they stand for. The column that
            stands for `system` becomes a system turn.
        ignore: names of columns and of fields of turns that are ignored, although they may change what a row means.

    Raises:
        InputError: a file, record or field cannot be used. The message names the file, the line or record, and the
            field. If several records of a file cannot be used, the message shows the first error in full and lists the
            positions of the others.
    """
    if shape is not None and shape not in SHAPES:
        allowed = ", ".join(SHAPES)
        raise InputError("no data shape has this name", value=shape, allowed=allowed, fix="use an allowed shape")
    choice = ColumnChoice(columns or {}, ignore)
    rows: list[Row] = []
    places: dict[str, str] = {}
    for file in source_files(Path(path)):
        records = FORMATS[file.suffix.lower()](file, choice)
        if not records:
            raise InputError("the file contains no rows", where=str(file), fix="add rows, or remove the file")
        choice.warn_of_absent(file, records)
        records = [choice.apply(record) for record in records]
        schema = detect_schema(file, records, shape)
        warn_of_earlier_columns(file, records)
        for record, row in _usable(records, schema, file.name):
            if row.id in places:
                raise InputError(
                    "two rows have the same id",
                    where=f"{places[row.id]} and {record.place}, field id",
                    value=shortened(row.id),
                    fix="give every row a unique id, or remove the column id",
                )
            places[row.id] = record.place
            rows.append(row)
    return tuple(rows)


def _usable(records: Sequence[Record], shape: Shape, name: str) -> list[tuple[Record, Row]]:
    """Convert records to rows; return each record with its row.

    Raises:
        InputError: one or more records cannot be used. The error is raised after all records have been tried.
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
    where = f"{first.where}; and {len(others)} more records of this file cannot be used: {more}"
    raise InputError(first.what, where=where, value=first.value, allowed=first.allowed, fix=first.fix) from first
