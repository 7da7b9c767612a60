"""The judgements of a run, one file a judge, in its private folder: they quote what is to be forgotten."""

from __future__ import annotations

from unlearnkit.judge.contract import Judged
from unlearnkit.runfolder import RunFolder, reading
from unlearnkit.writing import write_whole, writing


def write_judged(folder: RunFolder, judged: Judged) -> None:
    """Keep a judge's judgements in the place of those that it made before."""
    place = folder.judgements
    with writing(place):
        place.mkdir(exist_ok=True, mode=0o700)
    write_whole(place / f"{judged.judge}.json", judged.model_dump_json(exclude_defaults=True) + "\n", mode=0o600)


def read_judged(folder: RunFolder) -> dict[str, Judged]:
    """All judgements of a run, by the judge's name."""
    found = {}
    for file in sorted(folder.judgements.glob("*.json")):
        with reading(file, fix="delete the file, and judge the run anew: unlearn judge"):
            judged = Judged.model_validate_json(file.read_text(encoding="utf-8"))
        found[judged.judge] = judged
    return found
