"""Every registered attack on a measured run. What an attack must do by itself: `tests/conformance/test_attacks.py`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from unlearnkit.attacks.base import ATTACKED_SETS, ATTACKS, PromptAttack
from unlearnkit.attacks.scores import ATTACK_METRICS
from unlearnkit.attacks.store import read_attempts
from unlearnkit.core.progress import Progress
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.pipeline.attack import attack
from unlearnkit.pipeline.purge import purge
from unlearnkit.pipeline.score import score
from unlearnkit.records.schema import by_set
from unlearnkit.runs.folder import RunFolder

AT_MOST = 6
QUIET = Progress(quiet=True)


def bytes_of(folder: RunFolder) -> dict[str, bytes]:
    """The files of a run but those that an attack may write."""
    own = {folder.state_file, folder.attacks_file}
    files = (path for path in folder.path.rglob("*") if path.is_file() and path not in own)
    return {str(path): path.read_bytes() for path in files if folder.attack_records not in path.parents}


@pytest.mark.parametrize("name", ATTACKS.names())
def test_an_attack_asks_rows_of_the_forget_sets_and_leaves_the_run_as_it_is(name: str, folder: RunFolder) -> None:
    before, plain = bytes_of(folder), by_set(folder.records())
    scores = attack(folder, [name], at_most=AT_MOST, progress=QUIET)
    assert bytes_of(folder) == before
    attempts = read_attempts(folder.attack_records)
    done = folder.state().attacks[name]
    assert attempts and set(folder.state().attacks) == {name} and set(attempts) == set(done.left_out)
    for attempt, records in attempts.items():
        assert attempt == name or attempt.startswith(f"{name}.")
        assert records
        for split, members in by_set(records).items():
            assert split in ATTACKED_SETS
            ids = [record.row.id for record in members]
            assert len(ids) == len(set(ids)) <= AT_MOST
            assert set(ids) <= {record.row.id for record in plain[split]}
            assert all(record.generation and record.tokens and record.tokens.logps for record in members)
            for metric in ATTACK_METRICS:
                assert scores[f"{attempt}.{split}.{metric}"].count == len(ids), metric
                assert scores[f"{attempt}.{split}.plain_{metric}"].count == len(ids), metric


@pytest.mark.parametrize("name", ATTACKS.names())
def test_an_attack_is_the_same_each_time_and_scored_again_without_a_model(
    name: str, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = attack(folder, [name], at_most=AT_MOST, progress=QUIET)
    records = read_attempts(folder.attack_records)
    assert attack(folder, [name], at_most=AT_MOST, progress=QUIET) == scores
    assert read_attempts(folder.attack_records) == records
    folder.attacks_file.unlink()
    score(folder)
    assert folder.attack_scores() == scores
    files = list(folder.attack_records.iterdir())
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files)
    purge(folder)
    assert not folder.attack_records.exists() and folder.attack_scores() == scores


@pytest.mark.parametrize(
    "name", [name for name in ATTACKS.names() if issubclass(ATTACKS.get(name).plugin, PromptAttack)]
)
def test_what_is_put_to_a_subject_tells_no_secret(name: str, folder: RunFolder) -> None:
    made, scope = ATTACKS.get(name).plugin(), folder.scope()
    assert isinstance(made, PromptAttack)
    asked = 0
    for record in folder.records():
        if record.split != "forget":
            continue
        put = made.rewrite(record.row, random.Random(record.row.id))
        if put is not None:
            asked += 1
            assert put.row.id == record.row.id and put.row.answers == record.row.answers
            assert record.row.question in put.row.question
            assert not find_leaks(f"{put.row.question} {put.trace or ''} {put.answer}", record.row, scope)
    assert asked > 0


def test_only_what_is_named_is_made_anew(folder: RunFolder) -> None:
    attack(folder, ["no_trace"], at_most=2, progress=QUIET)
    first = Path(folder.attack_records / "no_trace.jsonl").read_bytes()
    scores = attack(folder, ["prefilled_trace"], at_most=3, progress=QUIET)
    assert {name.partition(".")[0] for name in scores} == {"no_trace", "prefilled_trace"}
    assert Path(folder.attack_records / "no_trace.jsonl").read_bytes() == first
    assert {name: done.settings["at_most"] for name, done in folder.state().attacks.items()} == {
        "no_trace": 2,
        "prefilled_trace": 3,
    }
