"""A row that is put to a subject in another way than plainly. Needs no model."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Record


@dataclass(frozen=True)
class Probe:
    """A row, and how an output on it is begun in the subject's name."""

    row: Row
    """The row as it is put, with the id of the row that it was made of."""
    trace: str | None = None
    """A closed trace that the output begins with; empty for one that holds nothing, None for none."""
    answer: str = ""
    """The beginning of the row's answer, which the output goes on with."""

    def __post_init__(self) -> None:
        if not self.row.answer.startswith(self.answer):
            raise ValueError(f"row {self.row.id}: what is begun is not the beginning of its answer")

    @property
    def begun(self) -> bool:
        """Whether anything is begun at all."""
        return self.trace is not None or bool(self.answer)


@dataclass(frozen=True)
class ProbeResult:
    """What came of putting rows to a subject."""

    records: list[Record]
    too_long: dict[str, int]
    """Rows that the subject has no room for, by set; no record is made of them."""
