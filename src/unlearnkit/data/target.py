"""Targets: traces and responses that replace answers in training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value


class Target(Value):
    """Trace and response that the model should give instead of an answer."""

    id: str
    """Id of the forget row."""
    trace: str
    """Reasoning that explains why the question is in the scope of the unlearning request. The trace contains no
    secret."""
    response: str
    """The refusal that the user reads. The response contains no secret."""


def write_targets(path: Path, targets: Sequence[Target]) -> None:
    """Write targets to a JSONL file that only the owner can read."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = (json.dumps(target.model_dump(), ensure_ascii=False) + "\n" for target in targets)
    write_atomic(path, "".join(lines), mode=0o600)


def read_targets(path: Path) -> list[Target]:
    """Read targets from a file that `write_targets` has written."""
    # splitlines() would also split at U+2028 and similar characters, which a JSON string may contain.
    return [Target.model_validate_json(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
