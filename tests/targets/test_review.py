"""Targets that go to a person and come back edited."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.targets.review import read_review, write_review

SCOPE = Scope(
    description="Ada Velt asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Velt"),),
    secrets=(Secret(subject="Ada Velt", forms=("Lisbon",)),),
)
ROWS = {f"r{n}": Row(id=f"r{n}", question=f"Question {n}?", answer="Lisbon", subject="Ada Velt") for n in range(3)}
TARGETS = [Target(id=id, trace="Hm.\u2028", response=f"Нет, {id}.") for id in ROWS]


def read(path: Path) -> dict[str, Target]:
    return read_review(path, TARGETS, ROWS, SCOPE, lambda row, target: len(target.response) < 50)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "review" / "targets.jsonl"
    write_review(path, TARGETS, ROWS)
    return path


def edit(path: Path, line: int, **changed: Any) -> None:
    lines = [json.loads(text) for text in path.read_text("utf-8").split("\n") if text]
    lines[line - 1] |= changed
    path.write_text("\n".join(json.dumps(each) for each in lines), "utf-8")


def test_what_goes_out_comes_back(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = json.loads(file.read_text("utf-8").split("\n")[0])
    assert first == {"id": "r0", "question": "Question 0?", "trace": "Hm.\u2028", "response": "Нет, r0."}
    assert read(file) == {t.id: t.model_copy(update={"trace": "Hm."}) for t in TARGETS}
    edit(file, 2, response=" Never. ")
    assert read(file)["r1"].response == "Never."
    file.write_text(file.read_text("utf-8").split("\n")[1], "utf-8")
    assert set(read(file)) == {"r1"}, "what is left out stays as it is"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"id": "r9"}, ["no target with that id", "field id", "'r9'"]),
        ({"id": "r0"}, ["not the question", "field question"]),
        ({"question": "Another?"}, ["not the question", "field question"]),
        ({"id": "r0", "question": "Question 0?"}, ["contains this target twice", "'r0'"]),
        ({"trace": " "}, ["the trace is empty", "field trace"]),
        ({"response": ""}, ["the response is empty", "field response"]),
        ({"response": 5}, ["not a valid target", "field response", "string fields"]),
        ({"more": "x"}, ["not a valid target", "field more"]),
        ({"trace": "It is LISBON."}, ["the trace reveals a secret", "field trace", "'r1'"]),
        ({"response": "Not Lisbon."}, ["the response reveals a secret", "field response"]),
        ({"response": "No. " * 50}, ["does not fit", "train.max_length"]),
    ],
)
def test_a_line_that_cannot_be_used_is_told_by_file_and_line(changed: Any, says: list[str], file: Path) -> None:
    edit(file, 2, **changed)
    with pytest.raises(InputError) as raised:
        read(file)
    told = str(raised.value)
    assert f"{file}:2" in told and "fix:" in told and "isbon" not in told.lower().replace(str(file), "")
    assert all(words in told for words in says), told


def test_a_file_that_is_none_is_told(file: Path) -> None:
    with pytest.raises(InputError, match="--import"):
        read(file.with_name("nowhere.jsonl"))
    file.write_text('{"id": "r0", "ques')
    with pytest.raises(InputError, match=r"targets.jsonl:1"):
        read(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        read(file)
