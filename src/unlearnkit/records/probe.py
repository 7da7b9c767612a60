"""Probes: rows for which the beginning of the output is prefilled.

This module works without a model.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Record


@dataclass(frozen=True)
class Probe:
    """A row with the prefilled beginning of the model's output."""

    row: Row
    """The row as given to the model. A derived row has the id of the row from which it was derived."""
    trace: str | None = None
    """The complete trace that is prefilled. An empty string prefills an empty trace; None prefills no trace."""
    answer: str = ""
    """The prefilled beginning of the row's answer. The model continues the answer from there."""

    def __post_init__(self) -> None:
        if not self.row.answer.startswith(self.answer):
            raise ValueError(f"row {self.row.id}: the prefilled answer is not the beginning of the row's answer")

    @property
    def begun(self) -> bool:
        """Whether any part of the output is prefilled."""
        return self.trace is not None or bool(self.answer)


@dataclass(frozen=True)
class ProbeResult:
    """The result of measuring a model on probes."""

    records: list[Record]
    too_long: dict[str, int]
    """Number of rows that are too long for the model, by set. These rows have no record."""
