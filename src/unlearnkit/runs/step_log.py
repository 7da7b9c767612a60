"""The log of a run, with one line per optimizer step."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value


class StepLogFile:
    """The file `log.jsonl`, to which training appends one line per step."""

    def __init__(self, path: Path, keep: int) -> None:
        """Prepare the log.

        Args:
            path: the log file.
            keep: number of steps completed at the newest checkpoint. The lines of later steps are deleted, because
                training repeats the later steps.
        """
        self._path, self._keep, self._begun = path, keep, False

    def begin(self) -> None:
        """Delete the steps logged after the checkpoint; later calls do nothing.

        Call this method only when training is certain to continue, because training then logs the deleted steps again.
        """
        if not self._begun:
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True) if self._path.exists() else []
            # If the process was killed while writing a line, the incomplete line is deleted, too.
            write_atomic(self._path, "".join(line for line in lines[: self._keep] if line.endswith("\n")))
            self._begun = True

    def add(self, step: dict[str, Any]) -> None:
        """Append one step to the log.

        NaN and infinity are written as null, because JSON cannot represent them.
        """
        self.begin()
        with writing(self._path), self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(_finite(step), allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class CurvePoint(Value):
    """The loss and every loss term at one optimizer step."""

    step: int
    values: dict[str, float]
    """The loss and each loss term, by name. Some values may be NaN or infinite if training diverged."""
