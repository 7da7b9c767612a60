"""The table "Where is ...?" answers with files that exist."""

from __future__ import annotations

import re

from tests.docs.markdown import ROOT, table_rows

ASKED = (
    "chat template", "end-of-turn token", "label mask", "row order", "batching", "retry", "consent", "response cache",
    "atomic write", "lock", "resume", "checkpoints", "signals", "out-of-memory message", "KV cache", "prefilling",
    "reference values", "name detection", "leak scan", "refusal detector", "gates", "intervals", "report assembly",
    "HTML escaping",
)  # fmt: skip


def answers() -> dict[str, str]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return {row[0]: row[1] for row in table_rows(text, "Where is ...?")}


def test_every_ordinary_question_has_an_answer() -> None:
    assert set(ASKED) <= set(answers())


def test_every_answer_names_files_that_exist() -> None:
    without = []
    for what, where in answers().items():
        paths = [path for path in re.findall(r"`([^`]+)`", where) if "/" in path]
        if not paths:
            without.append(what)
        assert [path for path in paths if not (ROOT / "src" / "unlearnkit" / path).exists()] == [], what
    assert without == ["lock"]


def test_there_is_no_lock_yet() -> None:
    """A lock on run folders would make the table's answer wrong."""
    sources = (ROOT / "src" / "unlearnkit").rglob("*.py")
    assert not [path for path in sources if re.search(r"\b(fcntl|filelock|flock)\b", path.read_text(encoding="utf-8"))]
