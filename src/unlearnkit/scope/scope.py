"""The scope: what must be forgotten, and what must stay.

The TRU paper (arXiv 2603.09980, section on "scope unlearning") requires forgetting every sequence with the same
knowledge as a forget example, in any wording. A `Scope` makes that set concrete. The teacher composes its targets from
it, the leak metric searches for its secrets, and the report shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from annotated_types import MinLen

from unlearnkit.core.settings import Value

Task = Literal["privacy", "copyright", "hazard", "profile"]
NonEmpty = Annotated[str, MinLen(1)]
"""Text that may occur in a row."""


class ScopeSubject(Value):
    """A person or thing to forget, or a neighbor that must stay."""

    name: NonEmpty
    aliases: tuple[NonEmpty, ...] = ()
    """Other names of the subject: titles of its works, transliterations, translations."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its aliases."""
        return (self.name, *self.aliases)


class Secret(Value):
    """A fact about a subject or neighbor, in all its forms.

    A subject's must not be revealed; a neighbor's may be.
    """

    subject: NonEmpty
    forms: Annotated[tuple[NonEmpty, ...], MinLen(1)]
    """The forms in which it may occur, in each language of the scope (`("Lisbon", "Lisboa", "Лиссабон")`)."""


class Scope(Value):
    """A request to forget."""

    renamed: ClassVar[Mapping[str, str]] = {"neighbours": "neighbors", "kept": "allowed"}

    description: Annotated[str, MinLen(1)]
    """One or two sentences for people, free of secrets: what must be forgotten and why."""
    task: Task
    subjects: Annotated[tuple[ScopeSubject, ...], MinLen(1)]
    secrets: tuple[Secret, ...] = ()
    neighbors: tuple[ScopeSubject, ...] = ()
    """Subjects similar to the forgotten ones that must stay."""
    allowed: tuple[Secret, ...] = ()
    """Facts about neighbors that may be revealed, in the form of secrets. They teach a method what is no secret."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes of the languages in which questions may be asked."""

    def covers(self, subject: str | None) -> bool:
        """Return whether `subject` is the name of one of the scope's subjects."""
        return any(s.name == subject for s in self.subjects)
