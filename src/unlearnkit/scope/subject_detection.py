"""Whom rows are about: the names that recur in them, and which row is about which.

No list of names is used, and of grammar only the endings of names in Cyrillic. It is a draft for a person to correct.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from unlearnkit.data.rows import Row
from unlearnkit.text.names import NameFinder, Words, parts
from unlearnkit.text.normalize import contains

LEAST = 2
"""Rows in which a name must stand, and no name of another subject, to be a subject."""

SAME = 0.8
"""In what share of a name's rows a longer one must stand for the name to be a mere part of that."""

OWN = 0.1
"""What share of a subject's rows must have no other subject's name. "Social Security Number" has no rows of its own."""

APART = 1.5
"""How many times the subject may change from row to row, for each subject, where a subject's rows lie together."""

# The endings of Slavic names in Cyrillic, longest first: "Анны Петровой" and "Анна Петрова" have the same stems.
_CASE = re.compile(r"(?<=[\u0400-\u04ff]{2})(?:ого|его|ому|ему|ой|ей|ом|ем|ым|им|ых|их|ою|ею|ий|ый|[аяуюеыиойь])$")

Stems = Words
"""A name without the endings of its cases, word by word: what its forms share. In most scripts the name itself."""


@dataclass(frozen=True)
class Found:
    """The subjects of some rows."""

    subjects: Mapping[str, tuple[str, ...]]
    """The names, in the order in which they come up, each with its aliases: other forms of it that the rows have."""
    of_row: tuple[str | None, ...]
    """For each row the name of its subject; None where it is not known."""
    finder: NameFinder
    """Finds the names of these rows."""


