"""Read and write a run's judgments, one private file per judge.

The files are readable only by their owner, because judgments may quote text that the model must forget.
"""

from __future__ import annotations

from pathlib import Path

from unlearnkit.core.files import reading, write_atomic, writing
from unlearnkit.judges.base import Judged


def write_judged(place: Path, judged: Judged) -> None:
    """Write one judge's judgments to the folder `place`.

    Earlier judgments by the same judge are replaced.
    """
    with writing(place):
        place.mkdir(exist_ok=True, mode=0o700)
    write_atomic(place / f"{judged.judge}.json", judged.model_dump_json(exclude_defaults=True) + "\n", mode=0o600)


def read_judged(place: Path) -> dict[str, Judged]:
    """Read all judgments from the folder `place`, by name of the judge."""
    stored = {}
    for file in sorted(place.glob("*.json")):
        with reading(file, fix="delete the file, and judge the run again with unlearn judge"):
            judged = Judged.model_validate_json(file.read_text(encoding="utf-8"))
        stored[judged.judge] = judged
    return stored
