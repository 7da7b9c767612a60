"""The judgments of a run, one file a judge, in its private folder: they quote what is to be forgotten."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.core.files import reading, write_atomic, writing
from unlearnkit.judges.base import Judged


def write_judged(place: Path, judged: Judged) -> None:
    """Write the judgments of one judge to the folder `place`, replacing its earlier ones."""
    with writing(place):
        place.mkdir(exist_ok=True, mode=0o700)
    write_atomic(place / f"{judged.judge}.json", judged.model_dump_json(exclude_defaults=True) + "\n", mode=0o600)


def read_judged(place: Path) -> dict[str, Judged]:
    """Read all judgments in the folder `place`, by the name of the judge."""
    found = {}
    for file in sorted(place.glob("*.json")):
        with reading(file, fix="delete the file, and judge the run anew: unlearn judge"):
            judged = Judged.model_validate_json(file.read_text(encoding="utf-8"))
        found[judged.judge] = judged
    return found
