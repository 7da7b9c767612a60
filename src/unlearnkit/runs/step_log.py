"""The log of a run, with one line per optimizer step."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TextIO

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value


class StepLogFile:
    """`log.jsonl`, one line per step, written during training."""

    def __init__(self, path: Path, keep: int) -> None:
        """Prepare the log.

        `keep`: number of steps in the checkpoint. Later lines are cut, since those steps are run again.
        """
        self._path, self._keep = path, keep
        self._stream: TextIO | None = None

    def begin(self) -> TextIO:
        """Cut the log back to the checkpoint.

        Called once it is certain that training can continue.
        """
        if self._stream is not None:
            return self._stream
        path, kept = self._path, []
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            # A line that was truncated by a kill comes after the last checkpoint, so it is cut as well.
            kept = [line for line in lines[: self._keep] if line.endswith("\n")]
        write_atomic(path, "".join(kept))
        with writing(path):
            self._stream = path.open("a", encoding="utf-8")
        return self._stream

    def add(self, step: dict[str, Any]) -> None:
        """Write one step; non-finite numbers become null, since JSON has none."""
        stream = self.begin()
        with writing(self._path):
            stream.write(json.dumps(_finite(step), allow_nan=False) + "\n")
            stream.flush()

    def close(self) -> None:
        """Close the log."""
        if self._stream is not None:
            with writing(self._path):
                self._stream.close()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class CurvePoint(Value):
    """The value of every term at one optimizer step."""

    step: int
    values: dict[str, float]
    """Value by term name; may contain NaN or infinity if training diverged."""
