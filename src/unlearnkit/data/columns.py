"""The columns of row files.

Some columns are read, some are refused, and all others are ignored. The user can give columns other names.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from unlearnkit.core.errors import InputError, InputWarning
from unlearnkit.core.redaction import describe_type
from unlearnkit.core.settings import RenamedWarning
from unlearnkit.data.file_records import Record, field_place
from unlearnkit.data.rows import RENAMED_COLUMNS, Row

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
                where=field_place(record, name),
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
