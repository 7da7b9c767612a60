"""`unlearn judge` and `unlearn judge agree` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.judges.worked import FORGET, KEPT, PRINCIPLED, record, run_folder
from unlearnkit.runs.folder import RunFolder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, `runs/one` and `runs/two`, seen from the folder above it."""
    monkeypatch.chdir(tmp_path)
    records = [record("forget", FORGET, PRINCIPLED), record("near", KEPT, "The Amber Quill.")]
    run_folder(tmp_path / "runs" / "one", records)
    run_folder(tmp_path / "runs" / "two", [record("forget", FORGET, "I don't know."), records[1]])
    return Path("runs")


def test_runs_are_judged_by_rules(runs: Path, call: Any) -> None:
    code, out, err = call("judge", "runs", "--json")
    assert code == 0, err
    scores = json.loads(out)
    assert list(scores) == ["one", "two"]
    assert scores["one"]["judge.rules.forget.uq"]["value"] == 10
    rejection = scores["two"]["judge.rules.forget.uq.rejection"]
    assert (rejection["value"], rejection["count"]) == (6.0, 1) and rejection["low"] < 6 < rejection["high"]
    assert "runs/one/private/judgments/rules.json" in err.replace("\n", "")
    # Options may come first, and the rules are the judge that is meant.
    code, out, _ = call("judge", "--judge", "rules", str(runs / "two"))
    assert code == 0 and "Judge rules" in out and "forget.uq.helpfulness" in out
    code, out, _ = call("compare", "runs")
    assert code == 0 and "Judged by rules" in out and "judge.rules.near.rq" in out and "LaaJ" not in out
    code, out, _ = call("compare", "runs", "--json")
    assert json.loads(out)["subjects"]["one"]["judge.laaj.forget.uq"] is None


def test_help_of_both(call: Any) -> None:
    code, out, _ = call("judge", "--help")
    assert code == 0 and "unlearn judge agree RUN --judges A,B" in out and "--repeats" in out and "show rules" in out
    code, out, _ = call("judge", "agree", "-h")
    assert code == 0 and "--judges" in out and "--repeats" not in out
    code, out, _ = call("--help")
    assert code == 0 and "Judge the outputs of runs" in out


def test_the_rules_and_the_rubrics_are_shown(call: Any) -> None:
    code, out, _ = call("show", "rules")
    assert code == 0 and "relevance: The score is 0 if the output reveals a secret" in out and "without a model" in out
    code, out, _ = call("show", "laaj-paper")
    assert code == 0 and "trace: rq" in out and "failures: drop" in out and "Rubrics, version" in out
    assert "  server\n" in out and "  path\n" in out and "--send-forget-data-to" in out
    code, out, _ = call("ls", "judge", "--json")
    assert [entry["name"] for entry in json.loads(out)["judge"]] == ["rules", "laaj", "laaj-paper"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["judge"], 2, "Missing argument"),
        (["judge", "nowhere"], 2, "no measured run"),
        (["judge", "runs", "--judge", "rulez"], 2, "laaj-paper"),
        (["judge", "runs", "--judge", "laaj"], 4, "needs a language model"),
        (["judge", "path=m", "--judge", "laaj"], 2, "no run is given"),
        (["judge", "runs", "path=m"], 2, "omit path"),
        (["judge", "runs", "server.url=https://me:sk-1@h/v1"], 2, "omit server.url, or"),
        (["judge", "runs", "--max-requests", "3"], 2, "omit --max-requests"),
        (["judge", "runs", "--judge", "laaj", "path=runs"], 2, "no config.json"),
        (["judge", "runs", "--judge", "laaj", "path=m", "server.url=http://h", "server.model=m"], 2, "two are given"),
        (["judge", "runs", "--judge", "laaj", "server.url=http://h"], 2, "add the field server.model"),
        (["judge", "runs", "--judge", "laaj", "sampling.temprature=1"], 2, "temperature"),
        (["judge", "runs", "--judge", "laaj", "server={url: http://h, model: m, key: sk-1}"], 2, "key_variable"),
        (["judge", "runs", "--seed", "1"], 2, "omit --seed"),
        (["judge", "runs", "--repeats", "2"], 2, "omit --repeats"),
        (["judge", "runs", "--judge", "laaj", "--repeats", "0"], 2, "--repeats"),
        (["judge", "agree"], 2, "Missing"),
        (["judge", "agree", "nowhere", "--judges", "rules,laaj"], 2, "no run"),
        (["judge", "agree", "runs/one", "--judges", "rules"], 2, "names of two different judges"),
        (["judge", "agree", "runs/one", "--judges", "rules,rules"], 2, "names of two different judges"),
        (["judge", "agree", "runs/one", "--judges", "rules,laaj"], 2, "has not judged the run"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    arguments: list[str], code: int, words: str, runs: Path, call: Any
) -> None:
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    found, out, err = call(*arguments)
    assert found == code, err
    assert words in out + err and "sk-1" not in out + err
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before


def test_a_purged_run_keeps_its_scores_and_says_what_is_gone(runs: Path, call: Any) -> None:
    assert call("judge", "runs/one")[0] == 0
    folder = RunFolder("runs/one")
    assert call("purge", "runs/one")[0] == 0
    assert not folder.judgments.exists() and folder.scores()["judge.rules.forget.uq"].value == 10
    code, _, err = call("judge", "runs/one")
    assert code == 2 and "purged" in err
