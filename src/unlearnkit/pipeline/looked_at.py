"""The log of the worlds that methods were measured on.

A result in a world is only a test of a method if the method's settings were not chosen by results in this world. The
log lists the worlds in which results were seen. It is kept in a checkout of this project, in
`experiments/looked_at.jsonl`. An installation that is not a checkout keeps no log.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unlearnkit
from unlearnkit.core.files import writing

LOG_VARIABLE = "UNLEARNKIT_LOOKED_AT"
"""Environment variable with the path of another log; if it is empty, no log is kept. The tests set it."""


@dataclass(frozen=True)
class Look:
    """Results in one world, with one seed of the runs."""

    verb: str
    """Name of the command that measures the models."""
    suite: Mapping[str, Any]
    """The suite's recipe section."""
    seed: int
    settings: Sequence[Mapping[str, Any]]
    """The recipe sections of each method. The log contains only their hash."""

    def line(self) -> str | None:
        """Return the line of the log.

        Returns None if the suite has no made-up world.
        """
        from unlearnkit.recipe import suite_section

        suite = suite_section(dict(self.suite))
        world = suite.pop("world_seed", None)
        if world is None:
            return None
        sections = sorted(json.dumps(each, sort_keys=True) for each in self.settings)
        digest = hashlib.sha256("\n".join(sections).encode()).hexdigest()
        line = {"suite": suite, "world": world, "seed": self.seed, "settings": digest, "verb": self.verb}
        return json.dumps(line, sort_keys=True, ensure_ascii=False)


def log_file() -> Path | None:
    """Return the path of the log; None if no log is kept."""
    chosen = os.environ.get(LOG_VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    root = Path(unlearnkit.__file__).resolve().parents[2]
    is_checkout = (root / ".git").exists() and (root / "experiments").is_dir()
    return root / "experiments" / "looked_at.jsonl" if is_checkout else None


def write_looks(looks: Sequence[Look]) -> None:
    """Append the lines that the log lacks.

    Call this function before any model is measured, so that the log is complete even if the work is stopped.
    """
    path = log_file()
    if path is None:
        return
    lines = dict.fromkeys(line for look in looks if (line := look.line()) is not None)
    with writing(path):
        known = set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()
        new = [line for line in lines if line not in known]
        if new:
            with path.open("a", encoding="utf-8") as log:
                log.write("".join(f"{line}\n" for line in new))
