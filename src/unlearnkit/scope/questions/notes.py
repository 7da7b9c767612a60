"""What rows note of their questions before they answer: what is asked, of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from unlearnkit.data.rows import Row
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.text.normalize import contains
from unlearnkit.text.spellings import common

RARE = 0.01
"""Share of retain rows up to which a topic of theirs is left alone."""


def mentioned(scope: Scope, question: str) -> tuple[ScopeSubject | None, str]:
    """The subject that a question names, and the longest of its names there; None where it names none."""
    named = [
        (subject, name)
        for subject in scope.subjects
        for name in (subject.name, *subject.aliases)
        if contains(question, name)
    ]
    return max(named, key=lambda found: len(found[1]), default=(None, ""))


@dataclass(frozen=True)
class Parted:
    """A note on a question that names a subject: what stands before the name, and what after it."""

    subject: ScopeSubject
    name: str
    """The subject's name or alias, as the question has it."""
    before: str
    rest: str
    """That part of the question which is noted after the name (", 3"); empty where there is none. What is not in the
    question is left out: it may be the answer."""


def parted(scope: Scope, row: Row) -> Parted | None:
    """A row's note, where question and note name a subject by the same name."""
    subject, name = mentioned(scope, row.question)
    if subject is None:
        return None
    before, named, rest = row.trace.rstrip(".").partition(name)
    words = rest.strip(" ,:;")
    return Parted(subject, name, before, rest if words and contains(row.question, words) else "") if named else None


def topics_of(scope: Scope, forget: Sequence[Row], *, alias: bool) -> tuple[str, ...]:
    """What stands before the name in the notes of forget rows that name a subject, or an alias of one."""
    notes = (parted(scope, row) for row in forget)
    return tuple(sorted({note.before for note in notes if note and (note.name != note.subject.name) == alias}))


def rests_of(scope: Scope, forget: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """What the notes of forget rows have of the question after the name (", 3"), by what they have before it.

    A model that is used to note that too has not come to where it decides when it has noted the name.
    """
    found: dict[str, dict[str, None]] = {}
    for row in forget:
        if note := parted(scope, row):
            found.setdefault(note.before, {})[note.rest] = None
    return {before: tuple(rests) for before, rests in found.items() if set(rests) != {""}}


def topics_beside(forget: Sequence[Row], retain: Sequence[Row], *, works: bool) -> tuple[str, ...]:
    """What retain rows note before what their questions name, and forget rows do not; the commonest first.

    `works`: where that is not whom the row is about, but a work of theirs, say; else where it is.
    """
    told = ((row, *noted(row)) for row in retain)
    asked = Counter(topic for row, topic, named in told if row.subject and (named != row.subject) == works)
    unlearned = tuple({topic for row in forget if (topic := noted(row)[0])})
    # "Phone of the author of" asks for what "Phone of" asks for; what few rows note may be of another matter.
    common = (topic for topic, count in asked.most_common() if count > RARE * len(retain))
    return tuple(topic for topic in common if topic and not (unlearned and topic.startswith(unlearned)))


def noted(row: Row) -> tuple[str, str]:
    """A row's note in two: up to what the question names, and that; both empty where it names nothing of the note."""
    words = row.trace.rstrip(".").partition(",")[0].split(" ")
    told = [at for at in range(1, len(words)) if contains(row.question, " ".join(words[at:]))]
    # A question that has "of Delvoria" names Delvoria; a title may begin with "The".
    named = next((at for at in told if words[at] not in common()), told[0] if told else None)
    return ("", "") if named is None else (" ".join(words[:named]) + " ", " ".join(words[named:]))


def look(form: str) -> tuple[bool, bool]:
    """What tells numbers and addresses from words: whether there is a digit in it, and an @."""
    return any(map(str.isdigit, form)), "@" in form


def in_turn(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Both in turn, until each was there."""
    if not first or not second:
        return (*first, *second)
    turns = max(len(first), len(second))
    return tuple(topic for pair in islice(zip(cycle(first), cycle(second), strict=False), turns) for topic in pair)
