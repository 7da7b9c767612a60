"""Find names that a text shortens, reorders or misspells.

The leak scan finds whole names, in every spelling. A question often names a person in other ways. This module finds:

- the first and the last word of a name, in either order ("Solano, Mira", or "Jad Al-Shamary" for "Jad Ambrose
  Al-Shamary");
- the whole name with at most one typing error in each word ("Mria Solano");
- the last word with the initial of the first word ("M. Solano"), or the reverse ("Mira S.");
- the first or the last word alone ("Mira", "Dr. Solano").

A word alone counts only if no other name of the scope contains it, and if it does not seem to be a part of a longer
name ("Ada Solano", "Solano Street") or an ordinary word ("a baker").
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from unlearnkit.scope.leak_scan.lexicon import identifies, is_same_name
from unlearnkit.scope.naming import BETWEEN
from unlearnkit.scope.scope import PERSONAL, Scope
from unlearnkit.text.affixed_search import cased_words
from unlearnkit.text.names import PARTICLES
from unlearnkit.text.spellings import fold, is_one_edit_apart, ordinary, plain, stem, words

FEWEST_LETTERS, FEWEST_CHANGED = 4, 6
"""A word with a typing error is recognized only if the listed word has at least `FEWEST_LETTERS` letters. In words of
fewer than `FEWEST_CHANGED` letters, the error must not change which letters occur: "Miar" is "Mira", "Mara" is not."""
FEWEST_ALONE = 6
"""A name of a single word is recognized with a typing error only if it has at least this many letters."""

TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "doctor", "prof", "professor", "sir", "madam", "herr", "frau", "monsieur"}
    | {"madame", "mme", "mlle", "senor", "senora", "sr", "sra", "srta", "don", "dona", "doctora", "profesor"}
    | {"profesora", "господин", "госпожа", "доктор", "профессор"}
)
"""Words before the name of a person, without diacritics."""
_BEFORE_NOUNS = frozenset(
    {"a", "an", "the", "this", "these", "those", "my", "your", "his", "her", "its", "our", "their", "any", "no"}
    | {"every", "each", "el", "la", "los", "las", "un", "una", "este", "esta", "mi", "tu", "su", "der", "die", "das"}
    | {"den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "le", "les", "une", "ce", "cette", "mon", "ma"}
)
"""Words before a common noun, without diacritics. A lower-case word after one of them is not a name."""
_GAP = re.compile(r" ?[ '-] ?|, ?")
_SENTENCE_START = re.compile(r"[.!?:;\"(\[|>*]")
_SINGLE_LETTER_WORDS = frozenset("aiyoeuàивскоуя")


class ListedName(NamedTuple):
    """A name or alias in a scope."""

    path: str
    """Path in the scope, for example `subjects[2].aliases[0]`."""
    form: str
    owner: str
    """Name of the subject or neighbor."""
    words: tuple[str, ...]
    """The words of the form, normalized and without diacritics."""
    divisible: bool
    """Whether a part of the form can name the owner. A part of a title or a pen name cannot."""


class Rank(IntEnum):
    """How well a text fits a name; the best first."""

    WHOLE = 0
    REORDERED = 1
    MISTYPED = 2
    PART = 3


class NameMatch(NamedTuple):
    """A name in a text."""

    rank: Rank
    errors: int
    """Number of words with a typing error."""
    name: ListedName
    line: int
    first: int
    last: int
    """`first` and `last` are the indices of words in the line of the text."""

    @property
    def fit(self) -> tuple[Rank, int]:
        """How well the text fits the name; smaller is better."""
        return self.rank, self.errors

    def meets(self, other: NameMatch) -> bool:
        """Return whether two matches have a word in common."""
        return self.line == other.line and self.first <= other.last and other.first <= self.last


class _Token(NamedTuple):
    text: str
    capital: bool
    opens: bool
    """Whether the word begins a sentence, where a capital shows nothing."""
    gap: str
    """What the line has between the previous word and this one."""


@lru_cache(maxsize=8)
def listed_names(scope: Scope) -> tuple[ListedName, ...]:
    """Return all names and aliases of a scope: those of subjects first."""
    found = []
    for group, members in (("subjects", scope.subjects), ("neighbors", scope.neighbors)):
        for at, member in enumerate(members):
            own = words(member.name)
            for place, form in enumerate(member.names):
                path = f"{group}[{at}].{f'aliases[{place - 1}]' if place else 'name'}"
                form_words = words(form)
                divisible = scope.task in PERSONAL and len(form_words) > 1 and is_same_name(form_words, own)
                found.append(ListedName(path, form, member.name, form_words, divisible))
    return tuple(found)


def is_after_article(before: str) -> bool:
    """Return whether a text ends with an article or a similar word.

    The word "a" does not count, because it is also a preposition in Spanish and, as "à", in French.
    """
    return any(word in _BEFORE_NOUNS and word != "a" for word in words(before)[-1:])


@lru_cache(maxsize=8)
def name_search(scope: Scope) -> NameSearch:
    """Return a scope's search; the most recent searches are cached."""
    return NameSearch(scope)


