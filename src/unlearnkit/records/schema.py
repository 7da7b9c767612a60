"""Records of the measurements on each row.

The metrics and the report's samples are computed from these records, without loading a model.
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

ELICITED_SET = "forget"
"""The row set on which the measurements in `Elicited` are made."""

V = TypeVar("V", bound=Value)


class Tokens(Value):
    """Token statistics of an answer, from one teacher-forced pass.

    Each list has one entry for each token of the answer. Tokens of the trace are not included.
    """

    logps: list[float]
    """Log-probability of each token, given the question, the row's trace and the preceding tokens of the answer. The
    logarithm is natural."""
    ranks: list[int]
    """Rank of each token among all tokens of the vocabulary, by probability; the most likely token has rank 0."""
    mean_logps: list[float]
    """Mean of log p(v) at each position, for a token v drawn from the model's distribution p (mu of Min-K++)."""
    var_logps: list[float]
    """Variance of log p(v) at each position, for a token v drawn from the model's distribution p (sigma squared of
    Min-K++)."""


class Elicited(Value):
    """What a model tells about a row if its output is begun.

    A field is None if it was not measured, for example because the model offers no log-probabilities.
    """

    own_trace_logps: list[float] | None = None
    """Log-probability of each token of the answer after the trace of the model's own output, as in `Tokens.logps`. The
    list is None if the output has no trace."""
    no_trace_logps: list[float] | None = None
    """Log-probability of each token of the answer without a trace. If the model writes traces, an empty trace precedes
    the answer."""
    no_trace: Generation | None = None
    """The output without a trace. If the model writes traces, the output begins with an empty trace."""
    begun: Generation | None = None
    """The output after the first words of the row's answer. These words are a part of this output. It is None if the
    answer begins with the secret."""


class Record(Value):
    """All measurements of one model on one row."""

    split: str
    """Name of the row set."""
    row: Row
    generation: Generation | None = None
    """The model's output. It is None if nothing was generated, for example because a plain text has no question."""
    tokens: Tokens | None = None
    """Token statistics of the row's answer. They are None if the model provides no token log-probabilities."""
    paraphrased: list[float] | None = None
    """Token log-probabilities of the row's paraphrased answer, as in `Tokens.logps`.

    The list is None if the row has no paraphrased answer, or if the model provides no token log-probabilities.
    """
    perturbed: list[list[float]] = Field(default_factory=list)
    """Token log-probabilities of each perturbed answer of the row, as in `Tokens.logps`."""
    gradient_norms: list[float] | None = None
    """L2 norm of the loss gradient, for each weight tensor.

    The loss is the mean over the answer's tokens. The list is None if gradient norms were not measured.
    """
    elicited: Elicited | None = None
    """What the model tells if the beginning of its output is given. It is None if this was not measured."""


def by_set(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group records by row set, without changing their order."""
    sets: dict[str, list[Record]] = {}
    for record in records:
        sets.setdefault(record.split, []).append(record)
    return sets


def write_records(path: Path, records: list[Record]) -> None:
    """Write records as JSONL.

    The file is readable only by its owner, because it contains text that the model must forget.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, "".join(r.model_dump_json(exclude_defaults=True) + "\n" for r in records), mode=0o600)


def read_records(path: Path) -> list[Record]:
    """Read records from a file that `write_records` has written.

    Raises:
        ValueError: a line is not a valid record; the message gives the line number.
    """
    return read_lines(path, Record)


def read_lines(path: Path, kind: type[V]) -> list[V]:
    """Read a JSONL file of values of one class.

    Raises:
        ValueError: a line is not a valid value of the class `kind`. The message gives the line number, but does not
            quote the line, because the line may contain text that the model must forget.
    """
    values = []
    # splitlines() would also split at characters that JSON strings may contain, such as U+2028.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line:
            try:
                values.append(kind.model_validate_json(line))
            except ValidationError as error:
                raise ValueError(f"line {number}: {error.errors()[0]['msg']}") from error
    return values
