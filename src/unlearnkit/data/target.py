"""What a model is taught in place of an answer: a reasoning trace and a response."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value


class Target(Value):
    """What the model is to think and say instead of the answer."""

    id: str
    """Id of the forget row."""
    trace: str
    """Why the question is in scope; no secret in it."""
    response: str
    """The refusal that the user reads; no secret in it."""


def write_targets(path: Path, targets: Sequence[Target]) -> None:
    """Write targets as JSONL, readable by the owner alone."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = (json.dumps(target.model_dump(), ensure_ascii=False) + "\n" for target in targets)
    write_atomic(path, "".join(lines), mode=0o600)


def read_targets(path: Path) -> list[Target]:
    """Read what `write_targets` wrote."""
    # Not splitlines(), which would also cut at U+2028 and its like, and these may stand in a JSON string.
    return [Target.model_validate_json(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
