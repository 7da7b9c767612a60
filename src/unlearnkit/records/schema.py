"""What was measured on a row, once. Every metric, chart and sample is made from these values; no model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row


class Tokens(Value):
    """One teacher-forced pass over the row; each list has one entry for each token of its answer, trace left out."""

    logps: list[float]
    """log p(token | question, the row's trace, answer so far), natural logarithm."""
    ranks: list[int]
    """Rank of the token in the vocabulary, 0 for the most likely one."""
    mean_logps: list[float]
    """E_{v~p}[log p(v)], the mean over the vocabulary (Min-K++'s mu)."""
    var_logps: list[float]
    """Var_{v~p}[log p(v)], the variance over the vocabulary (Min-K++'s sigma squared)."""


class Record(Value):
    """Everything measured on one row of one subject."""

    split: str
    """The row set that the row was measured as a part of."""
    row: Row
    generation: Generation | None = None
    """None where generation was not measured, and for a text, which asks for nothing."""
    tokens: Tokens | None = None
    """None where the subject gives no token log-probabilities."""
    paraphrased: list[float] | None = None
    """log p of the tokens of the row's paraphrased answer, as in `Tokens.logps`; None where it has none."""
    perturbed: list[list[float]] = Field(default_factory=list)
    """The same for each of the row's perturbed answers."""
    gradient_norms: list[float] | None = None
    """L2 norm of each weight tensor's gradient of the mean loss on the answer; None where it was not measured."""


def by_set(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Records by the set that they were measured as a part of, in their order."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.split, []).append(record)
    return found


def write_records(path: Path, records: list[Record]) -> None:
    """Write records as JSONL, readable by the owner alone: they hold what is to be forgotten."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, "".join(r.model_dump_json(exclude_defaults=True) + "\n" for r in records), mode=0o600)


def read_records(path: Path) -> list[Record]:
    """Read what `write_records` wrote. Raises `ValueError`, naming the line, for one that is no record."""
    records = []
    # Not splitlines(), which would also cut at U+2028 and its like, and these may stand in a JSON string.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line:
            continue
        try:
            records.append(Record.model_validate_json(line))
        except ValidationError as error:
            # Without the value: it may be what is to be forgotten.
            raise ValueError(f"line {number}: {error.errors()[0]['msg']}") from error
    return records
