"""`unlearn scope suggest` as it is typed: what it drafts, and what it never overwrites or tells."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scope.test_suggest import RETAIN, ROWS
from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.cli.app import main
from unlearnkit.data.rows import Row
from unlearnkit.models.load import save_model
from unlearnkit.scope.file import read_scope
from unlearnkit.scope.suggest import suggest_scope


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls `unlearn scope suggest` beside `forget.jsonl` and `retain.jsonl`: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name, rows in {"forget": ROWS, "retain": RETAIN}.items():
        lines = (json.dumps({"question": row.question, "answer": row.answer}) for row in rows)
        Path(f"{name}.jsonl").write_text("\n".join(lines), "utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["unlearn", "scope", "suggest", *arguments])
        try:
            code = main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def as_read(rows: tuple[Row, ...]) -> list[Row]:
    """The rows as they come from a file that has only questions and answers."""
    return [Row(id=row.id, question=row.question, answer=row.answer) for row in rows]


def test_a_draft_is_a_scope_for_its_owner_alone(call: Any) -> None:
    code, out, err = call("forget.jsonl", "--retain", "retain.jsonl", "--task", "privacy")
    assert code == 0, err
    file = Path("scope.yaml")
    scope = read_scope(file)
    assert scope == suggest_scope(as_read(ROWS), as_read(RETAIN), task="privacy") and scope.neighbors
    assert scope.allowed and "# allowed: facts about neighbors" in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text("utf-8").startswith("# The scope: what must be forgotten. Check and correct")
    assert f"3 subjects, {len(scope.secrets)} secrets, {len(scope.neighbors)} neighbors" in err
    assert not any(form in out + err for secret in scope.secrets for form in secret.forms), "it tells no secret"


def test_without_retain_rows_there_are_no_neighbors(call: Any) -> None:
    assert call("forget.jsonl", "--out", "drafts/mine.yaml")[0] == 0
    scope = read_scope(Path("drafts/mine.yaml"))
    assert scope.neighbors == () and scope.task == "profile"


def test_documents_are_cut_by_a_models_tokens(call: Any) -> None:
    Path("book.txt").write_text("In this book the poet Ada Bell cannot say what it was . " * 40, "utf-8")
    code, _, err = call("book.txt")
    assert code == 2 and "--model DIR" in err and not Path("scope.yaml").exists()
    save_model(tiny_model(), tiny_tokenizer(), Path("model"))
    code, _, err = call("book.txt", "--model", "model")
    assert code == 0, err
    assert [subject.name for subject in read_scope(Path("scope.yaml")).subjects] == ["Ada Bell"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["forget.jsonl", "--out", "taken.yaml"], ["exists already", "taken.yaml", "--out"]),
        (["nowhere.jsonl"], ["FORGET", "nowhere.jsonl"]),
        (["forget.jsonl", "--retain", "nowhere.jsonl"], ["--retain", "nowhere.jsonl"]),
        (["forget.jsonl", "--task", "profil"], ["--task", "privacy, copyright, hazard, profile"]),
        (["nameless.jsonl"], ["no name recurs", "by hand"]),
        ([], ["Missing argument"]),
    ],
)
def test_what_cannot_be_drafted_is_told_and_nothing_is_written(
    arguments: list[str], words: list[str], call: Any
) -> None:
    Path("taken.yaml").write_text("mine", "utf-8")
    Path("nameless.jsonl").write_text('{"question": "what is it?", "answer": "it is this."}', "utf-8")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    code, out, err = call(*arguments)
    assert code == 2 and all(word in out + err for word in words), err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
