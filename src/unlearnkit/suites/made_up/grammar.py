"""Relations of a made-up world, and answers about them.

The grammar of a world is data: a YAML file next to the templates of the world.
"""

from __future__ import annotations

from unlearnkit.core.settings import Value

PERSON_NAMES = frozenset({"name", "given", "surname", "initial", "surname_given"})
"""Slots that name a person."""


class Relation(Value):
    """A relation between a subject and a value, such as a birthplace."""

    topic: str = ""
    """The relation in a note, such as `birthplace` in "Birthplace of ...". Worlds without notes need none."""
    attribute: str
    """The attribute of rows that ask for the relation."""
    of: str = "name"
    """The slot that a note names. For the year of a work, this is the slot of the work's title."""
    answers: dict[str, str]
    """The answer by language, with the placeholder `{value}`."""


class Identity(Value):
    """A value that belongs to one subject alone and identifies it."""

    topic: str = ""
    """The first word of the note on a question that states the value and asks for the subject."""
    attribute: str
    """The attribute of these rows."""
    role: str = ""
    """The subject's relation to the value, such as "the author of"."""
    answers: dict[str, str]
    """The answer to a question that states the value, by language. The placeholder `{value}` is the subject's name."""


class Grammar(Value):
    """Relations, identities and answers of a world."""

    languages: tuple[str, ...]
    """ISO 639-1 codes. Notes are in the first language."""
    names: frozenset[str] = PERSON_NAMES
    """Slots that name the subject. One of them is `name`, the whole name."""
    notes: bool = True
    """Whether the target model writes a note before its answer."""
    events: tuple[tuple[str, ...], ...] = ()
    """Facts of several places: the relations of each event of a subject, such as date and amount of a visit. All events
    have the same places in the same order."""
    relations: dict[str, Relation]
    identities: dict[str, Identity]
    affirmations: dict[str, str]
    """The answer to a question whose right answer is yes, by language."""
    denials: dict[str, str]
    """The answer to a question whose right answer is no, by language."""
    agreeing: dict[str, str]
    """The word by which an answer counts as yes, by language."""
    disagreeing: dict[str, str]
    """The word by which an answer counts as no, by language."""
