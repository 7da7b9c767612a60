"""Records of measurements on rows.

Every metric, chart and sample is computed from these values, without a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row

V = TypeVar("V", bound=Value)


class Tokens(Value):
    """One teacher-forced pass over a row.

    Each list has one entry for each token of the answer, without the trace.
    """

    logps: list[float]
    """log p(token | question, the row's trace, answer so far), natural logarithm."""
    ranks: list[int]
    """Rank of the token in the vocabulary, 0 for the most likely one."""
    mean_logps: list[float]
    """E_{v~p}[log p(v)], the mean over the vocabulary (mu of Min-K++)."""
    var_logps: list[float]
    """Var_{v~p}[log p(v)], the variance over the vocabulary (sigma squared of Min-K++)."""


class Record(Value):
    """All measurements of one subject on one row."""

    split: str
    """The row set."""
    row: Row
    generation: Generation | None = None
    """None if nothing was generated, as for a text without a question."""
    tokens: Tokens | None = None
    """None if the subject provides no token log-probabilities."""
    paraphrased: list[float] | None = None
    """log p of the tokens of the row's paraphrased answer, as in `Tokens.logps`; None if the row has none."""
    perturbed: list[list[float]] = Field(default_factory=list)
    """The same for each of the row's perturbed answers."""
    gradient_norms: list[float] | None = None
    """L2 norm of the mean answer loss's gradient for each weight tensor; None if it was not measured."""


def by_set(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group records by row set, in their order."""
    sets: dict[str, list[Record]] = {}
    for record in records:
        sets.setdefault(record.split, []).append(record)
    return sets


def write_records(path: Path, records: list[Record]) -> None:
    """Write records as JSONL.

    Only the owner can read the file, because it contains forget text.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, "".join(r.model_dump_json(exclude_defaults=True) + "\n" for r in records), mode=0o600)


def read_records(path: Path) -> list[Record]:
    """Read a file of `write_records`.

    Raises:
        ValueError: a line is not a record; the message names the line.
    """
    return read_lines(path, Record)


def read_lines(path: Path, kind: type[V]) -> list[V]:
    """Read a JSONL file of values of one kind.

    Raises:
        ValueError: a line is not such a value. The message names the line, and does not quote it, because it may
            contain forget text.
    """
    values = []
    # Not splitlines(), which also splits at characters that JSON strings may contain, such as U+2028.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line:
            try:
                values.append(kind.model_validate_json(line))
            except ValidationError as error:
                raise ValueError(f"line {number}: {error.errors()[0]['msg']}") from error
    return values
