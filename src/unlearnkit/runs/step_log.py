"""The log of a run, with one line per optimizer step."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value


class StepLogFile:
    """`log.jsonl`, one line per step, written during training."""

    def __init__(self, path: Path, keep: int) -> None:
        """Prepare the log.

        `keep`: number of steps in the checkpoint. Later lines are cut, since those steps are run again.
        """
        self._path, self._keep, self._begun = path, keep, False

    def begin(self) -> None:
        """Cut the log back to the checkpoint, once.

        Called once it is certain that training can continue.
        """
        if not self._begun:
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True) if self._path.exists() else []
            # A line that was truncated by a kill comes after the last checkpoint, so it is cut as well.
            write_atomic(self._path, "".join(line for line in lines[: self._keep] if line.endswith("\n")))
            self._begun = True

    def add(self, step: dict[str, Any]) -> None:
        """Write one step; non-finite numbers become null, since JSON has none."""
        self.begin()
        with writing(self._path), self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(_finite(step), allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class CurvePoint(Value):
    """The value of every term at one optimizer step."""

    step: int
    values: dict[str, float]
    """Value by term name; may contain NaN or infinity if training diverged."""