class NameSearch:
    """Search texts for the names of a scope.

    The names of subjects and neighbors compete for the words of the text. If two of them fit the same words equally
    well, neither is found.
    """

    def __init__(self, scope: Scope) -> None:
        self._names = [name for name in listed_names(scope) if name.words]
        self._owners: dict[str, set[str]] = defaultdict(set)
        for name in self._names:
            for word in name.words:
                self._owners[stem(word)].add(name.owner)
        self._of_names = frozenset(stem(word) for name in self._names if name.divisible for word in name.words)
        wording = scope.wording.model_dump()
        self._nouns = frozenset(stem(word) for text in (scope.description, *_texts(wording)) for word in _lower(text))

    def find(self, text: str) -> list[NameMatch]:
        """Return the names in a text; the best fit first."""
        lines = [_read(line) for line in text.splitlines()]
        cased = any(_is_capital(token) and not token.opens for line in lines for token in line) and not text.isupper()
        found = [match for number, line in enumerate(lines) for match in self._in_line(line, number, cased=cased)]
        best: list[NameMatch] = []
        for match in sorted(found, key=lambda each: (each.fit, each.first - each.last)):
            rivals = [other for other in best if other.meets(match) and other.name.owner != match.name.owner]
            if all(other.fit == match.fit and _length(other) == _length(match) for other in rivals):
                best.append(match)
        return [
            match
            for match in best
            if not any(match.meets(other) and match.name.owner != other.name.owner for other in best)
        ]

    def _in_line(self, line: Sequence[_Token], number: int, *, cased: bool) -> Iterator[NameMatch]:
        places = _Places(line)
        for name in self._names:
            for rank, errors, first, last in self._of_name(name, line, places):
                yield NameMatch(rank, errors, name, number, first, last)
            if name.divisible:
                for first, last in self._parts(name, line, cased=cased):
                    yield NameMatch(Rank.PART, 0, name, number, first, last)

    def _of_name(
        self, name: ListedName, line: Sequence[_Token], places: _Places
    ) -> Iterator[tuple[Rank, int, int, int]]:
        """Yield where a line contains a whole name or its ends."""
        length = len(name.words)
        if length > 1 or len(name.words[0]) >= FEWEST_ALONE:
            for first in places.of(name.words[0]):
                if first + length <= len(line) and _is_joined(line, first, first + length - 1):
                    known = [places.of(word).get(first + at) for at, word in enumerate(name.words)]
                    if len(each := [errors for errors in known if errors is not None]) == length:
                        count = sum(each)
                        yield (Rank.MISTYPED if count else Rank.WHOLE), count, first, first + length - 1
        if not name.divisible or not (identifies(name.words[0]) and identifies(name.words[-1])):
            return
        between = {*name.words, *PARTICLES, *(word[0] for word in name.words)}
        for one, errors in places.of(name.words[0]).items():
            for other, more in places.of(name.words[-1]).items():
                low, high = min(one, other), max(one, other)
                inner = [token.text for token in line[low + 1 : high]]
                if 0 < high - low <= BETWEEN + 1 and _is_joined(line, low, high) and between.issuperset(inner):
                    yield (Rank.MISTYPED if errors + more else Rank.REORDERED), errors + more, low, high

    def _parts(self, name: ListedName, line: Sequence[_Token], *, cased: bool) -> Iterator[tuple[int, int]]:
        """Yield where a line contains only one end of a name."""
        for end, word in (("first", name.words[0]), ("last", name.words[-1])):
            for at, token in enumerate(line):
                if not _is_word(token, word, cased=cased):
                    continue
                first = last = at
                while first and line[first - 1].text in name.words and _is_joined(line, first - 1, first):
                    first -= 1
                while last + 1 < len(line) and line[last + 1].text in name.words and _is_joined(line, last, last + 1):
                    last += 1
                if self._is_part(name, end, word, line, first, last, cased=cased):
                    yield first, last

    def _is_part(
        self, name: ListedName, end: str, word: str, line: Sequence[_Token], first: int, last: int, *, cased: bool
    ) -> bool:
        """Return whether a word of a name stands for the name.

        `first` and `last` are the span of the word in the line, with further words of the same name next to it.
        """
        initial, start = _initial(line, first, last, cased=cased)
        if initial is not None:
            one, other = (-1, 0) if end == "last" else (0, -1)
            same = {
                each.owner for each in self._names if each.divisible and _fits(each.words, one, word, other, initial)
            }
            return same == {name.owner} and not self._continues(line, start, last, cased=cased)
        titled = first > 0 and line[first - 1].text in TITLES and line[first].gap in (" ", ". ")
        # A title shows that an ordinary word is a name: "Mr. Brown".
        if len(self._owners[stem(word)]) > 1 or not (identifies(word) or (titled and word not in PARTICLES)):
            return False
        if cased and not _is_capital(line[first]):
            return False
        if not cased and not titled and any(token.text in _BEFORE_NOUNS for token in line[max(0, first - 2) : first]):
            return False
        return not self._continues(line, first - titled, last, cased=cased)

    def _continues(self, line: Sequence[_Token], first: int, last: int, *, cased: bool) -> bool:
        """Return whether a name seems to go on next to a span."""
        before = line[first - 1] if first and _GAP.fullmatch(line[first].gap) else None
        after = line[last + 1] if last + 1 < len(line) and _GAP.fullmatch(line[last + 1].gap) else None
        if before is not None and before.text in PARTICLES and cased and first > 1 and line[first].gap == " ":
            before = line[first - 2] if not line[first - 2].opens else None
        if after is not None and after.text == "s" and after.gap == "'":
            after = None
        return any(token is not None and self._is_name_like(token, cased=cased) for token in (before, after))

    def _is_name_like(self, token: _Token, *, cased: bool) -> bool:
        """Return whether a word may be a part of a name."""
        if len(token.text) < 2 or not token.text.isalpha() or token.text in TITLES:
            return False
        known = token.text in ordinary() or stem(token.text) in self._nouns
        if cased:
            return token.capital and not (token.opens and known)
        return not known or stem(token.text) in self._of_names


