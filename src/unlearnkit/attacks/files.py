"""The records of attacks on a run, one file an attempt, in its private folder: they hold what is to be forgotten."""

from __future__ import annotations

import shutil

from unlearnkit.attacks.contract import Attempt
from unlearnkit.metrics.attack_board import attack_scores
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record, read_records, write_records
from unlearnkit.runfolder import RunFolder, reading

FIX = "attack the run again: unlearn attack"


def write_attempt(folder: RunFolder, attempt: Attempt) -> None:
    """Keep what an attempt got, in the place of what it got before."""
    write_records(folder.attack_records / f"{attempt.name}.jsonl", attempt.records)


def read_attempts(folder: RunFolder) -> dict[str, list[Record]]:
    """The records of all attempts, by their names."""
    found = {}
    for file in sorted(folder.attack_records.glob("*.jsonl")):
        with reading(file, fix=FIX):
            found[file.name.removesuffix(".jsonl")] = read_records(file)
    return found


def score_attacks(folder: RunFolder) -> None:
    """Make `attacks.json` of the records of all attempts, and of those of the plain questions. Needs no model."""
    plain, scope, done = folder.records(), folder.scope(), folder.state().attacks
    left_out = {name: counts for each in done.values() for name, counts in each.left_out.items()}
    scores: dict[str, Score] = {}
    for name, records in read_attempts(folder).items():
        scores |= attack_scores(name, records, plain, scope, left_out.get(name, {}))
    folder.write_attack_scores(scores)


def drop_attacks(folder: RunFolder) -> bool:
    """Remove what attacks left, when the plain records beside it are no longer the same. Says whether there was any."""
    if not folder.attacks_file.exists() and not folder.attack_records.exists():
        return False
    shutil.rmtree(folder.attack_records, ignore_errors=True)
    folder.attacks_file.unlink(missing_ok=True)
    folder.update(attacks={})
    return True
