"""What a subject went on to say after its own trace, with the other verdict in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from unlearnkit.core.files import write_atomic
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation


class Intervention(Value):
    """One row, as the subject answered it by itself and after its own trace with the other verdict."""

    split: str
    id: str
    """Of the row."""
    to: Literal["in scope", "out of scope"]
    """The verdict that was put in."""
    own: Generation
    """What the subject said by itself."""
    after: Generation
    """What it said after the turned trace, which was put into its mouth and is a part of this."""


def write_turned(path: Path, turned: Sequence[Intervention]) -> None:
    """Write them as JSONL, readable by the owner alone: they hold what is to be forgotten."""
    write_atomic(path, "".join(each.model_dump_json() + "\n" for each in turned), mode=0o600)


def read_turned(path: Path) -> list[Intervention]:
    """Read what `write_turned` wrote."""
    # Not splitlines(), which would also cut at U+2028 and its like, and these may stand in a JSON string.
    return [Intervention.model_validate_json(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
