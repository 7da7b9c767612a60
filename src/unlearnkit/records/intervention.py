"""Outputs before and after the verdict in the trace was reversed.

The verdict states whether the question is in the scope of the unlearning request.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from unlearnkit.core.files import write_atomic
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation


class Intervention(Value):
    """Outputs on one row, before and after the trace's verdict was reversed."""

    split: str
    id: str
    """Id of the row."""
    to: Literal["in scope", "out of scope"]
    """The verdict in the changed trace, which is the opposite of the original verdict."""
    own: Generation
    """The model's own output, with the original trace."""
    after: Generation
    """The output with the changed trace. The changed trace was prefilled and is included in this output."""


def write_turned(path: Path, turned: Sequence[Intervention]) -> None:
    """Write interventions as JSONL.

    The file is readable only by its owner, because it contains text that the model must forget.
    """
    write_atomic(path, "".join(each.model_dump_json() + "\n" for each in turned), mode=0o600)
