"""Read and write the records of attacks, one file per attempt.

The files are in the run's private folder, because the records contain the knowledge that must be forgotten.
"""

from __future__ import annotations

from pathlib import Path

from unlearnkit.attacks.base import Attempt
from unlearnkit.core.files import reading
from unlearnkit.records.schema import Record, read_records, write_records

FIX = "attack the run again: unlearn attack"


def write_attempt(place: Path, attempt: Attempt) -> None:
    """Write one attempt's records to the folder `place`.

    An existing file of the same attempt is replaced.
    """
    write_records(place / f"{attempt.name}.jsonl", attempt.records)


def read_attempts(place: Path) -> dict[str, list[Record]]:
    """Read the records of all attempts in a folder, by attempt name."""
    found = {}
    for file in sorted(place.glob("*.jsonl")):
        with reading(file, fix=FIX):
            found[file.name.removesuffix(".jsonl")] = read_records(file)
    return found
