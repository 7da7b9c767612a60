"""Detect the subjects of rows from recurring names.

Detection uses no list of names, and no grammar except the endings of Cyrillic names. The result is a draft that a
person must correct.
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
"""Minimum number of rows that contain a name and no other subject's name; rarer names are not taken as subjects."""

SAME = 0.8
"""A short name ("Lund") is ignored in favor of a longer name ("Ada Lund") if at least this share of the short name's
rows contain the longer name."""

OWN = 0.1
"""A name is taken as a subject only if at least this share of the name's rows contain no other subject's name. For
example, "Social Security Number" is not taken as a subject, because each row with these words also contains a person's
name."""

APART = 1.5
"""Rows count as grouped by subject if the number of changes of subject between adjacent rows is at most `APART` times
the number of subjects."""

# The endings of Slavic names in Cyrillic, longest first: "Анны Петровой" and "Анна Петрова" have the same stems.
_CASE = re.compile(r"(?<=[\u0400-\u04ff]{2})(?:ого|его|ому|ему|ой|ей|ом|ем|ым|им|ых|их|ою|ею|ий|ый|[аяуюеыиойь])$")

Stems = Words
"""The words of a name without inflectional endings. All inflected forms of a name have the same stems. Endings are
removed only in Cyrillic; in other scripts, the stems are the words of the name."""


@dataclass(frozen=True)
class DetectedSubjects:
    """The subjects detected in a list of rows."""

    subjects: Mapping[str, tuple[str, ...]]
    """Names of the subjects in order of appearance, each with its aliases. The aliases are the other forms of the name
    in the rows."""
    of_row: tuple[str | None, ...]
    """Name of each row's subject. The name is None if the subject of the row is unknown."""
    finder: NameFinder
    """Name finder that was built from the texts of the rows."""


def find_subjects(rows: Sequence[Row]) -> DetectedSubjects:
    """Detect who or what the rows are about.

    A row that states its `subject` keeps that subject. For the other rows, the function chooses subjects from the
    recurring names: a small set of names that together occur in most of these rows. At first, only names of two or more
    words are considered. If the chosen names occur in less than half of these rows, one-word names are considered too.

    Each row without a stated subject gets the subject that its question mentions, by name or alias. If the question
    mentions no subject, the row gets the subject that its answer mentions. If the answer mentions no subject either,
    the row gets the subject of the preceding row, provided that the rows are grouped by subject.
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
        # A stated subject may be a title or a name in lower case. The name finder detects neither.
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
    """Return the other forms of each subject's name, in order of appearance."""
    aliases_of: dict[str, dict[str, None]] = {name: {} for name in filter(None, of_row)}
    for run in (run for row in named for run in row.runs):
        owner, written = forms.get(_stems(run)), " ".join(run)
        if owner in aliases_of and written != owner:
            aliases_of[owner].setdefault(written)
    return {name: tuple(aliases) for name, aliases in aliases_of.items()}


class _Named:
    """The names that occur in a row."""

    def __init__(self, row: Row, finder: NameFinder) -> None:
        sides = [[name.words for name in finder.find(text)] for text in (row.prompt, row.answer)]
        self.runs = [run for runs in sides for run in runs]
        self.asked, self.answered = ({_stems(p): p for run in runs for p in parts(run)} for runs in sides)
        """`asked` maps stems to the names in the question, and `answered` maps stems to the names in the answer. All
        parts of each name are included."""

    def subject(self, of: Mapping[Stems, str]) -> str | None:
        """Return the subject to which the longest name in the question refers.

        Only known names count. If the question contains no known name, the answer is searched instead. If several names
        have the same number of words, the first of these names counts. Returns None if no known name is found.

        Args:
            of: maps the stems of each known name to the subject.
        """
        for side in (self.asked, self.answered):
            if known := [stems for stems in side if stems in of]:
                return of[max(known, key=len)]
        return None


def _stems(words: Iterable[str]) -> Stems:
    return tuple(_CASE.sub("", word) for word in words)


def _recurring(rows: Sequence[_Named], finder: NameFinder) -> dict[Stems, str]:
    """Return the names taken as subjects, each in its most frequent form."""
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
    """Choose a few names that together cover all rows.

    A name covers the rows that contain the name. The algorithm is greedy: it repeatedly chooses the name that covers
    the most rows not yet covered. It may therefore choose a phrase that occurs in the rows of many subjects, such as
    "Social Security Number". In the end, the algorithm drops a name if other chosen names cover all or almost all of
    its rows (see `OWN` and `LEAST`). This step drops the phrase, because the names of the subjects cover the same rows.
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
    """Return names that are shorter or longer forms of a subject's name.

    Two names are forms of each other if removing some of the middle words of the longer name gives the shorter name. If
    the names of two subjects are forms of each other, both names are assigned to the subject that was found first.
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
    """Return whether the words of `short` occur in `long`, in order.

    For example, "Jad Al-Shamary" is within "Jad Ambrose Al-Shamary".
    """
    rest = iter(long)
    return all(word in rest for word in short)


def _own_parts(forms: Mapping[Stems, str], named: Sequence[_Named], of_row: Sequence[str | None]) -> dict[Stems, str]:
    """Return parts of names, such as surnames, that identify one subject.

    A part of a subject's name is returned if the part occurs in the subject's rows and in no other subject's name.
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
    """Return the longest stated name that the row contains, ignoring typography."""
    return max((name for name in stated if contains(f"{row.prompt}\n{row.answer}", name)), key=len, default=None)


def _carried(of_row: Sequence[str | None]) -> Sequence[str | None]:
    """Give each row without a subject the subject of the preceding row.

    Rows are changed only if they are grouped by subject. In grouped rows, an expression such as "the author" means the
    author who was named last. Rows before the first known subject get the first known subject.
    """
    known = [subject for subject in of_row if subject is not None]
    if not known or sum(one != other for one, other in pairwise(known)) > APART * len(set(known)):
        return of_row
    return list(accumulate(of_row, lambda last, subject: subject or last, initial=known[0]))[1:]
