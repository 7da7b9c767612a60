"""Find subjects that an output names although the question does not.

A text names a subject if it contains the subject's name or an alias in any spelling that the leak scan finds, or the
first and the last word of the subject's name with at most `BETWEEN` words between them ("Jad Al-Shamary" for "Jad
Ambrose Al-Shamary", "Solano, Mira" for "Mira Solano"). A single word of a name does not name the subject.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache

from unlearnkit.data.rows import Row
from unlearnkit.scope.leak_scan.lexicon import identifies, name_key
from unlearnkit.scope.leak_scan.scan import scanner
from unlearnkit.scope.scope import Scope
from unlearnkit.text.spellings import stem, words

BETWEEN = 2
"""Maximum number of words between the first and the last word of a name."""

Ends = frozenset[str]
"""The stems of the first and the last word of a name."""


def unasked_subjects(text: str, row: Row, scope: Scope, *, expected: Iterable[str] = ()) -> frozenset[str]:
    """Return the subjects that an output names unasked.

    The question names a subject in full if it, or an earlier turn of the user or the model, contains the subject's own
    name. If the question contains only an alias, such as the title of a work, the subject's own name and the other
    aliases still count. System messages do not count, because the user does not see them.

    Args:
        text: the output.
        row: the row with the question.
        scope: the scope.
        expected: texts that may be repeated, such as the correct answer to a question out of scope.
    """
    asked = set[Hashable]().union(*(_names(known, row, scope) for known in (row.conversation, *expected)))
    named = _names(text, row, scope)
    return frozenset(subject for key, subject in named.items() if key not in asked and name_key(subject) not in asked)


def _names(text: str, row: Row, scope: Scope) -> dict[Hashable, str]:
    """Return the subjects that a text names, by key of the name."""
    shortened: dict[Hashable, str] = {("shortened", subject): subject for subject in _shortened(text, scope)}
    return {**shortened, **scanner(scope).names(text, row.language)}


def _shortened(text: str, scope: Scope) -> list[str]:
    """Return the subjects that a text names by first and last word."""
    known = _subjects_by_ends(scope)
    if not known:
        return []
    read = [stem(word) for word in words(text)]
    pairs = (frozenset((one, other)) for at, one in enumerate(read) for other in read[at + 1 : at + BETWEEN + 2])
    return [known[pair] for pair in pairs if pair in known]


@lru_cache(maxsize=8)
def _subjects_by_ends(scope: Scope) -> Mapping[Ends, str]:
    """Return the persons of a scope, by the ends of their names.

    A person is left out if a neighbor's name contains the ends, too, so that they do not identify the person.
    """
    if not scope.of_persons:
        return {}
    neighbors = [frozenset(map(stem, words(name))) for neighbor in scope.neighbors for name in neighbor.names]
    named = ((_ends(subject.name), subject.name) for subject in scope.subjects)
    return {ends: name for ends, name in named if ends is not None and not any(ends <= other for other in neighbors)}


def _ends(name: str) -> Ends | None:
    """Return the first and the last word of a name.

    Returns None if one of them does not identify anybody.
    """
    first, *_, last = words(name) * 2 or ("", "")
    return frozenset((stem(first), stem(last))) if first != last and identifies(first) and identifies(last) else None