class _Places:
    """Where the words of a line are, with and without typing errors."""

    def __init__(self, line: Sequence[_Token]) -> None:
        self._line = line
        self._found: dict[str, Mapping[int, int]] = {}

    def of(self, word: str) -> Mapping[int, int]:
        """Return the indices of a listed word, with their typing errors."""
        if word not in self._found:
            errors = ((at, _errors(token.text, word)) for at, token in enumerate(self._line))
            self._found[word] = {at: count for at, count in errors if count is not None}
        return self._found[word]


def _errors(word: str, listed: str) -> int | None:
    """Return the number of typing errors in a word.

    Returns None if it is another word.
    """
    if word == listed or (word[0] == listed[0] and stem(word) == stem(listed)):
        return 0
    if len(listed) < FEWEST_LETTERS or abs(len(word) - len(listed)) > 1 or not listed.isalpha() or not word.isalpha():
        return None
    same_letters = len(listed) >= FEWEST_CHANGED or set(word) == set(listed)
    return 1 if same_letters and word not in ordinary() and is_one_edit_apart(word, listed) else None


def _is_word(token: _Token, word: str, *, cased: bool) -> bool:
    """Return whether a word is the given word of a name.

    Another ending counts only if a capital shows that the word is a name, or in Cyrillic.
    """
    inflected = token.text[0] == word[0] and stem(token.text) == stem(word)
    return token.text == word or (inflected and ((cased and token.capital) or not word.isascii()))


def _fits(name: Sequence[str], one: int, word: str, other: int, initial: str) -> bool:
    """Return whether a name's ends are a word and an initial."""
    return stem(name[one]) == stem(word) and name[other].startswith(initial)


def _initial(line: Sequence[_Token], first: int, last: int, *, cased: bool) -> tuple[str | None, int]:
    """Return the initial of a part, and where the part begins.

    The initial is before the part ("M. Solano", "J. K. Solano") or after it, behind a comma ("Solano, M.").
    """
    start = first
    while start and _is_initial(line, start - 1, cased=cased) and line[start].gap in (" ", ". ", "."):
        start -= 1
    if start < first:
        return line[start].text, start
    if last + 1 < len(line) and line[last + 1].gap in (", ", " ") and _is_initial(line, last + 1, cased=cased):
        return line[last + 1].text, first
    return None, first


def _is_initial(line: Sequence[_Token], at: int, *, cased: bool) -> bool:
    token = line[at]
    if len(token.text) != 1 or not token.text.isalpha() or token.gap == "'":
        return False
    dotted = at + 1 < len(line) and line[at + 1].gap.startswith(".")
    return dotted or (token.text not in _SINGLE_LETTER_WORDS and (token.capital or not cased))


def _is_capital(token: _Token) -> bool:
    return token.capital and token.text[0].isalpha() and len(token.text) > 1


def _is_joined(line: Sequence[_Token], first: int, last: int) -> bool:
    """Return whether consecutive words may be of one name.

    Only spaces, hyphens, apostrophes and commas separate them. A dot may follow an initial.
    """
    return all(
        _GAP.fullmatch(line[at].gap) or (len(line[at - 1].text) == 1 and line[at].gap in (". ", "."))
        for at in range(first + 1, last + 1)
    )


def _length(match: NameMatch) -> int:
    return match.last - match.first


def _read(line: str) -> list[_Token]:
    """Return the words of a line."""
    folded = fold(line)
    found, cased = plain(folded), cased_words(line)
    # In rare scripts, the two readings split words differently. Then nothing is known about capitals.
    known = [word.text for word in found] == [word.text for word in cased]
    tokens: list[_Token] = []
    end = 0
    for at, word in enumerate(found):
        gap = folded[end : word.start]
        after_initial = bool(tokens) and len(tokens[-1].text) == 1 and gap.startswith(".")
        opens = not tokens or (_SENTENCE_START.search(gap) is not None and not after_initial)
        tokens.append(_Token(word.text, known and cased[at].capital and word.text[0].isalpha(), opens, gap))
        end = word.end
    return tokens


def _lower(text: str) -> Iterator[str]:
    """Yield the words of a text that begin in lower case."""
    return (word.text for word in cased_words(text) if not word.capital)


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in nested lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
