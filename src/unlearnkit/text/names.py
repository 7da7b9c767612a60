"""Find names: runs of capitalized words, in any script with capitals.

The search needs neither a model nor a list of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Words = tuple[str, ...]
"""The words of a name."""

PARTICLES = frozenset(
    {"af", "al", "ap", "av", "ben", "bin", "bint", "da", "das", "de", "degli", "del", "della", "den", "der", "di", "do"}
    | {"dos", "du", "el", "ibn", "la", "las", "le", "les", "los", "of", "the", "ten", "ter", "van", "von", "y", "zu"}
)
"""Lower-case words that may be part of a name."""

_LETTER = r"[^\W\d_][\u0300-\u036f]*"
# One or more initials with their dots, or a word with hyphens and apostrophes inside.
_TOKEN = re.compile(
    rf"(?<!\w)(?:(?:[^\W\d_]\.)+(?=[\s-]+[^\W\d_])|(?:{_LETTER})++(?:['’ʼ‐‑-](?:{_LETTER})++)*+(?![\d_]))"
)
_POSSESSIVE = re.compile(r"['’ʼ]s$")
_ENDS = ".!?…:;\n"
_OPENS = " \t\u00a0'\"«»“”„‘’([¿¡—–-*"

_ADDRESS = re.compile(r"\S*(?:@|://)\S*\w")
QUOTED = re.compile(
    r"“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»|\"([^\"\n]+)\"|‘([^‘’]+)’(?!\w)"
    r"|(?<!\w)'(?=[^\s'])(.+?)(?<=\S)'(?!\w)"
)
"""Matches text in quotation marks. The last matched group contains the text without the quotation marks."""


@dataclass(frozen=True)
class Name:
    """A run of capitalized words, including the particles between them."""

    words: Words
    start: int
    end: int
    """`start` and `end` are the span of the name in the text, in characters. The span excludes a possessive ending."""
    opens: bool
    """Whether the name begins a sentence, where any word would be capitalized."""


class NameFinder:
    """Find names, including names at the start of sentences.

    The first word of a sentence is always capitalized, so its capital does not show whether the word is part of a name.
    The finder decides by searching a collection of texts for the word. The first rule that applies counts:

    1. The word is part of a name if the word and the next word also occur together in a name inside a sentence.
    2. The word is not part of a name if the word occurs in lower case.
    3. The word is part of a name if the word occurs capitalized inside a sentence.
    4. Otherwise, the word is part of a name if the run of capitalized words has at most two words.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._small: set[str] = set()
        self._pairs: set[Words] = set()
        self.inside: set[str] = set()
        """Capitalized words that occur inside a sentence."""
        for text in map(_bare, texts):
            self._small.update(word for word in _TOKEN.findall(text) if not _capital(word))
            for name in _runs(text):
                words = name.words[1:] if name.opens else name.words
                self.inside.update(words)
                # Pairs that begin with an initial are omitted. In "She lives in flat D. Her number is", "D." looks like
                # an initial but ends a sentence.
                self._pairs.update(pair for pair in pairwise(words) if not words[0].endswith("."))

    def find(self, text: str) -> list[Name]:
        """Return the names in a text, in order.

        A name ends at punctuation or at a possessive ending. Text in quotation marks is taken as a title, and names
        inside quotation marks are not returned.
        """
        return [name for run in _runs(_bare(text)) if (name := self._without_opening(run)) is not None]

    def _without_opening(self, name: Name) -> Name | None:
        first, rest = name.words[0], name.words[1:]
        if not name.opens or name.words[:2] in self._pairs:
            return name
        # A single letter without a dot is a word, not an initial: "I", "В".
        if len(first) > 1 and first.lower() not in self._small and (first in self.inside or len(rest) < 2):
            return name
        while rest and rest[0] in PARTICLES:
            rest = rest[1:]
        # The words of a name are separated by single spaces.
        return Name(rest, name.end - len(" ".join(rest)), name.end, opens=False) if rest else None


def parts(words: Words) -> Iterator[Words]:
    """Yield every part of a name, including the whole name.

    A part is a run of consecutive words that neither begins nor ends with a particle.
    """
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if words[start] not in PARTICLES and words[end - 1] not in PARTICLES:
                yield words[start:end]


def _capital(word: str) -> bool:
    # In "al-Kuwaiti", the capital letter follows the particle "al".
    particle, _, rest = word.partition("-")
    return word[0].isupper() or (particle in PARTICLES and rest[:1].isupper())


def _bare(text: str) -> str:
    """Blank out titles, addresses and links, keeping the text's length."""
    return _ADDRESS.sub(_blank, QUOTED.sub(_blank, text))


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match[0])


def _runs(text: str) -> Iterator[Name]:
    """Yield the longest runs of capitalized words in a text.

    Titles, addresses and links in the text must have been blanked out by `_bare`.
    """
    run: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if owner := _POSSESSIVE.search(token[0]):
            end -= len(owner[0])
        if run and text[run[-1][1] : start] not in (" ", "\u00a0"):
            yield from _run(text, run)
            run = []
        if _capital(text[start:end]) or (run and text[start:end] in PARTICLES):
            run.append((start, end))
            if not owner:
                continue
        yield from _run(text, run)
        run = []
    yield from _run(text, run)


def _run(text: str, spans: list[tuple[int, int]]) -> Iterator[Name]:
    while spans and text[slice(*spans[-1])] in PARTICLES:
        spans = spans[:-1]
    if spans:
        start, end = spans[0][0], spans[-1][1]
        before = text[:start].rstrip(_OPENS)
        yield Name(tuple(text[slice(*span)] for span in spans), start, end, not before or before[-1] in _ENDS)
