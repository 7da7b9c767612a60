"""The log of the worlds that were looked at, and the world that is drawn."""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

import unlearnkit
from tests.docs.markdown import ROOT
from unlearnkit.core.files import WriteError
from unlearnkit.core.settings import LARGEST_SEED
from unlearnkit.pipeline.looked_at import LOG_VARIABLE, Look, log_file, write_looks

SECTIONS = [{"method": {"name": "npo", "beta": 0.1}}, {"method": {"name": "ga"}}]


def look(world: int = 7, sections: list[dict[str, dict[str, object]]] = SECTIONS, seed: int = 0) -> Look:
    return Look("board", {"name": "pocket", "world_seed": world}, seed, sections)


def test_a_look_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setenv(LOG_VARIABLE, str(log))
    write_looks([look(), look(), look(seed=1)])
    write_looks([look(), look(8), look(sections=SECTIONS[::-1]), look(sections=SECTIONS[:1])])
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(line["world"], line["seed"]) for line in lines] == [(7, 0), (7, 1), (8, 0), (7, 0)]
    assert lines[0]["settings"] == lines[2]["settings"] != lines[3]["settings"]
    assert "world_seed" not in lines[0]["suite"] and lines[0]["suite"]["request"] == "authors"


def test_a_suite_of_real_data_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / "log.jsonl"))
    suite = {"name": "files", "data": {"forget": "secret/forget.jsonl"}}
    write_looks([Look("board", suite, 0, SECTIONS)])
    assert not (tmp_path / "log.jsonl").exists()


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path))
    with pytest.raises(WriteError):
        write_looks([look()])


def test_the_log_is_kept_in_a_checkout_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_file() is None, "the tests keep no log"
    monkeypatch.delenv(LOG_VARIABLE)
    package = tmp_path / "src" / "unlearnkit" / "__init__.py"
    monkeypatch.setattr(unlearnkit, "__file__", str(package))
    for folder in (".git", "experiments"):
        assert log_file() is None
        (tmp_path / folder).mkdir()
    assert log_file() == tmp_path / "experiments" / "looked_at.jsonl"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "experiments"))
    return importlib.import_module("draw_world")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_world_follows_from_the_committed_file(tool: ModuleType, tmp_path: Path) -> None:
    plan = tmp_path / "plans" / "plan.md"
    plan.parent.mkdir()
    git(tmp_path, "init", "-q")
    plan.write_bytes(b"first\n")
    with pytest.raises(ValueError, match="not committed"):
        tool.committed(plan)
    git(tmp_path, "add", ".")
    with pytest.raises(ValueError, match="not committed"):
        tool.committed(plan)
    git(tmp_path, "commit", "-qm", "plan")
    assert tool.committed(plan) == b"first\n"
    seed = tool.seed_of(b"first\n")
    assert seed == int.from_bytes(hashlib.sha256(b"first\n").digest()[:4]) <= LARGEST_SEED
    plan.write_bytes(b"second\n")
    with pytest.raises(ValueError, match="not committed"):
        tool.committed(plan)
    git(tmp_path, "commit", "-qam", "again")
    assert tool.committed(plan) == b"second\n"


def test_a_file_outside_of_git_has_no_world(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.md").write_text("a")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name, words in {"plan.md": "git reports", "none.md": "no such file"}.items():
        monkeypatch.setattr("sys.argv", ["draw_world.py", str(tmp_path / name)])
        assert tool.main() == 2 and words in capsys.readouterr().err


def test_a_made_up_world_takes_the_largest_seed(tool: ModuleType) -> None:
    from unlearnkit.recipe import suite_section

    assert suite_section({"name": "clinic", "world_seed": int("f" * 8, 16)})["world_seed"] == LARGEST_SEED
