"""The scope: the knowledge to forget, and similar knowledge to keep.

The TRU paper (arXiv 2603.09980, section on "scope unlearning") requires a model to forget every sequence that expresses
the same knowledge as a forget example, in any wording. A `Scope` makes that set of sequences concrete. The teacher
composes its targets from the scope, the leak metric searches for the scope's secrets, and the report shows the scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from annotated_types import MinLen

from unlearnkit.core.settings import Value
from unlearnkit.scope.wording import Wording

Task = Literal["privacy", "copyright", "hazard", "profile"]
PERSONAL: tuple[Task, ...] = ("profile", "privacy")
"""The tasks whose subjects are persons, unless the scope says otherwise."""
NonEmpty = Annotated[str, MinLen(1)]
"""A text of at least one character. Names and forms must not be empty, because they are searched for in texts."""


class ScopeSubject(Value):
    """A person or thing to forget, or a neighbor.

    A neighbor is a similar person or thing that must not be forgotten.
    """

    name: NonEmpty
    aliases: tuple[NonEmpty, ...] = ()
    """Other names of the subject, such as transliterations, translations and titles of the subject's works."""

    @property
    def names(self) -> tuple[str, ...]:
        """The subject's name, followed by its aliases."""
        return (self.name, *self.aliases)


class Secret(Value):
    """A fact about a subject or neighbor, in all its forms.

    A fact about a subject must not be revealed; a fact about a neighbor may be revealed.
    """

    subject: NonEmpty
    forms: Annotated[tuple[NonEmpty, ...], MinLen(1)]
    """All forms of the fact, in each language of the scope, such as `("Lisbon", "Lisboa", "Лиссабон")`."""


class Scope(Value):
    """A request to forget: subjects, their secrets, and similar facts to keep."""

    renamed: ClassVar[Mapping[str, str]] = {"neighbours": "neighbors", "kept": "allowed"}
    added: ClassVar[frozenset[str]] = frozenset({"kind", "may_disclose", "wording"})

    description: Annotated[str, MinLen(1)]
    """A statement of what must be forgotten and why: one or two sentences for human readers, free of secrets."""
    task: Task
    kind: Literal["person", "thing"] | None = None
    """What the subjects are. Null: persons for the tasks `profile` and `privacy`, things for the others. Composed
    questions about persons ask for a birthplace or a surname, and names of persons may be shortened."""
    subjects: Annotated[tuple[ScopeSubject, ...], MinLen(1)]
    secrets: tuple[Secret, ...] = ()
    neighbors: tuple[ScopeSubject, ...] = ()
    """Subjects that are similar to the subjects to forget, but must not be forgotten."""
    allowed: tuple[Secret, ...] = ()
    """Facts about neighbors that may be revealed although these facts look like secrets. The allowed facts teach a
    method which facts are not secret."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes of the languages in which questions may be asked."""
    wording: Wording = Wording()
    """Words in which composed questions and targets speak about the subjects."""
    may_disclose: bool = False
    """Whether outputs may say that there is a request, and who it is about. If true, the template teacher
    gives the reason for the request, and the report does not warn about disclosure."""

    @property
    def of_persons(self) -> bool:
        """Whether the subjects are persons."""
        return self.kind == "person" if self.kind is not None else self.task in PERSONAL

    def covers(self, subject: str | None) -> bool:
        """Return whether `subject` is the name of one of the scope's subjects."""
        return any(s.name == subject for s in self.subjects)
