"""Probes: rows with a prefilled output. Needs no model."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Record


@dataclass(frozen=True)
class Probe:
    """A row, and the beginning of the output on it."""

    row: Row
    """The row as the subject gets it, with the id of the row that it was made from."""
    trace: str | None = None
    """A closed trace that the output begins with; empty for an empty trace, None for no trace."""
    answer: str = ""
    """The beginning of the row's answer, which the output continues."""

    def __post_init__(self) -> None:
        if not self.row.answer.startswith(self.answer):
            raise ValueError(f"row {self.row.id}: the prefilled answer is not the beginning of the row's answer")

    @property
    def begun(self) -> bool:
        """Whether any part of the output is prefilled."""
        return self.trace is not None or bool(self.answer)


@dataclass(frozen=True)
class ProbeResult:
    """The measurements of probes."""

    records: list[Record]
    too_long: dict[str, int]
    """Number of rows that do not fit the model, by set; they have no record."""
