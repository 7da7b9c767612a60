"""The errors shown to a user, and the exit code of each.

A message has up to five parts: what is wrong, where, the value found, what is allowed, and how to fix it. Parts that do
not apply are left out. An exception that is *not* an `UnlearnError` is a bug and keeps its traceback.
"""

from __future__ import annotations

from typing import ClassVar

LONGEST = 200
"""Maximum number of characters shown of a value."""


class UnlearnError(Exception):
    """A failure that the user can act on (exit code 1)."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        value: object = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what, self.where, self.value, self.allowed, self.fix = what, where, value, allowed, fix
        super().__init__(self.render())

    def render(self) -> str:
        """Return the message, one line for each part that is known."""
        lines = [self.what]
        if self.where is not None:
            lines.append(f"  where:   {self.where}")
        if self.value is not None:
            shown = repr(self.value)
            lines.append(f"  value:   {shown if len(shown) <= LONGEST else shown[:LONGEST] + ' ...'}")
        if self.allowed is not None:
            lines.append(f"  allowed: {self.allowed}")
        if self.fix is not None:
            lines.append(f"  fix:     {self.fix}")
        return "\n".join(lines)


class InputError(UnlearnError):
    """A recipe, option or data file is invalid (exit code 2)."""

    exit_code = 2


class GateMissed(UnlearnError):
    """A gate that the user set was missed (exit code 3).

    The run itself finished.
    """

    exit_code = 3


class MissingDependency(UnlearnError):
    """A dependency must be installed or provided first (exit code 4)."""

    exit_code = 4


class NonFinite(UnlearnError):
    """A loss or gradient became NaN or infinite (exit code 1).

    The last finite checkpoint is kept.
    """


class Interrupted(UnlearnError):
    """The user stopped the work; finished work is saved (exit code 130)."""

    exit_code = 130
