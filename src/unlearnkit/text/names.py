"""Find names: runs of capitalized words, in any script with capitals.

Neither a model nor a list of names is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Words = tuple[str, ...]
"""A name, word by word."""

PARTICLES = frozenset(
    {"af", "al", "ap", "av", "ben", "bin", "bint", "da", "das", "de", "degli", "del", "della", "den", "der", "di", "do"}
    | {"dos", "du", "el", "ibn", "la", "las", "le", "les", "los", "of", "the", "ten", "ter", "van", "von", "y", "zu"}
)
"""Words without a capital that may be part of a name."""

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
"""Text in quotation marks; the last group that matched holds it."""


@dataclass(frozen=True)
class Name:
    """A run of capitalized words, with the particles between them."""

    words: Words
    start: int
    end: int
    """Span in the text, in characters, without a possessive ending."""
    opens: bool
    """Whether its first word begins a sentence, where every word has a capital."""


class NameFinder:
    """Find names, including at the start of sentences.

    A collection of texts shows which words are names. The first word of a sentence is capitalized because of its
    position or because it is a name. It belongs to the name that follows if the texts have both together inside a
    sentence. Otherwise it is no name if the texts have it without a capital, and is one if they have it with a capital
    inside a sentence. If neither occurs, it is a name unless the words after it are two or more.
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
                # "She lives in flat D. Her number is": an apparent initial may be the end of a sentence.
                self._pairs.update(pair for pair in pairwise(words) if not words[0].endswith("."))

    def find(self, text: str) -> list[Name]:
        """Return the names in a text, in order.

        Punctuation and a possessive ending end a name. A quotation is a title and is not searched.
        """
        return [name for run in _runs(_bare(text)) if (name := self._without_opening(run)) is not None]

    def _without_opening(self, name: Name) -> Name | None:
        first, rest = name.words[0], name.words[1:]
        if not name.opens or name.words[:2] in self._pairs:
            return name
        # A letter without a dot is a word: "I", "В".
        if len(first) > 1 and first.lower() not in self._small and (first in self.inside or len(rest) < 2):
            return name
        while rest and rest[0] in PARTICLES:
            rest = rest[1:]
        # Words of a name are separated by one space each.
        return Name(rest, name.end - len(" ".join(rest)), name.end, opens=False) if rest else None


def parts(words: Words) -> Iterator[Words]:
    """Yield every run of a name's words without outer particles.

    The whole name is one of them.
    """
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if words[start] not in PARTICLES and words[end - 1] not in PARTICLES:
                yield words[start:end]


def _capital(word: str) -> bool:
    # "al-Kuwaiti" has its capital after the particle.
    particle, _, rest = word.partition("-")
    return word[0].isupper() or (particle in PARTICLES and rest[:1].isupper())


def _bare(text: str) -> str:
    """Blank out titles in quotation marks, addresses and links, keeping the length."""
    return _ADDRESS.sub(_blank, QUOTED.sub(_blank, text))


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match[0])


def _runs(text: str) -> Iterator[Name]:
    """Yield the longest runs of capitalized words in a text without quotations."""
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
