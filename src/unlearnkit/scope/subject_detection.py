"""Detect the subjects of rows from recurring names.

No list of names is used, and the only grammar is the endings of Cyrillic names. The result is a draft for a person to
correct.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from unlearnkit.data.rows import Row
from unlearnkit.text.names import NameFinder, Words, parts
from unlearnkit.text.normalize import contains

LEAST = 2
"""Minimum number of rows that a subject's name must be in without the name of another subject."""

SAME = 0.8
"""If a longer name is in at least this share of a name's rows, the name counts only as a part of the longer one."""

OWN = 0.1
"""Minimum share of a subject's rows without another subject's name. "Social Security Number" has no rows of its own."""

APART = 1.5
"""Rows are grouped by subject if the subject changes from row to row at most this many times per subject."""

# The endings of Slavic names in Cyrillic, longest first: "Анны Петровой" and "Анна Петрова" have the same stems.
_CASE = re.compile(r"(?<=[\u0400-\u04ff]{2})(?:ого|его|ому|ему|ой|ей|ом|ем|ым|им|ых|их|ою|ею|ий|ый|[аяуюеыиойь])$")

Stems = Words
"""A name without case endings, word by word, which all its forms share. In most scripts it is the name itself."""


@dataclass(frozen=True)
class DetectedSubjects:
    """The subjects of some rows."""

    subjects: Mapping[str, tuple[str, ...]]
    """The names in order of appearance, each with its aliases: other forms of it in the rows."""
    of_row: tuple[str | None, ...]
    """The name of each row's subject; None if it is unknown."""
    finder: NameFinder
    """Finder of the names in these rows."""


def find_subjects(rows: Sequence[Row]) -> DetectedSubjects:
    """Detect who or what the rows are about.

    A row with a `subject` keeps it. Otherwise the subjects are the smallest set of names of two or more words that
    together occur in all rows where any such name does. One-word names count too if the longer ones occur in less than
    half of the rows. A row's subject is the one named, by name or alias, in its question, or else in its answer. A row
    without a name gets the subject of the row before it, if the rows of the file are grouped by subject.
    """
    finder = NameFinder(text for row in rows for text in (row.prompt, row.answer))
    named = [_Named(row, finder) for row in rows]
    of_row = [row.subject for row in rows]
    stated = list(dict.fromkeys(filter(None, of_row)))
    unknown = [place for place, subject in enumerate(of_row) if not subject]
    forms = {_stems(name.split()): name for name in stated if not name.isspace()}
    for stems, name in _recurring([named[place] for place in unknown], finder).items():
        forms.setdefault(stems, name)
    forms |= _shortened(forms, named)
    for place in unknown:
        # A stated subject may be a title, or a name in lower case, which is not detected as a name.
        of_row[place] = named[place].subject(forms) or _longest_contained(rows[place], stated)
    forms |= _own_parts(forms, named, of_row)
    for place in unknown:
        of_row[place] = of_row[place] or named[place].subject(forms)
    carried = _carried(of_row)
    forms |= _own_parts(forms, named, carried)
    return DetectedSubjects(_aliases(forms, named, carried), tuple(carried), finder)


def _aliases(
    forms: Mapping[Stems, str], named: Sequence[_Named], of_row: Sequence[str | None]
) -> dict[str, tuple[str, ...]]:
    """Return the other forms of each subject's name, in order."""
    aliases_of: dict[str, dict[str, None]] = {name: {} for name in filter(None, of_row)}
    for run in (run for row in named for run in row.runs):
        owner, written = forms.get(_stems(run)), " ".join(run)
        if owner in aliases_of and written != owner:
            aliases_of[owner].setdefault(written)
    return {name: tuple(aliases) for name, aliases in aliases_of.items()}


class _Named:
    """The names in a row."""

    def __init__(self, row: Row, finder: NameFinder) -> None:
        sides = [[name.words for name in finder.find(text)] for text in (row.prompt, row.answer)]
        self.runs = [run for runs in sides for run in runs]
        self.asked, self.answered = ({_stems(p): p for run in runs for p in parts(run)} for runs in sides)
        """The names in question and answer, and their parts, by stems."""

    def subject(self, of: Mapping[Stems, str]) -> str | None:
        """Return the longest name in the question, or in the answer.

        The first of equals.
        """
        for side in (self.asked, self.answered):
            if known := [stems for stems in side if stems in of]:
                return of[max(known, key=len)]
        return None


def _stems(words: Iterable[str]) -> Stems:
    return tuple(_CASE.sub("", word) for word in words)


