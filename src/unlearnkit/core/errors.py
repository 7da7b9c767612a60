"""The errors a user meets, and the exit code each one leads to.

An error says five things: what is wrong, where, the value that was found, what is allowed, and the fix. Parts that do
not apply are left out. Everything that is *not* an `UnlearnError` is a bug and keeps its traceback.
"""

from __future__ import annotations

from typing import ClassVar

LONGEST = 200
"""Characters of a value that are shown: enough to find it by."""


class UnlearnError(Exception):
    """A run failed for a reason the user can act on (exit code 1)."""

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
        """The message, one line for each part that is known."""
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
    """A recipe, option or data file that cannot be used (exit code 2)."""

    exit_code = 2


class GateMissed(UnlearnError):
    """The run ended, and a gate that the user asked for was missed (exit code 3)."""

    exit_code = 3


class MissingDependency(UnlearnError):
    """Something has to be installed or provided first (exit code 4)."""

    exit_code = 4


class NonFinite(UnlearnError):
    """A loss or gradient became NaN or infinite; the last finite checkpoint was kept (exit code 1)."""


class Interrupted(UnlearnError):
    """The user stopped the work; what was done is saved (exit code 130)."""

    exit_code = 130
