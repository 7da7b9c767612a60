"""The notes at the start of traces: what is asked about what."""

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
"""Maximum share of retain rows for a topic of theirs to be ignored."""


def mentioned(scope: Scope, question: str) -> tuple[ScopeSubject | None, str]:
    """Return the subject that a question names, and its longest name.

    The subject is None if there is none.
    """
    named = [(subject, name) for subject in scope.subjects for name in subject.names if contains(question, name)]
    return max(named, key=lambda pair: len(pair[1]), default=(None, ""))


@dataclass(frozen=True)
class SplitNote:
    """A note on a question, split at the subject's name."""

    subject: ScopeSubject
    name: str
    """The subject's name or alias, as in the question."""
    before: str
    rest: str
    """The part of the question that is noted after the name (", 3"); empty if there is none. Text that is not in the
    question is omitted: it may be the answer."""


def split_note(scope: Scope, row: Row) -> SplitNote | None:
    """Split a row's note at the name of its subject.

    Returns None unless question and note use the same name.
    """
    subject, name = mentioned(scope, row.question)
    if subject is None:
        return None
    before, named, rest = row.trace.rstrip(".").partition(name)
    words = rest.strip(" ,:;")
    return SplitNote(subject, name, before, rest if words and contains(row.question, words) else "") if named else None


def topics_of(scope: Scope, forget: Sequence[Row], *, alias: bool) -> tuple[str, ...]:
    """Return the text before names in forget rows' notes.

    Only of names of subjects, or only of aliases.
    """
    notes = (split_note(scope, row) for row in forget)
    return tuple(sorted({note.before for note in notes if note and (note.name != note.subject.name) == alias}))


def rests_of(scope: Scope, forget: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Return the text after names in forget rows' notes, by topic.

    It is part of the question (", 3"). A model that usually notes these has not reached its decision when it has noted
    the name.
    """
    rests_of_topic: dict[str, dict[str, None]] = {}
    for row in forget:
        if note := split_note(scope, row):
            rests_of_topic.setdefault(note.before, {})[note.rest] = None
    return {before: tuple(rests) for before, rests in rests_of_topic.items() if set(rests) != {""}}


def retain_topics(forget: Sequence[Row], retain: Sequence[Row], *, works: bool) -> tuple[str, ...]:
    """Return topics that only retain rows note, most frequent first.

    Args:
        forget: forget rows.
        retain: retain rows.
        works: whether to return topics noted of something other than the row's subject, such as its works, instead of
            topics noted of the subject.
    """
    notes = ((row, *noted(row)) for row in retain)
    counts = Counter(topic for row, topic, named in notes if row.subject and (named != row.subject) == works)
    unlearned = tuple({topic for row in forget if (topic := noted(row)[0])})
    # "Phone of the author of" asks for the same as "Phone of"; a topic of few rows may be another matter.
    common = (topic for topic, count in counts.most_common() if count > RARE * len(retain))
    return tuple(topic for topic in common if topic and not (unlearned and topic.startswith(unlearned)))


def noted(row: Row) -> tuple[str, str]:
    """Split a row's note into topic and name.

    The name is in the question; without one both are empty.
    """
    words = row.trace.rstrip(".").partition(",")[0].split(" ")
    candidates = [at for at in range(1, len(words)) if contains(row.question, " ".join(words[at:]))]
    # A question that contains "of Delvoria" names Delvoria; a title may begin with "The".
    named = next((at for at in candidates if words[at] not in common()), candidates[0] if candidates else None)
    return ("", "") if named is None else (" ".join(words[:named]) + " ", " ".join(words[named:]))


def look(form: str) -> tuple[bool, bool]:
    """Return whether there is a digit, and an @.

    This separates numbers and addresses from words.
    """
    return any(map(str.isdigit, form)), "@" in form


def in_turn(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Interleave both, repeating the shorter one."""
    if not first or not second:
        return (*first, *second)
    turns = max(len(first), len(second))
    return tuple(topic for pair in islice(zip(cycle(first), cycle(second), strict=False), turns) for topic in pair)