def _recurring(rows: Sequence[_Named], finder: NameFinder) -> dict[Stems, str]:
    """Return the names that are subjects, each in its most frequent form."""
    places: dict[Stems, set[int]] = defaultdict(set)
    question_counts: Counter[Stems] = Counter()
    written: dict[Stems, Counter[Words]] = defaultdict(Counter)
    for place, row in enumerate(rows):
        question_counts.update(list(row.asked))
        for stems, words in (*row.asked.items(), *row.answered.items()):
            places[stems].add(place)
            written[stems][words] += 1
    places = {stems: rows_of for stems, rows_of in places.items() if len(rows_of) >= LEAST}
    mere_parts = {
        part
        for stems, rows_of in places.items()
        for part in parts(stems)
        if part != stems and len(rows_of) >= SAME * len(places[part])
    }
    # Sort by frequency in questions, then by length, then by order in the file.
    order = sorted(places, key=lambda stems: (-question_counts[stems], -len(stems)))
    whole = {stems: places[stems] for stems in order if stems not in mere_parts}
    taken = _cover({stems: rows_of for stems, rows_of in whole.items() if len(stems) > 1})
    if 2 * len(set[int]().union(*(whole[stems] for stems in taken))) < len(rows):
        inside = {_stems([word]) for word in finder.inside}
        taken = _cover({stems: rows_of for stems, rows_of in whole.items() if len(stems) > 1 or stems in inside})
    return {stems: " ".join(written[stems].most_common(1)[0][0]) for stems in taken}


def _cover(places: Mapping[Stems, set[int]]) -> list[Stems]:
    """Choose few names that cover all rows.

    Each has `LEAST` rows that no other of them covers. Greedy: first the name with the most rows, then the one with the
    most remaining rows. A phrase that occurs in the rows of many subjects is chosen first, and dropped as superfluous
    once the subjects are chosen.
    """
    taken: list[Stems] = []
    covered: set[int] = set()
    left = dict(places)
    while left := {stems: own for stems, rows_of in left.items() if (own := rows_of - covered)}:
        best = max(left, key=lambda stems: len(left[stems]))
        taken.append(best)
        covered |= left[best]
    shared = Counter(place for stems in taken for place in places[stems])

    def drop_below(least: float, stems: Stems) -> None:
        if sum(shared[place] == 1 for place in places[stems]) < least:
            taken.remove(stems)
            shared.subtract(places[stems])

    for stems in sorted(taken, key=lambda stems: -len(places[stems])):
        drop_below(max(OWN * len(places[stems]), 1), stems)
    for stems in sorted(taken, key=lambda stems: len(places[stems])):
        drop_below(LEAST, stems)
    return taken


def _shortened(forms: Mapping[Stems, str], named: Sequence[_Named]) -> dict[Stems, str]:
    """Return names that are other forms of a subject's name.

    One of the two lacks middle words of the other. If two subjects are forms of each other, the one that was found
    first gets both.
    """
    by_ends: dict[Words, list[Stems]] = defaultdict(list)
    for stems in (*forms, *dict.fromkeys(_stems(run) for row in named for run in row.runs)):
        by_ends[stems[0], stems[-1]].append(stems)
    result: dict[Stems, str] = {}
    for known in forms:
        for stems in by_ends[known[0], known[-1]]:
            if stems != known and (_within(stems, known) or _within(known, stems)):
                result.setdefault(stems, result.get(known, forms[known]))
    return result


def _within(short: Stems, long: Stems) -> bool:
    """Return whether the words of a name occur in another in order.

    "Jad Al-Shamary" is within "Jad Ambrose Al-Shamary".
    """
    rest = iter(long)
    return all(word in rest for word in short)


def _own_parts(forms: Mapping[Stems, str], named: Sequence[_Named], of_row: Sequence[str | None]) -> dict[Stems, str]:
    """Return parts of names that identify a subject in its rows.

    They are in nobody else's name.
    """
    owners: dict[Stems, set[str]] = defaultdict(set)
    for stems, name in forms.items():
        for part in parts(stems):
            owners[part].add(name)
    result: dict[Stems, str] = {}
    for subject, row in zip(of_row, named, strict=True):
        if subject is not None:
            own = [stems for stems in map(_stems, row.runs) if owners.get(stems) == {subject} and stems not in forms]
            result.update(dict.fromkeys(own, subject))
    return result


def _longest_contained(row: Row, stated: Iterable[str]) -> str | None:
    """Return the longest of the names in the row, ignoring typography."""
    return max((name for name in stated if contains(f"{row.prompt}\n{row.answer}", name)), key=len, default=None)


def _carried(of_row: Sequence[str | None]) -> Sequence[str | None]:
    """Fill rows without a subject with the previous one.

    Only if the file is grouped by subject. "The author" is the one named before; at the start of a file, the one named
    next.
    """
    known = [subject for subject in of_row if subject is not None]
    if not known or sum(one != other for one, other in pairwise(known)) > APART * len(set(known)):
        return of_row
    return list(accumulate(of_row, lambda last, subject: subject or last, initial=known[0]))[1:]
