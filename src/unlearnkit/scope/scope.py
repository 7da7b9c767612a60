"""The scope: what must be forgotten, and what beside it must stay.

The TRU paper (arXiv 2603.09980, section on "scope unlearning") calls for forgetting every sequence that carries the
same knowledge as a forget example, in whatever words. A `Scope` is that set made concrete. The teacher composes its
targets from it, the leak metric looks for its secrets, and the report shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from annotated_types import MinLen

from unlearnkit.core.settings import Value

Task = Literal["privacy", "copyright", "hazard", "profile"]
Said = Annotated[str, MinLen(1)]
"""What may stand in a text."""


class ScopeSubject(Value):
    """Somebody or something of whom something is known: what is to be forgotten, or a neighbor that must stay."""

    name: Said
    aliases: tuple[Said, ...] = ()
    """Other ways to call the subject: titles of its works, transliterations, translations."""


class Secret(Value):
    """One thing that must not be said of a subject, or may be told of a neighbor, with every form that it has."""

    subject: Said
    forms: Annotated[tuple[Said, ...], MinLen(1)]
    """The secret as it may stand in text, in each language of the scope (`("Lisbon", "Lisboa", "Лиссабон")`)."""


class Scope(Value):
    """A request to forget."""

    renamed: ClassVar[Mapping[str, str]] = {"neighbours": "neighbors", "kept": "allowed"}

    description: Annotated[str, MinLen(1)]
    """One or two sentences for a person, free of secrets: what is to be forgotten and why."""
    task: Task
    subjects: Annotated[tuple[ScopeSubject, ...], MinLen(1)]
    secrets: tuple[Secret, ...] = ()
    neighbors: tuple[ScopeSubject, ...] = ()
    """What is close to the subjects and must stay."""
    allowed: tuple[Secret, ...] = ()
    """What may be told of neighbors, in the form of secrets. Questions that name it show a method what is none."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes of the languages in which the knowledge may be asked for."""

    def secrets_of(self, subject: str | None) -> tuple[Secret, ...]:
        """The secrets of one subject; every secret of the scope for a subject that is not in it."""
        own = tuple(s for s in self.secrets if s.subject == subject)
        return own or self.secrets

    def covers(self, subject: str | None) -> bool:
        """Whether `subject` is one of the scope's subjects (by name)."""
        return any(s.name == subject for s in self.subjects)
