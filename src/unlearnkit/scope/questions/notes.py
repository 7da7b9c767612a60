"""Parse the notes at the start of traces.

A note summarizes a question. It consists of a topic ("Year of "), a name, and sometimes further text.
"""

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
"""A topic of retain rows is ignored if at most this share of the retain rows has the topic."""


def mentioned(scope: Scope, question: str) -> tuple[ScopeSubject | None, str]:
    """Return the subject that a question names, and the name used.

    If the question contains several names, the longest name and its subject are returned. If the question contains no
    name of a subject, the returned subject is None and the returned name is empty.
    """
    named = [(subject, name) for subject in scope.subjects for name in subject.names if contains(question, name)]
    return max(named, key=lambda pair: len(pair[1]), default=(None, ""))


@dataclass(frozen=True)
class SplitNote:
    """A note on a question, split at the subject's name."""

    subject: ScopeSubject
    name: str
    """The subject's name or alias that the question contains."""
    before: str
    rest: str
    """The text after the name in the note, if this text also occurs in the question (", 3"). Otherwise, `rest` is
    empty, because the text may be the answer."""


def split_note(scope: Scope, row: Row) -> SplitNote | None:
    """Split a row's note at the name of its subject.

    Returns None unless the question and the note use the same name.
    """
    subject, name = mentioned(scope, row.question)
    if subject is None:
        return None
    before, named, rest = row.trace.rstrip(".").partition(name)
    words = rest.strip(" ,:;")
    return SplitNote(subject, name, before, rest if words and contains(row.question, words) else "") if named else None


def topics_of(scope: Scope, forget: Sequence[Row], *, alias: bool) -> tuple[str, ...]:
    """Return the text that precedes names in forget rows' notes.

    Only notes with an alias are considered if `alias` is True. Otherwise, only notes with a subject's name are
    considered.
    """
    notes = (split_note(scope, row) for row in forget)
    return tuple(sorted({note.before for note in notes if note and (note.name != note.subject.name) == alias}))


def rests_of(scope: Scope, forget: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Return the texts that follow names in forget rows' notes, by topic.

    Only texts that occur in the question (", 3") are returned. If a model usually writes such a text between the name
    and the verdict, a composed note needs the text too.
    """
    rests_of_topic: dict[str, dict[str, None]] = {}
    for row in forget:
        if note := split_note(scope, row):
            rests_of_topic.setdefault(note.before, {})[note.rest] = None
    return {before: tuple(rests) for before, rests in rests_of_topic.items() if set(rests) != {""}}


def retain_topics(forget: Sequence[Row], retain: Sequence[Row], *, works: bool) -> tuple[str, ...]:
    """Return topics that only retain rows have, most frequent first.

    Args:
        forget: the forget rows, whose topics are excluded.
        retain: the retain rows.
        works: if True, return topics of notes on something other than the row's subject, such as works of the subject.
            If False, return topics of notes on the subject.
    """
    notes = ((row, *noted(row)) for row in retain)
    counts = Counter(topic for row, topic, named in notes if row.subject and (named != row.subject) == works)
    unlearned = tuple({topic for row in forget if (topic := noted(row)[0])})
    # "Phone of the author of" asks for the same data as "Phone of". A topic that only few rows have may be an exception
    # and is ignored.
    common = (topic for topic, count in counts.most_common() if count > RARE * len(retain))
    return tuple(topic for topic in common if topic and not (unlearned and topic.startswith(unlearned)))


def noted(row: Row) -> tuple[str, str]:
    """Split a row's note into topic and name.

    The name is the part of the note that occurs in the question. If no part of the note occurs in the question, the
    topic and the name are both empty.
    """
    words = row.trace.rstrip(".").partition(",")[0].split(" ")
    candidates = [at for at in range(1, len(words)) if contains(row.question, " ".join(words[at:]))]
    # If the question contains "of Delvoria", the name is "Delvoria". A title, however, may begin with a common word
    # such as "The".
    named = next((at for at in candidates if words[at] not in common()), candidates[0] if candidates else None)
    return ("", "") if named is None else (" ".join(words[:named]) + " ", " ".join(words[named:]))


def kinds_of(row: Row) -> list[tuple[str, str]]:
    """Return the attribute and the topic of a row, if any.

    Rows that have one of them in common are about subjects of the same kind.
    """
    named = {"attribute": row.attribute or "", "topic": noted(row)[0]}
    return [(what, value) for what, value in named.items() if value]


def topics_by_subject(rows: Sequence[Row]) -> dict[str | None, tuple[str, ...]]:
    """Return the topics of the rows' notes, by the rows' subject."""
    topics: dict[str | None, dict[str, None]] = {}
    for row in rows:
        if topic := noted(row)[0]:
            topics.setdefault(row.subject, {})[topic] = None
    return {subject: tuple(each) for subject, each in topics.items()}


def look(form: str) -> tuple[bool, bool]:
    """Return whether a form has a digit and whether it has an "@".

    The two values distinguish numbers, addresses and words.
    """
    return any(map(str.isdigit, form)), "@" in form


def in_turn(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Interleave two sequences, repeating the shorter one."""
    if not first or not second:
        return (*first, *second)
    turns = max(len(first), len(second))
    return tuple(topic for pair in islice(zip(cycle(first), cycle(second), strict=False), turns) for topic in pair)