def find_subjects(rows: Sequence[Row]) -> Found:
    """Whom the rows are about.

    A row that says its subject keeps it. Otherwise the subjects are the fewest names, of two words or more, that stand
    between them in all rows where any does; names of one word, where those of more stand in less than half of the rows.
    A row's subject is the one whose name or alias its question has, or else its answer. A row that has none is about
    the subject of the row before it, where rows of one subject lie together in the file.
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
        # What is stated may be a title, or a name in small letters, which is not found as a name.
        of_row[place] = named[place].subject(forms) or _said(rows[place], stated)
    forms |= _own_parts(forms, named, of_row)
    for place in unknown:
        of_row[place] = of_row[place] or named[place].subject(forms)
    told = _carried(of_row)
    forms |= _own_parts(forms, named, told)
    return Found(_aliases(forms, named, told), tuple(told), finder)


def _aliases(
    forms: Mapping[Stems, str], named: Sequence[_Named], of_row: Sequence[str | None]
) -> dict[str, tuple[str, ...]]:
    """For each subject that a row has, in that order, the forms in which its name is written otherwise."""
    found: dict[str, dict[str, None]] = {name: {} for name in filter(None, of_row)}
    for run in (run for row in named for run in row.runs):
        owner, written = forms.get(_stems(run)), " ".join(run)
        if owner in found and written != owner:
            found[owner].setdefault(written)
    return {name: tuple(aliases) for name, aliases in found.items()}


class _Named:
    """The names in a row."""

    def __init__(self, row: Row, finder: NameFinder) -> None:
        sides = [[name.words for name in finder.find(text)] for text in (row.prompt, row.answer)]
        self.runs = [run for runs in sides for run in runs]
        self.asked, self.answered = ({_stems(p): p for run in runs for p in parts(run)} for runs in sides)
        """The names and their parts, by their stems."""

    def subject(self, of: Mapping[Stems, str]) -> str | None:
        """Which of the names the question has, or else the answer: the longest one, and of such the first."""
        for side in (self.asked, self.answered):
            if known := [stems for stems in side if stems in of]:
                return of[max(known, key=len)]
        return None


def _stems(words: Iterable[str]) -> Stems:
    return tuple(_CASE.sub("", word) for word in words)


def _recurring(rows: Sequence[_Named], finder: NameFinder) -> dict[Stems, str]:
    """The names that are subjects, each as it is written most."""
    places: dict[Stems, set[int]] = defaultdict(set)
    asked: Counter[Stems] = Counter()
    written: dict[Stems, Counter[Words]] = defaultdict(Counter)
    for place, row in enumerate(rows):
        asked.update(list(row.asked))
        for stems, words in (*row.asked.items(), *row.answered.items()):
            places[stems].add(place)
            written[stems][words] += 1
    places = {stems: found for stems, found in places.items() if len(found) >= LEAST}
    mere_parts = {
        part
        for stems, found in places.items()
        for part in parts(stems)
        if part != stems and len(found) >= SAME * len(places[part])
    }
    # Of equals, those first that questions have, longer ones, and in the order of the file.
    order = sorted(places, key=lambda stems: (-asked[stems], -len(stems)))
    whole = {stems: places[stems] for stems in order if stems not in mere_parts}
    taken = _cover({stems: found for stems, found in whole.items() if len(stems) > 1})
    if 2 * len(set[int]().union(*(whole[stems] for stems in taken))) < len(rows):
        inside = {_stems([word]) for word in finder.inside}
        taken = _cover({stems: found for stems, found in whole.items() if len(stems) > 1 or stems in inside})
    return {stems: " ".join(written[stems].most_common(1)[0][0]) for stems in taken}


def _cover(places: Mapping[Stems, set[int]]) -> list[Stems]:
    """Few names that stand in as many rows as all do, each in `LEAST` rows that have no other of them.

    Greedily: first the name with the most rows, then the one with the most that are left. A phrase that stands in the
    rows of many subjects comes first in this and turns out to be superfluous once they are there.
    """
    taken: list[Stems] = []
    covered: set[int] = set()
    left = dict(places)
    while left := {stems: own for stems, found in left.items() if (own := found - covered)}:
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
    """Names that are another form of a subject's: one leaves out what the other has in the middle.

    Of two subjects that are forms of each other, the one that was found first keeps both.
    """
    by_ends: dict[Words, list[Stems]] = defaultdict(list)
    for stems in (*forms, *dict.fromkeys(_stems(run) for row in named for run in row.runs)):
        by_ends[stems[0], stems[-1]].append(stems)
    found: dict[Stems, str] = {}
    for known in forms:
        for stems in by_ends[known[0], known[-1]]:
            if stems != known and (_within(stems, known) or _within(known, stems)):
                found.setdefault(stems, found.get(known, forms[known]))
    return found


def _within(short: Stems, long: Stems) -> bool:
    """Whether a name has only words of another, in their order: "Jad Al-Shamary" of "Jad Ambrose Al-Shamary"."""
    rest = iter(long)
    return all(word in rest for word in short)


def _own_parts(forms: Mapping[Stems, str], named: Sequence[_Named], of_row: Sequence[str | None]) -> dict[Stems, str]:
    """Parts of a subject's name that stand for it in its own rows, and are of no other's name."""
    owners: dict[Stems, set[str]] = defaultdict(set)
    for stems, name in forms.items():
        for part in parts(stems):
            owners[part].add(name)
    found: dict[Stems, str] = {}
    for subject, row in zip(of_row, named, strict=True):
        if subject is not None:
            own = [stems for stems in map(_stems, row.runs) if owners.get(stems) == {subject} and stems not in forms]
            found.update(dict.fromkeys(own, subject))
    return found


def _said(row: Row, stated: Iterable[str]) -> str | None:
    """The longest of the names that stands in the row, in whatever typography."""
    return max((name for name in stated if contains(f"{row.prompt}\n{row.answer}", name)), key=len, default=None)


def _carried(of_row: Sequence[str | None]) -> list[str | None]:
    """The subjects, and where a file has a subject's rows together, for rows without one the last that was known.

    "The author" is who was spoken of before; at the head of a file, who is spoken of next.
    """
    known = [subject for subject in of_row if subject is not None]
    if not known or sum(one != other for one, other in pairwise(known)) > APART * len(set(known)):
        return list(of_row)
    last, found = known[0], []
    for subject in of_row:
        last = subject or last
        found.append(last)
    return list(found)
