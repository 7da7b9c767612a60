"""Interventions: responses after a trace with the opposite verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from unlearnkit.core.files import write_atomic
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation


class Intervention(Value):
    """A row's output before and after its verdict was reversed."""

    split: str
    id: str
    """Id of the row."""
    to: Literal["in scope", "out of scope"]
    """The verdict in the changed trace."""
    own: Generation
    """The subject's own output."""
    after: Generation
    """The output after the changed trace. The trace was prefilled and is part of it."""


def write_turned(path: Path, turned: Sequence[Intervention]) -> None:
    """Write interventions as JSONL.

    Only the owner can read the file, because it contains forget text.
    """
    write_atomic(path, "".join(each.model_dump_json() + "\n" for each in turned), mode=0o600)
