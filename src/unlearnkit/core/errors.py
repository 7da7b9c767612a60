"""The errors that are shown to the user, with their exit codes.

A message has up to five parts: what is wrong, where it was found, the value found, what is allowed, and how to fix it.
Parts that do not apply are left out. An exception that is *not* an `UnlearnError` is a bug, and is shown with its
traceback.
"""

from __future__ import annotations

from typing import ClassVar

LONGEST = 200
"""Maximum number of characters of a quoted value. A message shows only the beginning of a longer value."""


class InputWarning(UserWarning):
    """A part of the user's input has no effect."""


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
        """Return the message, with one line for each part that applies."""
        value = None if self.value is None else repr(self.value)
        if value is not None and len(value) > LONGEST:
            value = value[:LONGEST] + " ..."
        parts = {"where": self.where, "value": value, "allowed": self.allowed, "fix": self.fix}
        lines = [f"  {name + ':':<8} {part}" for name, part in parts.items() if part is not None]
        return "\n".join([self.what, *lines])


class InputError(UnlearnError):
    """A recipe, option or data file is invalid (exit code 2)."""

    exit_code = 2


class GateMissed(UnlearnError):
    """A score missed a gate that the user set (exit code 3).

    A gate is a limit that a score must meet. The run itself has finished.
    """

    exit_code = 3


class MissingDependency(UnlearnError):
    """A required package, file or model is missing (exit code 4)."""

    exit_code = 4


class NonFinite(UnlearnError):
    """A loss or gradient became NaN or infinite (exit code 1).

    The last finite checkpoint is kept.
    """


class Interrupted(UnlearnError):
    """The user stopped the work (exit code 130).

    Work that was already finished is saved.
    """

    exit_code = 130
