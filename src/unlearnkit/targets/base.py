"""The teacher protocol.

A teacher writes a reasoning trace and a response for each forget row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from unlearnkit.core.registry import Registry
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope


class Teacher(Protocol):
    """Writes the targets (traces and responses) of forget rows."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        """Return one target for each row, in order."""


TEACHERS: Registry[Any] = Registry("teacher", "unlearnkit.targets.teachers")
"""Registered teacher classes. Each class is either a `Teacher` or a `ChatTeacher` (see `llm_teacher.py`). In a recipe,
the settings of the teacher are in the section `targets`."""
teacher = TEACHERS.register
